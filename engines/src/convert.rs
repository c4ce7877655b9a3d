//! ONNX files made into those of an engine that has a format of its own.

use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// A format of an engine's own.
#[derive(Debug)]
pub struct OwnFormat {
    /// The engine's own name: `MNN`.
    pub title: &'static str,
    /// How the names of its files end, without the dot: `mnn`.
    pub ending: &'static str,
    /// The version that the converter must have: the engine's.
    pub version: &'static str,
    /// The command that fetches the converter: `profiler setup mnn`.
    pub setup: &'static str,
    /// Finds the converter.
    pub find: fn() -> Result<Box<dyn Converter>, ConvertError>,
}

impl OwnFormat {
    /// What makes its files of ONNX files.
    ///
    /// # Errors
    /// [`ConvertError::Missing`], [`ConvertError::Start`], [`ConvertError::Version`].
    pub fn converter(&self) -> Result<Box<dyn Converter>, ConvertError> {
        (self.find)()
    }
}

/// A program of the host that makes an engine's files of ONNX files.
pub trait Converter: Debug + Send + Sync {
    /// Makes the file `made` of the ONNX file `onnx`. It is there whole or, as before, not at all.
    ///
    /// # Errors
    /// [`ConvertError::Start`], [`ConvertError::Refused`], [`ConvertError::Write`].
    fn convert(&self, onnx: &Path, made: &Path) -> Result<(), ConvertError>;
}

/// Why there is no file in an engine's own format.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// In none of its places.
    #[error(
        "{}'s converter was not found; tried{}\n`{}` fetches version {}",
        .format.title,
        .tried.iter().map(|t| format!("\n  {t}")).collect::<String>(),
        .format.setup,
        .format.version
    )]
    Missing {
        /// The format.
        format: &'static OwnFormat,
        /// The places, in the order of the search.
        tried: Vec<String>,
    },
    /// Not that of the engine.
    #[error(
        "{program} is {}'s converter of version '{found}', the engine is {}; `{}` fetches that one",
        .format.title, .format.version, .format.setup
    )]
    Version {
        /// The format.
        format: &'static OwnFormat,
        /// The converter.
        program: PathBuf,
        /// What it says its version is.
        found: String,
    },
    /// It does not start.
    #[error("cannot start {}'s converter {program}; `{}` fetches one that works", .format.title, .format.setup)]
    Start {
        /// The format.
        format: &'static OwnFormat,
        /// The converter.
        program: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The converter takes no such model.
    #[error("{}'s converter refuses {path}:{}", .format.title, .said.lines().map(|line| format!("\n  {line}")).collect::<String>())]
    Refused {
        /// The format.
        format: &'static OwnFormat,
        /// The ONNX file.
        path: PathBuf,
        /// The end of what it said.
        said: String,
    },
    /// The converted file cannot take its place.
    #[error("cannot write {path}")]
    Write {
        /// The file in the engine's format.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}
