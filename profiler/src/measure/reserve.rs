//! Files that one command alone writes: a second one would destroy the first one's samples.
//!
//! Beside the file stands another one, hidden, that the writer holds a lock on, and that says who it is. The kernel lets go of it
//! when the process ends, even by a kill.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::agent::cpu_lock;
use crate::show::text;

/// Most letters of the command that others are told.
const COMMAND_LIMIT: usize = 300;

/// A file that another command writes.
#[derive(Debug, thiserror::Error)]
#[error("{path} is being written by {holder}: wait for it, or choose another file")]
pub struct ReservedError {
    /// The file.
    pub path: PathBuf,
    /// Who writes it: process, command, since when.
    pub holder: String,
}

/// A file that this command alone writes, until this is dropped.
#[derive(Debug)]
pub struct Reserved {
    /// Its lock, where its folder allows one.
    lock: Option<(File, PathBuf)>,
}

impl Reserved {
    /// Reserves the file at `path`, which need not be there; others that want it see `holder`.
    ///
    /// # Errors
    /// Another command writes it.
    pub fn take(path: &Path, holder: &str) -> Result<Self, ReservedError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".lock");
        let lock = path.with_file_name(name);
        loop {
            let reserved = |holder| ReservedError { path: path.to_path_buf(), holder };
            // A missing or read-only folder is reported when the file itself is written.
            let Some(file) = cpu_lock::lock(&lock, holder).map_err(reserved)? else { return Ok(Self { lock: None }) };
            // The process before may have removed it after it was opened here: then it locks nothing.
            if let (Ok(held), Ok(there)) = (file.metadata(), fs::metadata(&lock))
                && (held.dev(), held.ino()) == (there.dev(), there.ino())
            {
                return Ok(Self { lock: Some((file, lock)) });
            }
        }
    }
}

/// Who measures since when, for others that want to.
pub fn holder() -> String {
    static BEGAN: LazyLock<String> = LazyLock::new(text::now);
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    let command: String = words.chars().take(COMMAND_LIMIT).collect();
    format!("process {} ({command}), since {}", std::process::id(), *BEGAN)
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if let Some((_, path)) = &self.lock {
            // While it is still locked, so that no other process's file is removed.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_writer_is_refused_and_nothing_is_left_behind() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.csv");
        let first = Reserved::take(&path, "process 7, since noon").expect("free");
        let second = Reserved::take(&path, "process 8").expect_err("taken");
        assert_eq!((second.path, second.holder.as_str()), (path.clone(), "process 7, since noon"));
        drop(Reserved::take(&folder.path().join("u.csv"), "process 8").expect("another file"));
        drop(first);
        drop(Reserved::take(&path, "process 8").expect("free again"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
        assert!(Reserved::take(&folder.path().join("none/t.csv"), "process 8").is_ok());
    }
}
