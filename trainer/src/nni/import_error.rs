//! Why a checkpoint of NNI's cannot be imported.

use std::path::PathBuf;

use files::FileError;

use super::torch::TorchError;
use crate::run::CheckpointError;

/// Most bytes of a file: a hundred times the reference's supernet.
pub(super) const FILE_LIMIT: u64 = 1 << 30;
/// Why a checkpoint cannot be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// More than a checkpoint can need.
    #[error("{} is longer than {FILE_LIMIT} bytes, too long for a checkpoint of such a network", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// It is no file of PyTorch's.
    #[error("{}: {source}", .path.display())]
    Torch {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: TorchError,
    },
    /// A file of PyTorch's, but not NNI's.
    #[error("{} is not a checkpoint of NNI's PFLD example: {reason}", .path.display())]
    NotNnis {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// Other weights than the space has.
    #[error(
        "{} does not fit search space {space}; give the space it was trained on with --space:{}", .path.display(),
        .faults.iter().map(|f| format!("\n  {f}")).collect::<String>()
    )]
    Misfit {
        /// The file.
        path: PathBuf,
        /// The space's name.
        space: String,
        /// A line a weight.
        faults: Vec<String>,
    },
    /// A subnet that does not say which of several candidates of equal shapes it has.
    #[error(
        "{} does not state the candidates of its layers, and its weights fit several:{}\nGive --supernet FILE (the supernet that \
         it was chosen from), or --arch with a name for each layer", .path.display(),
        .layers.iter().map(|l| format!("\n  {l}")).collect::<String>()
    )]
    Ambiguous {
        /// The file.
        path: PathBuf,
        /// A line a layer.
        layers: Vec<String>,
    },
    /// A supernet, and something that says which candidates a subnet has.
    #[error("{} is a supernet's file; --supernet and --arch are only for a subnet's: leave them out", .path.display())]
    NoSubnet {
        /// The file.
        path: PathBuf,
    },
    /// A choice that is none.
    #[error("{}: {reason}", .path.display())]
    Choice {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A checkpoint of this trainer.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
}
