//! Why a job cannot be prepared.

use blocks::onnx;
use engines::mnn::convert::ConvertError;

use super::given::GivenError;
use crate::file_error::FileError;

/// Why a job cannot be prepared.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// What models are given.
    #[error(transparent)]
    Given(#[from] GivenError),
    /// A user's model that is not what it should be.
    #[error(transparent)]
    Model(#[from] onnx::FileError),
    /// A model that cannot be converted for the engine.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// A block that cannot be written or computed: a fault of this program.
    #[error("cannot prepare '{id}': {reason}")]
    Prepare {
        /// The item.
        id: String,
        /// Why.
        reason: String,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}
