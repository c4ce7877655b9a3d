//! Everything that can end a command, and the exit code it ends with.

use files::FileError;

use super::flags::SettingsError;
use super::resolve::ResolveError;
use crate::compare::{CompareError, MeasureError};
use crate::cost::CostError;
use crate::nni::ImportError;
use crate::parallel::ParallelError;
use crate::report::ReportError;
use crate::run::{CheckpointError, FolderError};
use crate::task::TaskError;
use crate::task::faces::{ExportError, FaceError};
use crate::train::{ConfigError, TrainError};

/// What ended a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A comparison of networks.
    #[error(transparent)]
    Compare(#[from] CompareError),
    /// A report.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// An export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// A checkpoint of NNI's.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Faces, or a network that runs on them.
    #[error(transparent)]
    Face(Box<FaceError>),
    /// The same, as the task tells it.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// The settings of a run.
    #[error(transparent)]
    Resolve(#[from] ResolveError),
    /// The settings of a comparison.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// Measuring with the profiler.
    #[error(transparent)]
    Measure(#[from] MeasureError),
    /// A run's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A run's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A latency table.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// Several processes.
    #[error(transparent)]
    Parallel(#[from] ParallelError),
    /// Standard output takes no more.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// Flags that make no sense together, or a value that makes none.
    #[error("{0}")]
    Usage(String),
}

impl From<FaceError> for Error {
    fn from(error: FaceError) -> Self {
        Self::Face(Box::new(error))
    }
}

impl From<faces::FacesError> for Error {
    fn from(error: faces::FacesError) -> Self {
        FaceError::from(error).into()
    }
}

impl Error {
    /// 1 a check failed, 2 bad usage or input, 130 stopped by the user.
    pub fn exit_code(&self) -> u8 {
        let training = match self {
            Self::Train(error) => Some(error),
            Self::Compare(error) => error.training(),
            _ => None,
        };
        match (self, training) {
            (_, Some(TrainError::Interrupted { .. })) => 130,
            (_, Some(TrainError::Diverged { .. } | TrainError::NotFinite { .. })) => 1,
            (Self::Export(ExportError::Differs { .. }), _) => 1,
            _ => 2,
        }
    }
}

/// The result of a command.
pub type Result<T> = std::result::Result<T, Error>;
