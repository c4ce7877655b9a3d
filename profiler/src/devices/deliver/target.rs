//! What kind of device agent and engine are for.

use std::path::Path;

use engines::elf::Elf;

use super::error::DeliveryError;

/// An architecture and a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The kernel's architecture: `aarch64`.
    pub arch: String,
    /// Whether it is an Android.
    pub android: bool,
}

impl Target {
    /// Its kind, for messages.
    pub fn abi(&self) -> String {
        format!("{} {}", if self.android { "Android" } else { "Linux" }, self.arch)
    }

    /// The headers of a program or library, which is for this architecture.
    ///
    /// # Errors
    /// [`DeliveryError::WrongFile`].
    pub fn elf(&self, device: &str, path: &Path) -> Result<Elf, DeliveryError> {
        let wrong = |reason: String| DeliveryError::WrongFile { path: path.to_path_buf(), device: device.to_string(), reason };
        let elf = Elf::read(path).map_err(wrong)?;
        if elf.arch != self.arch {
            return Err(wrong(format!("it is built for {}, the device is {}", elf.arch, self.arch)));
        }
        Ok(elf)
    }
}
