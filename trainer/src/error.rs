//! Everything that can end a command, and the exit code it ends with.

use std::path::PathBuf;

use crate::export::ExportError;
use crate::loss::TermError;
use crate::model::ModelError;
use crate::nni::ImportError;
use crate::run::{CheckpointError, ConfigError, FileError, FolderError};
use crate::search::CostError;
use crate::space::SubnetError;

/// What ended a command.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Face data.
    #[error(transparent)]
    Faces(#[from] faces::FacesError),
    /// A search space.
    #[error(transparent)]
    Space(#[from] blocks::SpaceError),
    /// A model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Tensor arithmetic.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A run's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A run's folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The latency table, or the costs read from it.
    #[error(transparent)]
    Cost(#[from] CostError),
    /// The latency term.
    #[error(transparent)]
    Term(#[from] TermError),
    /// A subnet of a supernet.
    #[error(transparent)]
    Subnet(#[from] SubnetError),
    /// A checkpoint of NNI's.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// An ONNX file.
    #[error(transparent)]
    Onnx(#[from] blocks::onnx::FileError),
    /// An inference engine.
    #[error(transparent)]
    Engine(#[from] engines::EngineError),
    /// An export.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// Training went astray.
    #[error(
        "the loss is {loss} in epoch {epoch}, step {step}: training has diverged. Lower --base-lr (or --theta-lr); the last checkpoint \
         is whole"
    )]
    Diverged {
        /// Not a number, or infinite.
        loss: f32,
        /// From 1.
        epoch: usize,
        /// From 1.
        step: usize,
    },
    /// Training went astray in the last step of an epoch, whose loss does not tell.
    #[error(
        "epoch {epoch} left values that are no finite numbers in '{tensor}': training has diverged. Nothing of that epoch is saved; the \
         checkpoint before it stays ({}). Start anew (--overwrite) with a lower {flag}", .last.display()
    )]
    NotFinite {
        /// From 1.
        epoch: usize,
        /// The first tensor with such a value.
        tensor: String,
        /// The learning rate that moved it, as typed.
        flag: &'static str,
        /// The checkpoint that stays.
        last: PathBuf,
    },
    /// Standard output takes no more.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// A point of a sweep that cannot be searched.
    #[error("the sweep's point {point}")]
    Point {
        /// Its name.
        point: String,
        /// Why not.
        source: Box<Error>,
    },
    /// A value given by the user makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The user stopped a run.
    #[error("stopped in epoch {epoch}; its steps are lost, the epochs before are saved. To go on:\n  trainer {command}")]
    Interrupted {
        /// From 1.
        epoch: usize,
        /// What resumes the run.
        command: String,
    },
}

impl Error {
    /// 1 a check failed, 2 bad usage or input, 130 stopped by the user.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted { .. } => 130,
            Self::Export(ExportError::Differs { .. }) | Self::Diverged { .. } | Self::NotFinite { .. } => 1,
            _ => 2,
        }
    }
}

/// This crate's result.
pub type Result<T> = std::result::Result<T, Error>;
