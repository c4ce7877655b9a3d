//! Why a device cannot be reached, or an agent on it does not do its job.

#[cfg(not(target_os = "android"))]
use super::adb::AdbError;
#[cfg(target_os = "android")]
use super::address::Address;
#[cfg(not(target_os = "android"))]
use super::deliver::DeliveryError;
use super::local::LocalError;
#[cfg(not(target_os = "android"))]
use super::remote::ConnectionError;
#[cfg(not(target_os = "android"))]
use super::simulated::SimulationError;
#[cfg(not(target_os = "android"))]
use super::ssh::SshError;

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
    /// This machine.
    #[error(transparent)]
    Local(#[from] LocalError),
    /// The adb server, or the choice of a phone.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Adb(#[from] AdbError),
    /// The way to a board by ssh.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// The connection to a phone or board, or a command on it.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Connection(#[from] ConnectionError),
    /// The agent or the engine's library for it.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Delivery(#[from] DeliveryError),
    /// A simulated device.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Simulated(#[from] SimulationError),
}

impl TransportError {
    /// The model that it is about, where it is about one.
    pub fn model(&self) -> Option<&str> {
        match self {
            #[cfg(not(target_os = "android"))]
            Self::Simulated(e) => e.model(),
            _ => None,
        }
    }

    /// Whether what was asked for is at fault, and not the device.
    pub fn is_by_user(&self) -> bool {
        match self {
            #[cfg(not(target_os = "android"))]
            Self::Simulated(e) => e.is_by_user(),
            _ => false,
        }
    }
}
