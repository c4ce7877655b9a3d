//! Faces divided into two parts, all pictures of a person in the same one.

use crate::error::{FacesError, Result};
use crate::random::{Purpose, stream};
use crate::text::read_text;
use rand::seq::SliceRandom;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// Divides `0..names.len()` into (kept, held back), both ascending, with about `fraction` held back.
///
/// Names of one group (a person) stay together; a name without a group is a group of its own.
pub fn divide(names: &[&str], groups: &HashMap<String, String>, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut members: BTreeMap<(bool, &str), Vec<usize>> = BTreeMap::new();
    for (index, &name) in names.iter().enumerate() {
        let key = groups.get(name).map_or((false, name), |group| (true, group.as_str()));
        members.entry(key).or_default().push(index);
    }
    let mut clusters: Vec<Vec<usize>> = members.into_values().collect();
    clusters.shuffle(&mut stream(Purpose::Split, seed, 0, 0));
    let target = (fraction * names.len() as f64).round() as usize;
    let (mut kept, mut held) = (Vec::new(), Vec::new());
    for cluster in clusters {
        let side = if held.len() + cluster.len() <= target { &mut held } else { &mut kept };
        side.extend(cluster);
    }
    kept.sort_unstable();
    held.sort_unstable();
    (kept, held)
}

/// File name → person, from a CSV file with the columns `file` and `identity`; empty where there is no such file or it
/// has other columns. A path counts as its file's name.
///
/// # Errors
/// The file is not text, or not readable as CSV.
pub fn read_identities(path: &Path) -> Result<HashMap<String, String>> {
    if !path.is_file() {
        return Ok(HashMap::new());
    }
    let fault = |error: csv::Error| FacesError::Usage(format!("{}: {error}", path.display()));
    let text = read_text("cannot read", path)?;
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().map_err(fault)?;
    let column = |name: &str| headers.iter().position(|header| header.trim() == name);
    let (Some(file), Some(identity)) = (column("file"), column("identity")) else {
        return Ok(HashMap::new());
    };
    let name = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or(path).trim().to_owned();
    reader.records().map(|record| record.map(|r| (name(&r[file]), r[identity].to_owned())).map_err(fault)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_whole_disjoint_and_depends_on_the_seed() {
        let names: Vec<String> = (0..500).map(|i| format!("{i}.jpg")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let (kept, held) = divide(&names, &HashMap::new(), 0.2, 5);
        assert_eq!((kept.len(), held.len()), (400, 100));
        let mut all = [kept.clone(), held.clone()].concat();
        all.sort_unstable();
        assert_eq!(all, (0..500).collect::<Vec<_>>());
        assert_eq!(divide(&names, &HashMap::new(), 0.2, 5), (kept.clone(), held));
        assert_ne!(divide(&names, &HashMap::new(), 0.2, 6).0, kept);
    }

    #[test]
    fn whose_pictures_they_are_is_read_whatever_wrote_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("meta.csv");
        let people = |text: &str| {
            std::fs::write(&path, text).unwrap();
            read_identities(&path).map(|found| found.into_iter().collect::<BTreeMap<_, _>>())
        };
        let expected = BTreeMap::from([("1.jpg".to_owned(), "p".to_owned()), ("2.jpg".to_owned(), "q".to_owned())]);
        assert_eq!(people("file,identity\n1.jpg,p\n2.jpg,q\n").unwrap(), expected);
        // As spreadsheets write it, and with folders as in a list.
        assert_eq!(people("\u{feff}file,identity\r\n1.jpg,p\r\n2.jpg,q\r\n").unwrap(), expected);
        assert_eq!(people("file, identity\ntrain_data/imgs/1.jpg,p\nimgs\\2.jpg,q\n").unwrap(), expected);
        assert!(people("file\n1.jpg\n").unwrap().is_empty() && people("file,identity\n1.jpg\n").is_err());
        assert!(people("version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 1\n").is_err());
    }

    #[test]
    fn nobody_is_on_both_sides() {
        let names: Vec<String> = (0..300).map(|i| format!("{i}.jpg")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let groups: HashMap<String, String> =
            (0..280).map(|i| (format!("{i}.jpg"), format!("p{}", if i < 90 { 0 } else { i / 3 }))).collect();
        let (kept, held) = divide(&names, &groups, 0.2, 1);
        assert_eq!(kept.len() + held.len(), 300);
        assert!((57..=60).contains(&held.len()), "{}", held.len());
        let people = |side: &[usize]| -> std::collections::HashSet<String> {
            side.iter().filter_map(|&i| groups.get(names[i]).cloned()).collect()
        };
        assert!(people(&kept).is_disjoint(&people(&held)));
    }
}
