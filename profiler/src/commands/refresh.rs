//! `profiler refresh`: measures the tables of a list of devices again, a build and a check each.
//!
//! Each is done by this program in a process of its own, as a person would do it: what fails at one device does not end the others.

use std::ffi::OsString;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;
use files::FileError;
use terminal::note;

use super::error::CommandError;
use crate::devices::interrupt;

/// Seeds of checks are below this.
const SEEDS: u64 = 1 << 30;

#[derive(Args)]
pub(super) struct RefreshArgs {
    /// Names of the tables to measure again [default: all of the list]
    names: Vec<String>,
    /// List of tables, one per line: NAME DEVICE [options of `profiler build`]. The tables are in the same folder
    #[arg(long, default_value = "luts/devices.txt")]
    file: PathBuf,
    /// Number of random networks of each check
    #[arg(long, default_value_t = 50)]
    nets: usize,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: String,
    device: String,
    options: Vec<String>,
}

/// Exit code of a check that finds a table wrong.
const WRONG: i32 = super::error::FAILED as i32;

impl RefreshArgs {
    pub(super) fn run(self) -> Result<(), CommandError> {
        interrupt::catch();
        let text = fs::read_to_string(&self.file).map_err(FileError::new("cannot read", &self.file))?;
        let list = parse(&text).map_err(|line| {
            let file = self.file.display();
            CommandError::Usage(format!("{file}: '{line}' is not a line of the list: NAME DEVICE [options]"))
        })?;
        if let Some(unknown) = self.names.iter().find(|name| !list.iter().any(|entry| entry.name == **name)) {
            return Err(CommandError::Usage(format!("{} has no line for '{unknown}'", self.file.display())));
        }
        let program = std::env::current_exe().map_err(FileError::new("cannot find", Path::new("this program")))?;
        let folder = self.file.parent().unwrap_or(Path::new("."));
        let mut failed = Vec::new();
        for entry in list.iter().filter(|entry| self.names.is_empty() || self.names.contains(&entry.name)) {
            note(format_args!("== {} ({})", entry.name, entry.device));
            if !entry.refresh(&program, folder, self.nets)? {
                failed.push(entry.name.clone());
            }
            if interrupt::requested() {
                return Err(CommandError::Interrupted);
            }
        }
        if failed.is_empty() { Ok(()) } else { Err(CommandError::Refresh { names: failed }) }
    }
}

impl Entry {
    /// Measures and checks under another name; only a complete table replaces the old one. What a build has measured that failed, or whose
    /// check was disturbed, is used the next time; what a check has found wrong is not.
    fn refresh(&self, program: &Path, folder: &Path, nets: usize) -> Result<bool, FileError> {
        let new = |ending: &str| folder.join(format!(".{}.new.{ending}", self.name));
        let (table, raw) = (new("csv"), new("raw.gz"));
        let words = |words: &[&str]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let build = [
            words(&["build", "--device", &self.device, "--resume", "--out"]),
            vec![table.clone().into(), "--raw".into(), raw.clone().into()],
            self.options.iter().map(OsString::from).collect(),
        ];
        let seed = RandomState::new().hash_one(&self.name) % SEEDS;
        let mut check = vec!["check".into(), table.clone().into()];
        check.extend(words(&["--device", &self.device, "--nets", &nets.to_string(), "--seed", &seed.to_string()]));
        // A space that is a file is not found by the table's name.
        let space = self.options.iter().position(|option| option == "--space").and_then(|at| self.options.get(at..at + 2));
        check.extend(space.into_iter().flatten().map(OsString::from));
        if ended(program, &build.concat())? != Some(0) {
            return Ok(false);
        }
        match ended(program, &check)? {
            Some(0) => {}
            Some(WRONG) => {
                for file in [&raw, &table] {
                    fs::remove_file(file).map_err(FileError::new("cannot remove", file))?;
                }
                return Ok(false);
            }
            _ => return Ok(false),
        }
        for (from, ending) in [(raw, "raw.gz"), (table, "csv")] {
            let to = folder.join(format!("{}.{ending}", self.name));
            fs::rename(&from, &to).map_err(FileError::new("cannot replace", &to))?;
        }
        Ok(true)
    }
}

/// The exit code of this program, run with these words; none where a signal ended it.
fn ended(program: &Path, words: &[OsString]) -> Result<Option<i32>, FileError> {
    let ended = Command::new(program).args(words).stdin(Stdio::null()).status();
    ended.map(|status| status.code()).map_err(FileError::new("cannot start", program))
}

/// The lines of a list; the first one that is none is the error.
fn parse(text: &str) -> Result<Vec<Entry>, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let is_name = |name: &str| name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
    let entry = |line: &str| {
        let mut words = line.split_whitespace().map(str::to_string);
        match (words.next(), words.next()) {
            (Some(name), Some(device)) if is_name(&name) => Ok(Entry { name, device, options: words.collect() }),
            _ => Err(line.to_string()),
        }
    };
    lines.map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program that builds an empty table and finds it as the folder's `verdict` says.
    const PROGRAM: &str = "#!/bin/sh\ncd \"${0%/*}\"\ncase $1 in\nbuild) echo new >>.pi4.new.raw.gz; echo new >.pi4.new.csv;;\n\
                           check) exit $(cat verdict);;\nesac\n";

    #[test]
    fn a_table_that_is_found_wrong_is_measured_anew_the_next_time() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("program");
        // Not by this process: a file that another test's child still holds open for writing cannot be run.
        let write = ["-c", "printf %s \"$1\" >\"$2\" && chmod 755 \"$2\"", "sh", PROGRAM];
        assert!(Command::new("sh").args(write).arg(&program).status().unwrap().success());
        let entry = Entry { name: "pi4".into(), device: "local".into(), options: Vec::new() };
        // What stands in the raw file afterwards: one line a build since it was begun.
        let refreshed = |verdict: &str| {
            fs::write(folder.path().join("verdict"), verdict).unwrap();
            let done = entry.refresh(&program, folder.path(), 30).unwrap();
            let lines = |name: &str| fs::read_to_string(folder.path().join(name)).map_or(0, |text| text.lines().count());
            (done, lines(".pi4.new.raw.gz"), lines("pi4.raw.gz"))
        };
        assert_eq!(refreshed("5"), (false, 1, 0), "disturbed: the samples are as good as before");
        assert_eq!(refreshed("3"), (false, 2, 0));
        assert_eq!(refreshed("1"), (false, 0, 0), "wrong");
        assert_eq!(refreshed("0"), (true, 0, 1));
    }

    #[test]
    fn a_list_of_devices() {
        let list = parse("# tables\n\nsd625  adb:0a1b  --engine mnn --threads 4\npi4 ssh://pi@board\n").unwrap();
        let names: Vec<_> = list.iter().map(|entry| (entry.name.as_str(), entry.device.as_str(), entry.options.len())).collect();
        assert_eq!(names, [("sd625", "adb:0a1b", 4), ("pi4", "ssh://pi@board", 0)]);
        assert_eq!(parse("a local\nalone\n"), Err("alone".to_string()));
        assert!(parse("../a local").is_err());
    }
}
