//! What follows `ssh://`.

use super::error::SshError;

/// `[user@]host[:port]`, where the host may be an alias of ssh's own configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Who logs in, where it is said.
    pub user: Option<String>,
    /// A name, a number or an alias.
    pub host: String,
    /// The port, where it is said.
    pub port: Option<u16>,
}

impl Address {
    /// Reads it.
    ///
    /// # Errors
    /// [`SshError::Address`].
    pub fn parse(address: &str) -> Result<Self, SshError> {
        let wrong = |reason| SshError::Address { address: format!("ssh://{address}"), reason };
        let (user, place) = match address.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_string()), place),
            None => (None, address),
        };
        match user.as_deref() {
            Some("") => return Err(wrong("the user is missing")),
            Some(user) if user.contains(':') => return Err(wrong("a password in the address is not allowed")),
            Some(user) if user.starts_with('-') || user.chars().any(char::is_control) => {
                return Err(wrong("invalid user name"));
            }
            _ => {}
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(v6) => {
                let (host, rest) = v6.split_once(']').ok_or_else(|| wrong("a ']' is missing"))?;
                (host, rest.strip_prefix(':'))
            }
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || host.starts_with('-') || host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
            return Err(wrong("invalid host name"));
        }
        let number = |port: &str| port.parse().ok().filter(|&p: &u16| p > 0).ok_or_else(|| wrong("invalid port"));
        Ok(Self { user, host: host.to_string(), port: port.map(number).transpose()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let of = |user: Option<&str>, host: &str, port| Address { user: user.map(str::to_string), host: host.to_string(), port };
        for (text, expected) in [
            ("board", of(None, "board", None)),
            ("pi@board.local:2222", of(Some("pi"), "board.local", Some(2222))),
            ("pi@[fe80::1]:2222", of(Some("pi"), "fe80::1", Some(2222))),
            ("pi@[::1]", of(Some("pi"), "::1", None)),
        ] {
            assert_eq!(Address::parse(text).ok(), Some(expected));
        }
        for bad in [
            "",
            "@board",
            "pi@",
            "pi@board:",
            "pi@board:ssh",
            "pi@board:0",
            "pi:secret@board",
            "-x@board",
            "pi@-oProxyCommand=x",
            "pi@a b",
            "pi@[::1",
        ] {
            assert!(Address::parse(bad).is_err(), "{bad}");
        }
    }
}
