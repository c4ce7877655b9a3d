//! Which device is meant: what `--device` takes.

use std::fmt;
use std::str::FromStr;

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
    /// The help of `--device`.
    pub const HELP: &str = "Device: local, adb, adb:SERIAL, ssh://user@host[:port], or sim:CHIP (simulated: sd625, qrb2210, rpi3b, or a \
                            TOML file)";
    /// The same where only devices are meant that files are sent to.
    pub const HELP_OF_REMOTE: &str = "Device: adb, adb:SERIAL or ssh://user@host[:port]";

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
            _ => Err(format!("'{s}' is not a device; use local, adb, adb:SERIAL, ssh://user@host[:port] or sim:CHIP")),
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
