//! Commands that run on a device, and files that are written there.

use std::path::PathBuf;
use std::time::Duration;

use files::FileError;

use super::error::ConnectionError;

/// A file to be written on a device.
#[derive(Clone, Debug)]
pub struct Put {
    /// The file on the host.
    pub from: PathBuf,
    /// Its path on the device.
    pub to: String,
    /// Whether it is a program.
    pub executable: bool,
}

impl Put {
    /// The file's permission bits.
    pub fn mode(&self) -> u32 {
        if self.executable { 0o755 } else { 0o644 }
    }

    /// Opens the file on the host.
    ///
    /// # Errors
    /// [`FileError`].
    pub fn open(&self) -> Result<std::fs::File, FileError> {
        std::fs::File::open(&self.from).map_err(FileError::new("cannot read", &self.from))
    }
}

/// A command that runs on a device.
pub trait Running {
    /// What it says next; `None` where it says nothing for so long.
    ///
    /// # Errors
    /// [`ConnectionError::Lost`] where the connection breaks before the exit code came.
    fn next(&mut self, wait: Duration) -> Result<Option<Packet>, ConnectionError>;

    /// Writes to its standard input.
    ///
    /// # Errors
    /// [`ConnectionError`], also where the command has ended.
    fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError>;

    /// Closes its standard input; a command that does not listen to that goes on.
    fn end(&mut self);
}

/// What comes from a command: part of its output, or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet {
    /// Of standard output.
    Stdout(Vec<u8>),
    /// Of standard error.
    Stderr(Vec<u8>),
    /// Its end: the exit code, 128 + the signal's number where a signal ended it. Comes last.
    Exit(i32),
}
