//! Files that are whole or not there at all.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

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
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".writing-");
        // A temporary file is private by default; this one becomes an ordinary file, subject to the umask.
        #[cfg(unix)]
        builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
        let mut file = builder.tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_data()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(FileError::new("cannot write", path))
}

/// SHA-256 of a file's bytes, in hex.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, FileError> {
    std::fs::read(path).map(|bytes| sha256(&bytes)).map_err(FileError::new("cannot read", path))
}

pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
