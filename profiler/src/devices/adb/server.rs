//! The adb server on this machine, which holds the cables: its protocol, as far as it is needed.
//!
//! A request is four hex digits of length and text; the answer `OKAY`, or `FAIL` and a reason of the same form. A connection
//! that asked for a phone (`host:transport:SERIAL`) then belongs to that phone, and the next request opens a service on it.

use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use super::error::AdbError;
use super::read::exactly;
use super::socket::{ServerAddress, Socket};
use crate::devices::remote::ConnectionError;

/// How long an answer of the server, or of a phone, is waited for.
pub const ANSWER: Duration = Duration::from_secs(20);
/// Longest answer taken.
const LIMIT: usize = 1 << 16;

/// The server.
#[derive(Clone, Debug)]
pub struct Server {
    address: ServerAddress,
}

/// A phone in the server's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Its serial number.
    pub serial: String,
    /// `device` where it can be used; else `offline`, `unauthorized`, `no permissions (…); see […]`, …
    pub state: String,
}

impl Attached {
    /// Whether it can be used.
    pub fn usable(&self) -> bool {
        self.state == "device"
    }

    /// The state without adb's own advice behind it.
    pub fn short_state(&self) -> &str {
        if self.state.starts_with("no permissions") { "without permissions" } else { &self.state }
    }
}

/// Why a request failed, before it is known for which device.
#[derive(Debug)]
pub enum RequestError {
    /// The connection.
    Io(io::Error),
    /// The other side's reason.
    Fail(String),
}

impl From<io::Error> for RequestError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

impl RequestError {
    /// The error for a device.
    pub fn on(self, device: &str, what: &'static str) -> ConnectionError {
        match self {
            Self::Io(e) => ConnectionError::lost(device, what, ANSWER)(e),
            Self::Fail(reason) => ConnectionError::Refused { device: device.to_string(), what: what.to_string(), reason },
        }
    }
}

impl Server {
    /// The server of adb's environment variables; started where it does not run and listens where adb would start it.
    ///
    /// # Errors
    /// [`ConnectionError::AdbServer`], [`AdbError::Socket`].
    pub fn find() -> Result<Self, AdbError> {
        let address = ServerAddress::from_environment()?;
        let fail = |source| ConnectionError::AdbServer { at: address.to_string(), source };
        if let Err(first) = address.connect() {
            // `adb start-server` obeys the same variables; on another machine it could start nothing.
            let started = Command::new("adb")
                .arg("start-server")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status()
                .is_ok_and(|status| status.success());
            if !started {
                return Err(fail(first).into());
            }
            address.connect().map_err(fail)?;
        }
        Ok(Self { address })
    }

    /// A new connection.
    ///
    /// # Errors
    /// [`ConnectionError::AdbServer`].
    pub fn connect(&self) -> Result<Socket, ConnectionError> {
        let fail = |source| ConnectionError::AdbServer { at: self.address.to_string(), source };
        let socket = self.address.connect().map_err(fail)?;
        socket.set_read_timeout(ANSWER).map_err(fail)?;
        socket.set_write_timeout(ANSWER).map_err(fail)?;
        Ok(socket)
    }

    /// All phones that it knows.
    ///
    /// # Errors
    /// [`ConnectionError`] where it does not answer.
    pub fn attached(&self) -> Result<Vec<Attached>, ConnectionError> {
        Ok(parse_devices(&self.ask("host:devices")?))
    }

    /// The features of a phone's daemon.
    ///
    /// # Errors
    /// [`ConnectionError`] where it does not answer.
    pub fn features(&self, serial: &str) -> Result<Vec<String>, ConnectionError> {
        let text = self.ask(&format!("host-serial:{serial}:features"))?;
        Ok(text.split(',').map(|f| f.trim().to_string()).collect())
    }

    /// A connection to a service of a phone, such as `sync:`.
    ///
    /// # Errors
    /// [`ConnectionError`] where the phone is gone or has no such service.
    pub fn open(&self, device: &str, serial: &str, service: &str) -> Result<Socket, ConnectionError> {
        let mut socket = self.connect()?;
        request(&mut socket, &format!("host:transport:{serial}")).map_err(|e| e.on(device, "open a connection"))?;
        request(&mut socket, service).map_err(|e| e.on(device, "start a service"))?;
        Ok(socket)
    }

    fn ask(&self, question: &str) -> Result<String, ConnectionError> {
        let mut socket = self.connect()?;
        let mut exchange = || {
            request(&mut socket, question)?;
            text(&mut socket).map_err(RequestError::from)
        };
        exchange().map_err(|e| e.on("the adb server", "answer"))
    }
}

/// Sends a request and reads whether it was granted.
fn request(socket: &mut Socket, text: &str) -> Result<(), RequestError> {
    socket.write_all(format!("{:04x}{text}", text.len()).as_bytes())?;
    granted(socket)
}

/// Reads whether a request was granted.
///
/// # Errors
/// The other side's reason, or trouble with the connection.
pub fn granted(socket: &mut impl Read) -> Result<(), RequestError> {
    let mut answer = [0; 4];
    exactly(socket, &mut answer, ANSWER)?;
    match &answer {
        b"OKAY" => Ok(()),
        b"FAIL" => Err(RequestError::Fail(text(socket)?)),
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "neither OKAY nor FAIL").into()),
    }
}

/// Reads a text with its length in hex.
///
/// # Errors
/// No length, or trouble with the connection.
pub fn text(socket: &mut impl Read) -> io::Result<String> {
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "no length");
    let mut length = [0; 4];
    exactly(socket, &mut length, ANSWER)?;
    let length = std::str::from_utf8(&length).ok().and_then(|t| usize::from_str_radix(t, 16).ok()).ok_or_else(invalid)?;
    let mut bytes = vec![0; length.min(LIMIT)];
    exactly(socket, &mut bytes, ANSWER)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Reads `SERIAL<tab>STATE` lines. A serial number is the phone's own word: what would control a terminal is taken out of it.
pub fn parse_devices(text: &str) -> Vec<Attached> {
    let plain = |text: &str| text.trim().replace(char::is_control, "?");
    let line = |line: &str| line.split_once('\t').map(|(serial, state)| (plain(serial), plain(state)));
    text.lines().filter_map(line).map(|(serial, state)| Attached { serial, state }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_phones() {
        let phones = parse_devices("0a1b2c\tdevice\n127.0.0.1:6555\toffline\nodd line\n");
        assert_eq!(phones.len(), 2);
        assert_eq!((phones[1].serial.as_str(), phones[1].state.as_str()), ("127.0.0.1:6555", "offline"));
        let phones = parse_devices("a\u{1b}[2J\tdevice\r\n????????????\tno permissions (missing udev rules?); see [http://x]\n");
        assert_eq!((phones[0].serial.as_str(), phones[0].usable()), ("a?[2J", true));
        assert_eq!((phones[1].serial.as_str(), phones[1].short_state()), ("????????????", "without permissions"));
    }

    #[test]
    fn a_text_cut_short_is_an_error() {
        assert_eq!(text(&mut &b"0003abcd"[..]).unwrap(), "abc");
        for cut in [&b"0003ab"[..], b"00", b"zzzzab"] {
            assert!(text(&mut &cut[..]).is_err());
        }
    }
}
