//! Trouble with a device that is not this machine.

use std::io;
use std::time::Duration;

use files::FileError;

use crate::devices::stream::Silent;

/// Why a device does not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ConnectionError {
    /// The adb server on this machine.
    #[error(
        "the adb server does not answer at {at}; install Android's platform tools (Debian: package adb) and run `adb start-server`"
    )]
    AdbServer {
        /// Where it was looked for.
        at: String,
        /// Why.
        source: io::Error,
    },
    /// The device says no.
    #[error("{device} refuses to {what}: {reason}")]
    Refused {
        /// The device.
        device: String,
        /// What was asked.
        what: String,
        /// Its words.
        reason: String,
    },
    /// A short command that failed.
    #[error("{device}: could not {what} (exit code {code}): {said}")]
    Command {
        /// The device.
        device: String,
        /// What it was for.
        what: &'static str,
        /// Its exit code.
        code: i32,
        /// What it wrote.
        said: String,
    },
    /// The connection broke: cable out, daemon gone, network down.
    #[error("lost the connection to {device}")]
    Lost {
        /// The device.
        device: String,
        /// Why.
        source: io::Error,
    },
    /// Too slow.
    #[error("{device}: could not {what} within {seconds} s")]
    TimedOut {
        /// The device.
        device: String,
        /// What it was for.
        what: &'static str,
        /// The limit.
        seconds: u64,
    },
    /// It says what cannot be.
    #[error("unexpected answer from {device}: {reason}")]
    Odd {
        /// The device.
        device: String,
        /// What is odd.
        reason: String,
    },
    /// Somebody else measures on it.
    #[error("{device}: another profiler is measuring on it (process {process} on the device); wait until it ends")]
    Busy {
        /// The device.
        device: String,
        /// The agent's process there.
        process: String,
    },
    /// The agent hangs.
    #[error(transparent)]
    Silent(#[from] Silent),
    /// A file of the host.
    #[error(transparent)]
    File(#[from] FileError),
}

impl ConnectionError {
    /// For `map_err` on the connection to `device`; `what` was going on.
    pub fn lost(device: &str, what: &'static str, limit: Duration) -> impl FnOnce(io::Error) -> Self {
        move |source| match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
                Self::TimedOut { device: device.to_string(), what, seconds: limit.as_secs() }
            }
            _ => Self::Lost { device: device.to_string(), source },
        }
    }
}
