//! Ways to a device. Each can bring a job's folder there, run the agent in it, and take it away again.

#[cfg(not(target_os = "android"))]
pub mod adb;
pub mod conditions;
pub mod identity;
pub mod interrupt;
mod local;
#[cfg(not(target_os = "android"))]
pub mod remote;
#[cfg(not(target_os = "android"))]
pub mod simulated;
#[cfg(not(target_os = "android"))]
pub mod ssh;
mod stream;

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use engines::EngineKind;

pub use local::Local;
#[cfg(not(target_os = "android"))]
pub use ssh::Ssh;
pub use stream::{Ended, Flow};

/// Which device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// This machine.
    Local,
    /// A phone by adb; the only one attached, or that of the serial number.
    Adb(Option<String>),
    /// A board by ssh: what follows `ssh://`.
    Ssh(String),
    /// A simulated chip: its name, or the path of its file.
    Simulated(String),
}

impl Address {
    /// Whether it is simulated: it has no noise, and gives the same times always.
    pub fn is_simulated(&self) -> bool {
        matches!(self, Self::Simulated(_))
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(s: &str) -> Result<Self, String> {
        let given = |rest: &str| if rest.is_empty() { Err(format!("'{s}' names no device")) } else { Ok(rest.to_string()) };
        match s {
            "local" => Ok(Self::Local),
            "adb" => Ok(Self::Adb(None)),
            _ if s.starts_with("adb:") => given(&s[4..]).map(|serial| Self::Adb(Some(serial))),
            _ if s.starts_with("ssh://") => given(&s[6..]).map(Self::Ssh),
            _ if s.starts_with("sim:") => given(&s[4..]).map(Self::Simulated),
            _ => Err(format!("'{s}' is no device; use local, adb, adb:SERIAL, ssh://user@host[:port] or sim:CHIP")),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Adb(None) => f.write_str("adb"),
            Self::Adb(Some(serial)) => write!(f, "adb:{serial}"),
            Self::Ssh(rest) => write!(f, "ssh://{rest}"),
            Self::Simulated(chip) => write!(f, "sim:{chip}"),
        }
    }
}

/// Trouble with a device.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// A way that this build does not have.
    #[cfg(target_os = "android")]
    #[error("{address} cannot be reached: this build measures the local device only (--device local)")]
    Unavailable {
        /// The device.
        address: Address,
    },
    /// A device that is not this machine.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Remote(#[from] remote::RemoteError),
    /// A simulated device.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Simulated(#[from] simulated::SimulationError),
    /// The engine's library.
    #[error(transparent)]
    Engine(#[from] engines::EngineError),
    /// The agent does not start.
    #[error("cannot start the agent {program}")]
    Start {
        /// The program.
        program: String,
        /// Why.
        source: std::io::Error,
    },
    /// The connection broke.
    #[error("lost the agent's output")]
    Lost(#[source] std::io::Error),
    /// The agent hangs.
    #[error("the agent has said nothing for {seconds} s and was ended")]
    Silent {
        /// How long it was waited for.
        seconds: u64,
    },
}

impl TransportError {
    /// Whether what was asked for is at fault, and not the device.
    pub fn is_by_user(&self) -> bool {
        match self {
            #[cfg(not(target_os = "android"))]
            Self::Simulated(e) => e.is_by_user(),
            _ => false,
        }
    }
}

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

    /// Brings the job's folder to the device, and agent and engine where they are not there yet.
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

    /// Takes away the job that was brought.
    ///
    /// # Errors
    /// [`TransportError`].
    fn clean(&mut self) -> Result<(), TransportError>;

    /// Takes away everything, agent and engine too.
    ///
    /// # Errors
    /// [`TransportError`].
    fn remove_all(&mut self) -> Result<(), TransportError>;
}

/// Opens the way to a device.
///
/// # Errors
/// [`TransportError`] where the device is not there or does not let this user in.
#[cfg(not(target_os = "android"))]
pub fn open(address: &Address, access: Access) -> Result<Box<dyn Transport>, TransportError> {
    Ok(match address {
        Address::Local => Box::new(Local::default()),
        Address::Adb(serial) => Box::new(remote::Remote::new(adb::Adb::open(serial.as_deref())?)?),
        Address::Ssh(target) => Box::new(remote::Remote::new(Ssh::open(target, access.identity)?)?),
        Address::Simulated(chip) => Box::new(simulated::Simulated::open(chip, access.allow_unknown)?),
    })
}

/// Opens the way to the local device: a phone does not steer others.
///
/// # Errors
/// [`TransportError::Unavailable`] for any other device.
#[cfg(target_os = "android")]
pub fn open(address: &Address, _: Access) -> Result<Box<dyn Transport>, TransportError> {
    match address {
        Address::Local => Ok(Box::new(Local::default())),
        Address::Adb(_) | Address::Ssh(_) | Address::Simulated(_) => Err(TransportError::Unavailable { address: address.clone() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        for good in ["local", "adb", "adb:0a1b 2", "ssh://me@board:2222", "sim:sd625", "sim:chips/my own.toml"] {
            assert_eq!(good.parse::<Address>().map(|a| a.to_string()).as_deref(), Ok(good));
        }
        for bad in ["", "adb:", "ssh://", "sim:", "sim", "usb", "Local"] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }
}
