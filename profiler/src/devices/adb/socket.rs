//! Where the adb server listens, and a connection to it.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

use super::error::AdbError;

/// How long the server's own start may take.
const CONNECT: Duration = Duration::from_secs(5);

/// Where the server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ServerAddress {
    /// `HOST:PORT`.
    Tcp(String),
    /// A socket in the file system.
    Unix(PathBuf),
}

impl std::fmt::Display for ServerAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl ServerAddress {
    /// Where adb's own environment variables put it: `ADB_SERVER_SOCKET`, else `ANDROID_ADB_SERVER_ADDRESS` and
    /// `ANDROID_ADB_SERVER_PORT`, else port 5037 of this machine.
    ///
    /// # Errors
    /// [`AdbError::Socket`].
    pub fn from_environment() -> Result<Self, AdbError> {
        Self::from_variables(|name| std::env::var(name).ok().filter(|v| !v.is_empty()))
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, AdbError> {
        let Some(socket) = variable("ADB_SERVER_SOCKET") else {
            let host = variable("ANDROID_ADB_SERVER_ADDRESS").unwrap_or_else(|| "127.0.0.1".to_string());
            let port = variable("ANDROID_ADB_SERVER_PORT").unwrap_or_else(|| "5037".to_string());
            return Ok(Self::Tcp(format!("{host}:{port}")));
        };
        match socket.split_once(':') {
            Some(("tcp", port)) if port.parse::<u16>().is_ok() => Ok(Self::Tcp(format!("127.0.0.1:{port}"))),
            Some(("tcp", address)) if address.contains(':') => Ok(Self::Tcp(address.to_string())),
            Some(("localfilesystem", path)) if !path.is_empty() => Ok(Self::Unix(PathBuf::from(path))),
            _ => Err(AdbError::Socket(socket)),
        }
    }

    pub(super) fn connect(&self) -> io::Result<Socket> {
        match self {
            Self::Unix(path) => UnixStream::connect(path).map(Socket::Unix),
            Self::Tcp(address) => {
                let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
                for address in address.to_socket_addrs()? {
                    match TcpStream::connect_timeout(&address, CONNECT) {
                        Ok(stream) => return Ok(Socket::Tcp(stream)),
                        Err(e) => last = e,
                    }
                }
                Err(last)
            }
        }
    }
}

/// A connection to the server.
pub enum Socket {
    /// By network.
    Tcp(TcpStream),
    /// By a socket file.
    Unix(UnixStream),
}

impl Socket {
    /// How long a read may wait.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn set_read_timeout(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_read_timeout(Some(limit)),
            Self::Unix(stream) => stream.set_read_timeout(Some(limit)),
        }
    }

    /// How long a write may wait.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn set_write_timeout(&self, limit: Duration) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_write_timeout(Some(limit)),
            Self::Unix(stream) => stream.set_write_timeout(Some(limit)),
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.flush(),
            Self::Unix(stream) => stream.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_where_the_variables_say() {
        let of = |set: &[(&str, &str)]| {
            let set: Vec<(String, String)> = set.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
            ServerAddress::from_variables(|name| set.iter().find(|(k, _)| k == name).map(|(_, v)| v.clone()))
        };
        let tcp = |address: &str| ServerAddress::Tcp(address.to_string());
        assert_eq!(of(&[]).ok(), Some(tcp("127.0.0.1:5037")));
        assert_eq!(of(&[("ANDROID_ADB_SERVER_PORT", "6000")]).ok(), Some(tcp("127.0.0.1:6000")));
        assert_eq!(of(&[("ADB_SERVER_SOCKET", "tcp:6001"), ("ANDROID_ADB_SERVER_PORT", "6000")]).ok(), Some(tcp("127.0.0.1:6001")));
        assert_eq!(of(&[("ADB_SERVER_SOCKET", "tcp:other:1")]).ok(), Some(tcp("other:1")));
        let unix = of(&[("ADB_SERVER_SOCKET", "localfilesystem:/a b/c")]).ok();
        assert_eq!(unix, Some(ServerAddress::Unix(PathBuf::from("/a b/c"))));
        assert!(matches!(of(&[("ADB_SERVER_SOCKET", "vsock:1")]), Err(AdbError::Socket(_))));
    }
}
