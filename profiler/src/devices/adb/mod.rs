//! Phones on the cable (or the network), through the adb server.

mod choose;
mod error;
#[cfg(test)]
mod fuzz;
mod read;
mod server;
mod shell;
mod socket;
mod sync;

pub use error::AdbError;
pub use server::{Attached, RequestError, Server, granted, parse_devices, text};
pub use shell::take;

use super::notice::Notice;
use super::remote::{ConnectionError, Put, Running, Shell};
use choose::{Wanted, choose};

/// A phone.
pub struct Adb {
    server: Server,
    serial: String,
    device: String,
}

impl Adb {
    /// The phone with that serial number, else the one that `ANDROID_SERIAL` names, else the only one that can be used. What the user should know of the choice
    /// is added to `notices`.
    ///
    /// # Errors
    /// [`AdbError`]: no adb server, no such phone, several, one that cannot be used.
    pub fn open(serial: Option<&str>, notices: &mut Vec<Notice>) -> Result<Self, AdbError> {
        let wanted = Wanted::new(serial, std::env::var_os(choose::VARIABLE));
        let server = Server::find()?;
        let chosen = choose(&server.attached()?, &wanted)?;
        notices.extend(chosen.notice(&wanted));
        let serial = chosen.serial;
        let device = format!("adb:{serial}");
        // Exit codes and a separate standard error.
        const SHELL: &str = "shell_v2";
        if !server.features(&serial)?.iter().any(|f| f == SHELL) {
            return Err(AdbError::TooOld { device, feature: SHELL });
        }
        Ok(Self { server, serial, device })
    }
}

impl Shell for Adb {
    fn name(&self) -> String {
        self.device.clone()
    }

    fn folder_expression(&self) -> &'static str {
        "/data/local/tmp/blocktime"
    }

    fn start_raw(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError> {
        let socket = self.server.open(&self.device, &self.serial, &format!("shell,v2,raw:{command}"))?;
        Ok(Box::new(shell::ShellV2::new(socket, self.device.clone())))
    }

    fn put(&mut self, files: &[Put]) -> Result<(), ConnectionError> {
        let socket = self.server.open(&self.device, &self.serial, "sync:")?;
        sync::send(socket, &self.device, files)
    }
}
