//! What can end a training.

use std::path::PathBuf;

use files::FileError;

use super::config::ConfigError;
use super::setting::SettingError;
use crate::compute::ComputeError;
use crate::cost::{CostError, TermError};
use crate::model::{ArchitectureError, SubnetError};
use crate::run::{CheckpointError, FolderError};
use crate::task::TaskError;

/// What ended a training, or kept it from beginning.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// Data, loss or metric.
    #[error(transparent)]
    Task(#[from] TaskError),
    /// A setting that no training can start with.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A run's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// Tensor arithmetic.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
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
    /// A network's definition.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The CPU or GPU.
    #[error(transparent)]
    Compute(#[from] ComputeError),
    /// A loss that is no number.
    #[error(
        "training has diverged: the loss is {loss} in epoch {epoch}, step {step}. Lower --base-lr (or --theta-lr); the last checkpoint is \
         from the epoch before"
    )]
    Diverged {
        /// Not a number, or infinite.
        loss: f32,
        /// From 1.
        epoch: usize,
        /// From 1.
        step: usize,
    },
    /// A weight that is no number after the last step of an epoch, whose loss cannot show it.
    #[error(
        "training has diverged: after epoch {epoch} '{tensor}' holds values that are not finite. That epoch is not saved; the last \
         checkpoint is {}. Start again (--overwrite) with a lower {flag}", .last.display()
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
    /// The user stopped a run.
    #[error("stopped in {during}; the epochs before it are saved. To continue:\n  trainer {command}")]
    Interrupted {
        /// What it was doing: an epoch, or the choice of the network.
        during: String,
        /// What resumes the run.
        command: String,
    },
}

impl From<SubnetError> for TrainError {
    fn from(error: SubnetError) -> Self {
        ArchitectureError::from(error).into()
    }
}

impl From<blocks::SpaceError> for TrainError {
    fn from(error: blocks::SpaceError) -> Self {
        ArchitectureError::from(error).into()
    }
}
