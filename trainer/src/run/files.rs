//! Reading and writing a run's files.

use std::path::Path;

use files::FileError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::parallel;

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

/// A value as indented JSON with a line's end; `path` is the file that it is for.
///
/// # Errors
/// It has no form in JSON.
pub fn to_json(value: &impl Serialize, path: &Path) -> Result<String, FileError> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
    Ok(text + "\n")
}

/// Reads a JSON file; `what` stands before its path where it cannot be read as that, as in "not an arch.json:".
///
/// # Errors
/// It is missing or holds something else.
pub fn read_json<T: DeserializeOwned>(path: &Path, what: &'static str) -> Result<T, FileError> {
    let text = std::fs::read_to_string(path).map_err(FileError::new("cannot read", path))?;
    // Without the byte-order mark that some editors write.
    serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(std::io::Error::other).map_err(FileError::new(what, path))
}

/// Reads the rows of a CSV file; none if there is no such file.
///
/// # Errors
/// It holds something else.
pub fn read_csv<R: DeserializeOwned>(path: &Path) -> Result<Vec<R>, FileError> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    let read = || -> csv::Result<Vec<R>> { csv::Reader::from_path(path)?.deserialize().collect() };
    read().map_err(std::io::Error::other).map_err(FileError::new("cannot read", path))
}

/// Writes rows as a CSV file, as [`write_atomically`] does.
///
/// # Errors
/// It cannot be written.
pub fn write_csv<R: Serialize>(rows: &[R], path: &Path) -> Result<(), FileError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let written = rows.iter().try_for_each(|row| writer.serialize(row)).map_err(std::io::Error::other);
    let bytes = written.and_then(|()| writer.into_inner().map_err(|e| std::io::Error::other(e.to_string())));
    write_atomically(path, &bytes.map_err(FileError::new("cannot write", path))?)
}

/// SHA-256 of a file's bytes, in hex.
///
/// # Errors
/// It cannot be read.
pub fn sha256_of_file(path: &Path) -> Result<String, FileError> {
    files::sha256_of(path).map_err(FileError::new("cannot read", path))
}
