//! How a device is reached, and whether two devices are the same.
//!
//! A transport copies a job's folder to a device, runs the agent in it, and removes it again.
//!
//! | module | what it holds |
//! |---|---|
//! | [`address`] | what `--device` takes |
//! | [`transport`] | what every way to a device can do |
//! | `local`, `adb`, `ssh`, `simulated` | the ways |
//! | `remote` | what adb and ssh have in common: a shell, files |
//! | `deliver` | what goes onto a device: the agent, the engine's library |
//! | `stream` | a process that writes lines |
//! | [`description`] | what is known of a device before anything is brought to it |
//! | [`notice`] | what a transport has to tell the user |
//! | [`facts`] | device and engine as a table's header states them |
//! | [`identity`] | whether two measurements are of one device and one engine |
//! | [`conditions`] | in what two tables' conditions differ |
//! | [`interrupt`] | Ctrl-C as a flag |

#[cfg(not(target_os = "android"))]
pub mod adb;
pub mod address;
pub mod conditions;
#[cfg(not(target_os = "android"))]
pub mod deliver;
pub mod description;
pub mod error;
pub mod facts;
pub mod identity;
pub mod interrupt;
mod local;
pub mod notice;
#[cfg(not(target_os = "android"))]
pub mod remote;
#[cfg(not(target_os = "android"))]
pub mod simulated;
#[cfg(not(target_os = "android"))]
pub mod ssh;
mod stream;
pub mod transport;

pub use address::Address;
pub use description::Description;
pub use error::TransportError;
pub use local::LocalError;
pub use notice::Notice;
pub use stream::{Ended, Exit, Flow, Silent, StreamError};
pub use transport::{Access, Transport};

use local::Local;

/// Opens the way to a device. What the user should know of it, even if it fails, is added to `notices`.
///
/// # Errors
/// [`TransportError`] where the device is not there or does not let this user in.
#[cfg(not(target_os = "android"))]
pub fn open(address: &Address, access: Access, notices: &mut Vec<Notice>) -> Result<Box<dyn Transport>, TransportError> {
    Ok(match address {
        Address::Local => Box::new(Local::default()),
        Address::Adb(serial) => Box::new(remote::Remote::new(adb::Adb::open(serial.as_deref(), notices)?)?),
        Address::Ssh(target) => Box::new(remote::Remote::new(ssh::Ssh::open(target, access.identity, notices)?)?),
        Address::Simulated(chip) => Box::new(simulated::Simulated::open(chip, access.allow_unknown)?),
    })
}

/// Opens the way to the local device: a phone does not control others.
///
/// # Errors
/// [`TransportError::Unavailable`] for any other device.
#[cfg(target_os = "android")]
pub fn open(address: &Address, _: Access, _: &mut Vec<Notice>) -> Result<Box<dyn Transport>, TransportError> {
    match address {
        Address::Local => Ok(Box::new(Local::default())),
        Address::Adb(_) | Address::Ssh(_) | Address::Simulated(_) => Err(TransportError::Unavailable { address: address.clone() }),
    }
}

/// What is known of a device. Nothing is brought to it. What the user should know of the way there is added to `notices`.
///
/// # Errors
/// [`TransportError`] where the device is not there or does not let this user in.
#[cfg(not(target_os = "android"))]
pub fn describe(address: &Address, access: Access, notices: &mut Vec<Notice>) -> Result<Description, TransportError> {
    match address {
        Address::Local => Ok(Description::here()),
        Address::Adb(serial) => Ok(Description::asked(adb::Adb::open(serial.as_deref(), notices)?)?),
        Address::Ssh(target) => Ok(Description::asked(ssh::Ssh::open(target, access.identity, notices)?)?),
        Address::Simulated(chip) => Ok(simulated::describe(chip)?),
    }
}

/// What is known of the local device.
///
/// # Errors
/// [`TransportError::Unavailable`] for any other device.
#[cfg(target_os = "android")]
pub fn describe(address: &Address, _: Access, _: &mut Vec<Notice>) -> Result<Description, TransportError> {
    match address {
        Address::Local => Ok(Description::here()),
        Address::Adb(_) | Address::Ssh(_) | Address::Simulated(_) => Err(TransportError::Unavailable { address: address.clone() }),
    }
}
