//! Files that one command alone writes: a second one would destroy the first one's samples.
//!
//! Beside the file stands another one, hidden, that the writer holds a lock on, and that says who it is. The kernel lets go of it
//! when the process ends, even by a kill.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use terminal::note;

use crate::agent::cpu_lock::{self, NotLocked};
use crate::show::text;

/// Most letters of the command that messages to others quote.
const COMMAND_LIMIT: usize = 300;

/// Why a file is not this command's alone.
#[derive(Debug, thiserror::Error)]
pub enum ReservedError {
    /// Another command writes it.
    #[error("{path} is being written by {holder}: wait for it, or choose another file")]
    Held {
        /// The file.
        path: PathBuf,
        /// Who writes it: process, command, since when.
        holder: String,
    },
    /// The file beside it that is locked cannot be made; nor could the file itself.
    #[error("cannot write {path}: its lock file {lock} cannot be created")]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// The one that is locked.
        lock: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A file that this command alone writes, until this is dropped.
#[derive(Debug)]
pub struct Reserved {
    /// Held for its lock.
    #[expect(dead_code)]
    file: File,
    /// Where that is.
    lock: PathBuf,
}

impl Reserved {
    /// Reserves the file at `path`, which need not be there; others that want it see `holder`. On a file system without locks nothing is
    /// reserved, and the user is told.
    ///
    /// # Errors
    /// [`ReservedError`].
    pub fn take(path: &Path, holder: &str) -> Result<Self, ReservedError> {
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(".lock");
        let lock = path.with_file_name(name);
        loop {
            let path = || path.to_path_buf();
            let file = match cpu_lock::lock(&lock, holder) {
                Ok(file) => file,
                Err(NotLocked::Held(holder)) => return Err(ReservedError::Held { path: path(), holder }),
                Err(NotLocked::File(source)) => return Err(ReservedError::Unwritable { path: path(), lock, source }),
                Err(NotLocked::Lock(file, e)) => {
                    note(format_args!(
                        "note: cannot lock {}: {e}. Make sure that no other command writes {}",
                        lock.display(),
                        path().display()
                    ));
                    return Ok(Self { file, lock });
                }
            };
            // The process before may have removed it after it was opened here: then it locks nothing.
            if let (Ok(held), Ok(there)) = (file.metadata(), fs::metadata(&lock))
                && (held.dev(), held.ino()) == (there.dev(), there.ino())
            {
                return Ok(Self { file, lock });
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
        // While it is still locked, so that no other process's file is removed.
        let _ = fs::remove_file(&self.lock);
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
        assert!(
            matches!(&second, ReservedError::Held { path: taken, holder } if *taken == path && holder == "process 7, since noon"),
            "{second:?}"
        );
        drop(Reserved::take(&folder.path().join("u.csv"), "process 8").expect("another file"));
        drop(first);
        drop(Reserved::take(&path, "process 8").expect("free again"));
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn where_no_file_can_be_made_nothing_is_taken_for_reserved() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join(".t.csv.lock")).expect("a folder");
        // What stands in the lock's place, a folder that is not there, one where nobody may make files.
        for path in [folder.path().join("t.csv"), folder.path().join("none/t.csv"), PathBuf::from("/sys/t.csv")] {
            let error = Reserved::take(&path, "process 8").expect_err("no lock");
            assert!(matches!(&error, ReservedError::Unwritable { path: of, .. } if *of == path), "{error:?}");
        }
    }
}
