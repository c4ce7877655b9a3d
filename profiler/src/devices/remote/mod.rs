//! Devices that are not this machine: what adb and ssh have in common.
//!
//! | module | what it holds |
//! |---|---|
//! | `transport` | a device with a shell as a transport |
//! | `shell`, `running` | what a way to a device does: commands, files |
//! | `mark` | the exit code of a command where the way there tells none |
//! | `probe` | what kind of device it is |
//! | `archive` | many files in one stream |
//! | `follow` | an agent's lines until it ends |
//! | `error` | what can go wrong |

mod archive;
mod error;
mod follow;
#[cfg(test)]
mod fuzz;
mod mark;
mod probe;
mod running;
mod shell;
mod transport;

pub use error::ConnectionError;
pub use mark::Mark;
pub use probe::Probe;
pub use running::{Packet, Put, Running};
pub use shell::Shell;
pub use transport::Remote;
