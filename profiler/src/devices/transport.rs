//! What a way to a device can do.

use std::path::Path;

use engines::EngineKind;

use super::error::TransportError;
use super::notice::Notice;
use super::stream::{Ended, Flow};

/// How devices are opened.
#[derive(Clone, Copy, Debug, Default)]
pub struct Access<'a> {
    /// Key file for ssh, where given.
    pub identity: Option<&'a Path>,
    /// Whether a simulated device may execute instructions that the simulator does not know.
    pub allow_unknown: bool,
}

/// A way to a device.
pub trait Transport {
    /// The device's name for messages.
    fn name(&self) -> String;

    /// Finds the engine's library for this device (`given`, or in the usual places), checks it, and gives its path as the agent
    /// sees it once the job was brought there; `None` for an engine without a library. Finds the agent too, where it has to be brought.
    ///
    /// # Errors
    /// [`TransportError`] where there is none, or one that the device cannot use.
    fn library(&mut self, engine: EngineKind, given: Option<&Path>) -> Result<Option<String>, TransportError>;

    /// Copies the job's folder to the device, and agent and engine if they are not there yet.
    ///
    /// # Errors
    /// [`TransportError`].
    fn push(&mut self, folder: &Path) -> Result<(), TransportError>;

    /// Runs the agent on the job and hands over its lines, until it ends, or until `on_line` or the user stops it. The agent
    /// runs no more when this returns.
    ///
    /// # Errors
    /// [`TransportError`].
    fn run(&mut self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, TransportError>;

    /// Removes the job from the device.
    ///
    /// # Errors
    /// [`TransportError`].
    fn clean(&mut self) -> Result<(), TransportError>;

    /// Removes everything, agent and engine too.
    ///
    /// # Errors
    /// [`TransportError`].
    fn remove_all(&mut self) -> Result<(), TransportError>;

    /// What the user should know of what was done since this was last asked.
    fn notices(&mut self) -> Vec<Notice> {
        Vec::new()
    }
}
