//! What can go wrong between a data folder and a batch.

use std::path::{Path, PathBuf};

/// What can go wrong between a data folder and a batch.
#[derive(Debug, thiserror::Error)]
pub enum FacesError {
    /// A file could not be read or written.
    #[error("{what} {path}")]
    Io {
        /// What was tried, as "cannot read".
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
    /// Something else, as downloads leave it.
    #[error("{path} {impostor}")]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        impostor: files::Impostor,
    },
    /// A text of another encoding.
    #[error("{path}:{line}: is not UTF-8 text; convert it; for Chinese text, for example: `iconv -f GBK -t UTF-8`")]
    NotUtf8 {
        /// The file.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
    },
    /// A line of a list is wrong.
    #[error("{path}:{line}: {message}")]
    List {
        /// The list.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What is wrong and what a line must hold.
        message: String,
    },
    /// A list holds no face.
    #[error("{path} contains no face; a line is `path x0 y0 … pitch yaw roll`")]
    EmptyList {
        /// The list.
        path: PathBuf,
    },
    /// A list names pictures that are not there.
    #[error("{path}: {count} of {faces} pictures are missing: {first}; paths in a list are relative to {root}")]
    MissingPictures {
        /// The list.
        path: PathBuf,
        /// The data folder that its paths are relative to.
        root: PathBuf,
        /// How many pictures are missing.
        count: usize,
        /// How many faces the list has.
        faces: usize,
        /// The first few, each with its line.
        first: String,
    },
    /// A picture cannot be decoded.
    #[error("picture {path}{origin}: {message}")]
    Picture {
        /// The picture.
        path: PathBuf,
        /// ` (LIST:LINE)` where a list names it, else empty.
        origin: String,
        /// What is wrong.
        message: String,
    },
    /// A landmark scheme's file is wrong, or there is none for the count.
    #[error("{0}")]
    Points(String),
    /// A number given by the caller is out of its range.
    #[error("{0}")]
    Usage(String),
    /// A folder that must be empty is not.
    #[error("{path} is not empty; give another folder, or --overwrite")]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
}

impl FacesError {
    /// An [`FacesError::Io`] for `map_err`.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { what, path, source }
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, FacesError>;
