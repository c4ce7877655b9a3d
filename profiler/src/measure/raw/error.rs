//! Why a raw sample file cannot be read or written.

use std::path::PathBuf;

use files::FileError;

use crate::measure::reserve::ReservedError;

/// What is wrong with a raw sample file, or with its name.
#[derive(Debug, thiserror::Error)]
pub enum RawError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Another command writes it.
    #[error(transparent)]
    Reserved(#[from] ReservedError),
    /// It holds what cannot be used.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Its folder does not exist.
    #[error("there is no folder {folder} to write the raw samples in; create it")]
    NoFolder {
        /// The folder.
        folder: PathBuf,
    },
    /// Its name is taken.
    #[error("{path} already exists: give --raw another name, or remove it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
}
