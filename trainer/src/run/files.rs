//! Files that are whole or not there at all.

use std::path::{Path, PathBuf};

use crate::parallel;

/// A file of a run cannot be read or written.
#[derive(Debug, thiserror::Error)]
#[error("{what} {}", .path.display())]
pub struct FileError {
    what: &'static str,
    path: PathBuf,
    source: std::io::Error,
}

impl FileError {
    /// For `map_err`; `what` is as in "cannot read".
    pub fn new(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

/// Writes beside `path` and renames, so that a reader (or a crash) sees the old contents or the new, never a part. Of several processes
/// that train together, the first alone writes.
///
/// # Errors
/// The folder cannot be written to.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    if !parallel::is_first() {
        return Ok(());
    }
    files::write(path, bytes, files::Overwrite::Yes).map_err(FileError::new("cannot write", path))
}

/// SHA-256 of a file's bytes, in hex.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, FileError> {
    files::sha256_of(path).map_err(FileError::new("cannot read", path))
}
