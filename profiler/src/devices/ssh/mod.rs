//! Boards on the network, through ssh. Host keys are verified; passwords are not used.
//!
//! | module | what it holds |
//! |---|---|
//! | [`address`] | what follows `ssh://` |
//! | [`settings`] | how the host is reached, by ssh's own configuration |
//! | [`proxy`] | a way through another host |
//! | [`known_hosts`] | whose key is whose |
//! | `host_key` | whether a host is the one that is known |
//! | `exec` | a command on a board |
//! | `login`, [`key_file`] | keys of the user |

pub mod address;
mod error;
mod exec;
#[cfg(test)]
mod fuzz;
mod host_key;
pub mod key_file;
pub mod known_hosts;
mod login;
pub mod proxy;
pub mod settings;

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use files::FileError;
use ssh2::{MethodType, Session};
use terminal::quote;

pub use error::SshError;
pub use host_key::key_kinds;

use super::notice::Notice;
use super::remote::{ConnectionError, Mark, Put, Running, Shell};
use address::Address;
use exec::{ANSWER, Exec, KEEPALIVE};
use host_key::{known, verify};
use known_hosts::KnownHosts;
use settings::{Home, Settings};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// The same through another host, where somebody may have to type a passphrase.
const CONNECT_BY_PROXY: Duration = Duration::from_secs(60);
/// How long a file of an agent may take.
const TRANSFER: Duration = Duration::from_secs(300);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// A board.
pub struct Ssh {
    session: Session,
    device: String,
    /// What the connection goes through: it ends with it.
    _proxy: Option<proxy::Running>,
}

impl Ssh {
    /// Connects, verifies the host's key, and logs in with a key of the user's agent or key files (`identity`, or those of ssh's
    /// own configuration). What the user should know of it is added to `notices`.
    ///
    /// # Errors
    /// [`SshError`]: no connection, a host key that is unknown, revoked or another than the known one, not let in.
    pub fn open(address: &str, identity: Option<&Path>, notices: &mut Vec<Notice>) -> Result<Self, SshError> {
        let device = format!("ssh://{address}");
        let address = Address::parse(address)?;
        let settings = Settings::find(&address, &Home::find())?;
        notices.extend(settings.notices.iter().cloned());
        let known = known(&settings, &device, notices)?;
        let (session, proxy) = handshake(&settings, &device, &known)?;
        let ssh = Self { session, device, _proxy: proxy };
        verify(&ssh.session, &settings, &ssh.device, &address, &known)?;
        login::log_in(&ssh.session, &settings, &ssh.device, identity)?;
        ssh.session.set_keepalive(true, KEEPALIVE);
        Ok(ssh)
    }

    fn lost(&self) -> impl Fn(ssh2::Error) -> ConnectionError {
        let device = self.device.clone();
        move |e| ConnectionError::Lost { device: device.clone(), source: e.into() }
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        // A program that the connection goes through (ProxyCommand) ends when the host closes the connection. The host does so on request.
        self.session.set_blocking(true);
        self.session.set_timeout(u32::try_from(FAREWELL.as_millis()).unwrap_or(u32::MAX));
        // A broken connection needs no farewell.
        let _ = self.session.disconnect(None, "done", None);
    }
}

fn handshake(settings: &Settings, device: &str, known: &KnownHosts) -> Result<(Session, Option<proxy::Running>), SshError> {
    let fail = |source: io::Error| SshError::Connect { device: device.to_string(), source };
    let mut session = Session::new().map_err(|e| fail(e.into()))?;
    session.method_pref(MethodType::HostKey, &key_kinds(known)).map_err(|e| fail(e.into()))?;
    let (proxy, limit) = match &settings.proxy {
        Some(proxy) => {
            let (stream, running) = proxy.start(&settings.host, settings.port, settings.file.as_deref()).map_err(fail)?;
            session.set_tcp_stream(stream);
            (Some(running), CONNECT_BY_PROXY)
        }
        None => {
            session.set_tcp_stream(connect(&settings.host, settings.port).map_err(fail)?);
            (None, CONNECT)
        }
    };
    session.set_timeout(u32::try_from(limit.as_millis()).unwrap_or(u32::MAX));
    session.handshake().map_err(|e| fail(e.into()))?;
    session.set_timeout(u32::try_from(ANSWER.as_millis()).unwrap_or(u32::MAX));
    Ok((session, proxy))
}

fn connect(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(e) => last = e,
        }
    }
    Err(last)
}

impl Shell for Ssh {
    fn name(&self) -> String {
        self.device.clone()
    }

    fn folder_expression(&self) -> &'static str {
        "\"${XDG_CACHE_HOME:-$HOME/.cache}/blocktime\""
    }

    fn start_raw(&mut self, command: &str) -> Result<Box<dyn Running>, ConnectionError> {
        self.session.set_blocking(true);
        let mut channel = self.session.channel_session().map_err(self.lost())?;
        // The user's own shell may be of another kind.
        channel.exec(&format!("exec sh -c {}", quote(command))).map_err(self.lost())?;
        self.session.set_blocking(false);
        Ok(Box::new(Exec::new(self.session.clone(), channel, self.device.clone())))
    }

    fn put(&mut self, files: &[Put]) -> Result<(), ConnectionError> {
        // By a plain command, since small boards have neither SFTP nor SCP.
        for file in files {
            let mut source = file.open()?;
            let to = quote(&file.to);
            let mark = Mark::unused();
            let command = mark.before(&format!("cat > {to} && chmod {:o} {to}", file.mode()));
            self.session.set_blocking(true);
            let mut channel = self.session.channel_session().map_err(self.lost())?;
            channel.exec(&format!("exec sh -c {}", quote(&command))).map_err(self.lost())?;
            let sent = copy(&mut source, &mut channel, &file.from, &self.device);
            // A command that has given up takes no more; its words say why.
            let ended = channel.send_eof().and_then(|()| {
                let mut said = Vec::new();
                let _ = channel.stderr().read_to_end(&mut said);
                channel.wait_close()?;
                Ok((channel.exit_status()?, mark.after(&said).map(<[u8]>::to_vec).unwrap_or(said)))
            });
            match (sent, ended) {
                (Ok(()), Ok((0, _))) => {}
                (Err(e @ ConnectionError::File { .. }), _) | (Err(e), Ok((0, _)) | Err(_)) => return Err(e),
                (_, Ok((_, said))) => {
                    let reason = String::from_utf8_lossy(&said).trim().to_string();
                    return Err(ConnectionError::Refused {
                        device: self.device.clone(),
                        what: format!("receive {}", file.to),
                        reason,
                    });
                }
                (Ok(()), Err(e)) => return Err(self.lost()(e)),
            }
        }
        Ok(())
    }
}

fn copy(source: &mut impl Read, channel: &mut impl Write, path: &Path, device: &str) -> Result<(), ConnectionError> {
    let mut buffer = vec![0; 32 << 10];
    let began = Instant::now();
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(FileError::new("cannot read", path)(e).into()),
        };
        channel.write_all(&buffer[..read]).map_err(ConnectionError::lost(device, "receive a file", ANSWER))?;
        if began.elapsed() > TRANSFER {
            return Err(ConnectionError::TimedOut {
                device: device.to_string(),
                what: "receive a file",
                seconds: TRANSFER.as_secs(),
            });
        }
    }
}
