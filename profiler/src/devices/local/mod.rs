//! This machine: the agent is this very program in a process of its own.

mod error;
mod transport;

pub use error::LocalError;
pub use transport::Local;
