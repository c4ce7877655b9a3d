//! A file of this machine that cannot be read or written.

use std::io;
use std::path::{Path, PathBuf};

/// What was tried with which file, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("cannot {verb} {path}")]
pub struct FileError {
    /// What was tried: `read`, `write`, `make a folder in`.
    pub verb: &'static str,
    /// The file.
    pub path: PathBuf,
    /// Why it failed.
    pub source: io::Error,
}

impl FileError {
    /// For `map_err` on file operations.
    pub fn new(verb: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self { verb, path: path.to_path_buf(), source }
    }
}

/// A temporary folder whose name begins so; it goes when it is dropped.
///
/// # Errors
/// [`FileError`].
pub fn temporary_folder(prefix: &str) -> Result<tempfile::TempDir, FileError> {
    tempfile::Builder::new().prefix(prefix).tempdir().map_err(FileError::new("make a folder in", &std::env::temp_dir()))
}
