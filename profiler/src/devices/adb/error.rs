//! Why no phone can be used through adb.

use crate::devices::remote::ConnectionError;

/// Why no phone can be used.
#[derive(Debug, thiserror::Error)]
pub enum AdbError {
    /// `ADB_SERVER_SOCKET` is invalid.
    #[error("ADB_SERVER_SOCKET is '{0}'; use tcp:PORT, tcp:HOST:PORT and localfilesystem:PATH")]
    Socket(String),
    /// No phone.
    #[error("no phone is attached; plug it in, allow USB debugging on it, and run `profiler devices`")]
    NoPhone,
    /// Which phone?
    #[error(
        "{} phones are attached; name one with --device: {}{}",
        .serials.len(),
        .serials.iter().map(|s| format!("adb:{s}")).collect::<Vec<_>>().join(", "),
        if .others.is_empty() { String::new() } else { format!("; not usable: {}", .others) }
    )]
    SeveralPhones {
        /// The serial numbers of those that can be used.
        serials: Vec<String>,
        /// The others and their states, in words.
        others: String,
    },
    /// Several are there, but none to be used.
    #[error("none of the attached phones can be used:{}", .phones.iter().map(|p| format!("\n  {p}")).collect::<String>())]
    NoGoodPhone {
        /// What is in the way of each.
        phones: Vec<String>,
    },
    /// Cheap phones have the same serial number as others of their kind.
    #[error("several phones with the serial number '{serial}' are attached and cannot be told apart; detach all but one")]
    SameSerial {
        /// Their serial number.
        serial: String,
    },
    /// That phone is not there.
    #[error("no phone with serial number '{serial}'{by} is attached; {}", if .attached.is_empty() { "no other phone is attached".to_string() } else { format!("attached: {}", .attached) })]
    UnknownPhone {
        /// The one asked for.
        serial: String,
        /// What named it, where that was not the command line.
        by: &'static str,
        /// Those there and their states, in words.
        attached: String,
    },
    /// There, but not to be used.
    #[error("the phone {serial}{by} is {state}; {advice}")]
    PhoneState {
        /// Its serial number.
        serial: String,
        /// What named it, where that was not the command line.
        by: &'static str,
        /// What adb says of it.
        state: String,
        /// What to do.
        advice: &'static str,
    },
    /// The phone's Android is too old.
    #[error("{device}: its adb has no '{feature}'; Android 7 or newer is needed")]
    TooOld {
        /// The device.
        device: String,
        /// What is missing.
        feature: &'static str,
    },
    /// The connection.
    #[error(transparent)]
    Connection(#[from] ConnectionError),
}
