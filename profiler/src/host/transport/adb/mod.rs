//! Phones on the cable (or the network), through the adb server.

mod server;
mod shell;
mod sync;

pub use server::{Attached, Server};

use super::remote::{Put, RemoteError, Running, Shell};

/// A phone.
pub struct Adb {
    server: Server,
    serial: String,
    device: String,
}

impl Adb {
    /// The phone with that serial number, or the only one attached.
    ///
    /// # Errors
    /// [`RemoteError`]: no adb server, no such phone, several, one that cannot be used.
    pub fn open(serial: Option<&str>) -> Result<Self, RemoteError> {
        let server = Server::find()?;
        let serial = choose(&server.attached()?, serial)?;
        let device = format!("adb:{serial}");
        // Exit codes and a separate standard error.
        const SHELL: &str = "shell_v2";
        if !server.features(&serial)?.iter().any(|f| f == SHELL) {
            return Err(RemoteError::TooOld { device, feature: SHELL });
        }
        Ok(Self { server, serial, device })
    }
}

/// The serial number of the phone that is meant.
fn choose(attached: &[Attached], serial: Option<&str>) -> Result<String, RemoteError> {
    let phone = match serial {
        Some(serial) => attached.iter().find(|phone| phone.serial == serial).ok_or_else(|| RemoteError::UnknownPhone {
            serial: serial.to_string(),
            attached: attached.iter().map(|phone| phone.serial.clone()).collect(),
        })?,
        None => match attached {
            [] => return Err(RemoteError::NoPhone),
            [one] => one,
            _ => return Err(RemoteError::SeveralPhones { serials: attached.iter().map(|phone| phone.serial.clone()).collect() }),
        },
    };
    let advice = match phone.state.as_str() {
        "device" => return Ok(phone.serial.clone()),
        "unauthorized" => "unlock it and allow this computer when it asks",
        "offline" => "pull the cable and plug it in again",
        "no permissions" => "this user may not use the USB device; android/README.md has the udev rule",
        "recovery" | "sideload" | "bootloader" => "start it normally",
        _ => "wait a moment and try again",
    };
    Err(RemoteError::PhoneState { serial: phone.serial.clone(), state: phone.state.clone(), advice })
}

impl Shell for Adb {
    fn name(&self) -> String {
        self.device.clone()
    }

    fn folder_expression(&self) -> &'static str {
        "/data/local/tmp/blocktime"
    }

    fn start(&mut self, command: &str) -> Result<Box<dyn Running>, RemoteError> {
        let socket = self.server.open(&self.device, &self.serial, &format!("shell,v2,raw:{command}"))?;
        Ok(Box::new(shell::ShellV2::new(socket, self.device.clone())))
    }

    fn put(&mut self, files: &[Put]) -> Result<(), RemoteError> {
        let socket = self.server.open(&self.device, &self.serial, "sync:")?;
        sync::send(socket, &self.device, files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phones(list: &[(&str, &str)]) -> Vec<Attached> {
        list.iter().map(|(serial, state)| Attached { serial: serial.to_string(), state: state.to_string() }).collect()
    }

    #[test]
    fn the_only_phone_needs_no_name() {
        assert_eq!(choose(&phones(&[("a b", "device")]), None).ok().as_deref(), Some("a b"));
        assert!(matches!(choose(&[], None), Err(RemoteError::NoPhone)));
        let two = phones(&[("a", "device"), ("b", "device")]);
        assert!(matches!(choose(&two, None), Err(RemoteError::SeveralPhones { serials }) if serials == ["a", "b"]));
        assert_eq!(choose(&two, Some("b")).ok().as_deref(), Some("b"));
        assert!(matches!(choose(&two, Some("c")), Err(RemoteError::UnknownPhone { .. })));
    }

    #[test]
    fn a_phone_that_waits_for_its_owner_is_named() {
        let error = choose(&phones(&[("a", "unauthorized")]), None).unwrap_err();
        assert!(error.to_string().contains("allow this computer"), "{error}");
    }
}
