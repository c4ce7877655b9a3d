//! What can keep a run from being compared.

use std::path::PathBuf;

use files::FileError;

use crate::cost::CostError;
use crate::run::{CheckpointError, FolderError};
use crate::task::TaskError;
use crate::train::{ConfigError, SettingError, TrainError};

/// What ended a comparison, or kept it from beginning.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A training.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// A run's configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The run has not got that far.
    #[error("{0} contains no finished {training}; run this first:\n  trainer {training} --out {0} …", .folder.display())]
    Unfinished {
        /// The run's folder.
        folder: PathBuf,
        /// What is missing, as its command is called.
        training: &'static str,
    },
    /// The finetune trained another network than the search chose.
    #[error("the finetune in {} trained a network other than the one that the search chose; finetune the chosen one (without --arch)", .0.display())]
    OtherNetwork(PathBuf),
    /// A file is not what it was.
    #[error("{what} has changed since the run in {} read it; restore the old file, or start another run", .folder.display())]
    Changed {
        /// The file.
        what: String,
        /// The run's folder.
        folder: PathBuf,
    },
    /// A choice that does not fit the space.
    #[error("{0}")]
    Choice(String),
    /// No random network was asked for.
    #[error("--nets must be at least 1")]
    NoNetworks,
    /// The space has too few networks of that cost.
    #[error(
        "only {found} networks other than the searched one lie within ±{window:.0} % of its {centre:.1} {unit}; {}",
        if *found == 0 { "it cannot be compared at equal cost".to_string() } else { format!("give --nets {found}") }
    )]
    TooFewNetworks {
        /// How many there are.
        found: usize,
        /// How far from its cost they may lie, per cent.
        window: f64,
        /// The searched one's cost.
        centre: f64,
        /// Its unit.
        unit: &'static str,
    },
    /// The folder belongs to another training.
    #[error("{} was trained with other settings, another table or other data; remove that folder, or start again with --overwrite \
        (if the command has it)", .0.display())]
    OtherTraining(PathBuf),
    /// The run's search had no warm-up.
    #[error("{} is missing: a sweep starts from the end of the run's warm-up, so the search must have one (--start-epoch)", .0.display())]
    NoWarmUp(PathBuf),
    /// A point of a sweep that cannot be searched.
    #[error("the sweep's point {point}")]
    Point {
        /// Its name.
        point: String,
        /// Why not.
        source: Box<TrainError>,
    },
}

impl CompareError {
    /// The training's error, if that is what ended it.
    pub fn training(&self) -> Option<&TrainError> {
        match self {
            Self::Train(error) => Some(error),
            Self::Point { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Errors that a training has too.
macro_rules! by_training {
    ($($error:ty),+) => {$(
        impl From<$error> for CompareError {
            fn from(error: $error) -> Self {
                TrainError::from(error).into()
            }
        }
    )+};
}

by_training!(CheckpointError, CostError, FolderError, SettingError, TaskError, blocks::SpaceError);
