//! What a transport has to tell the user: not an error, but what one would want to know of a measurement.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// Something that a transport did or decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The phone was chosen by an environment variable.
    ChosenByVariable {
        /// The phone.
        device: String,
        /// The variable.
        variable: &'static str,
    },
    /// Other phones are attached that cannot be used.
    PassedOver {
        /// The phone that was chosen.
        device: String,
        /// The others and their states.
        others: String,
    },
    /// A file of known hosts cannot be read.
    KnownHostsUnread {
        /// The device.
        device: String,
        /// The file.
        file: PathBuf,
        /// Why.
        reason: String,
    },
    /// Settings of ssh's configuration that are not used here.
    SettingsUnused {
        /// The host.
        host: String,
        /// Their names.
        names: Vec<String>,
    },
    /// ssh's configuration is not read.
    ConfigurationUnread {
        /// The file.
        file: PathBuf,
        /// Why.
        reason: &'static str,
    },
    /// Agent and engine were sent to the device, or were there already.
    Sent {
        /// The device.
        device: String,
        /// How many files were sent.
        files: usize,
        /// How long that took.
        took: Duration,
    },
    /// An engine's library is used for the first time; its hash was noted.
    LibraryNoted {
        /// The library.
        file: PathBuf,
        /// Its SHA-256.
        sha256: String,
        /// Where the hash was noted.
        lock: PathBuf,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ChosenByVariable { device, variable } => write!(f, "{device}: chosen by {variable}"),
            Self::PassedOver { device, others } => {
                write!(f, "using {device}, the only usable phone; ignored: {others}")
            }
            Self::KnownHostsUnread { device, file, reason } => {
                write!(f, "{device}: cannot read the known hosts file {}: {reason}", file.display())
            }
            Self::SettingsUnused { host, names } => {
                write!(f, "ssh://{host}: these settings of ssh's configuration are not supported and ignored: {}", names.join(", "))
            }
            Self::ConfigurationUnread { file, reason } => write!(f, "{} is not read, {reason}", file.display()),
            Self::Sent { device, files: 0, took } => {
                write!(f, "{device}: agent and engine are already on the device ({:.1} s)", took.as_secs_f64())
            }
            Self::Sent { device, files, took } => {
                write!(f, "{device}: sent {files} files of agent and engine ({:.1} s)", took.as_secs_f64())
            }
            Self::LibraryNoted { file, sha256, lock } => {
                write!(f, "{}: SHA-256 {sha256} recorded in {}", file.display(), lock.display())
            }
        }
    }
}
