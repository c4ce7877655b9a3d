//! A file of this machine that cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// What was tried with which file, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("{what} {}", .path.display())]
pub struct FileError {
    /// What cannot be done, or what the file is not: `cannot read`, `not an arch.json:`.
    pub what: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// For `map_err` on file operations; `what` is as in "cannot read".
    pub fn new(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self { what, path, source }
    }
}

/// A temporary folder whose name begins so; it goes when it is dropped.
///
/// # Errors
/// It cannot be made.
pub fn temporary_folder(prefix: &str) -> Result<tempfile::TempDir, FileError> {
    tempfile::Builder::new().prefix(prefix).tempdir().map_err(FileError::new("cannot make a folder in", &std::env::temp_dir()))
}
