//! Why a job cannot be prepared.

use blocks::onnx;
use engines::ConvertError;
use files::FileError;

use super::given::GivenError;

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
    /// A model that cannot be written or computed.
    #[error("cannot prepare {model}: {reason}")]
    Prepare {
        /// The model: its file, or what it is.
        model: String,
        /// Why.
        reason: String,
    },
    /// Ctrl-C.
    #[error("interrupted")]
    Interrupted,
}
