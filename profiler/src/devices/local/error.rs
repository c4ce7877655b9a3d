//! Trouble with this machine as a device.

use engines::library::LibraryError;

use crate::devices::stream::StreamError;

/// Why the agent does not do its job on this machine.
#[derive(Debug, thiserror::Error)]
pub enum LocalError {
    /// The engine's library.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// The agent does not start.
    #[error("cannot start the agent {program}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The agent's output.
    #[error(transparent)]
    Stream(#[from] StreamError),
}
