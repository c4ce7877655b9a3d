//! Help for a table that is missing: which tables there are, and how one is made.

use std::path::{Path, PathBuf};

/// Where tables are looked for beside the folder that was named.
const FOLDER: &str = "luts";
/// Most tables that are listed.
const LISTED: usize = 20;

/// Which tables there are instead, and how the missing one is made.
pub fn advice(path: &Path) -> String {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut there = tables_in(folder);
    if !folder.ends_with(FOLDER) {
        there.extend(tables_in(Path::new(FOLDER)));
    }
    there.truncate(LISTED);
    let there = if there.is_empty() {
        format!("{} has no tables", folder.display())
    } else {
        format!("available: {}", there.iter().map(|table| table.display().to_string()).collect::<Vec<_>>().join(", "))
    };
    let path = path.display();
    format!(
        "{there}. To make it on a phone: `profiler build --device adb --out {path}`; without a phone: `profiler build --device \
         sim:sd625 --engine mnn --out {path}`"
    )
}

fn tables_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut tables: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "csv")).collect();
    tables.sort();
    tables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_beside_it_are_listed_and_how_one_is_made() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.csv", "a.csv", "a.raw.gz"] {
            std::fs::write(folder.path().join(name), "").unwrap();
        }
        let said = advice(&folder.path().join("sd625.csv"));
        let [a, b] = ["a.csv", "b.csv"].map(|name| said.find(name).unwrap());
        assert!(a < b && !said.contains("raw"), "{said}");
        assert!(said.contains("--device sim:sd625") && said.contains("--device adb"), "{said}");
        assert!(advice(&folder.path().join("none/x.csv")).starts_with(&format!("{}/none ", folder.path().display())));
    }
}
