//! Boards on the network, through ssh. Host keys are verified; passwords are not used.
//!
//! | module | what it holds |
//! |---|---|
//! | [`address`] | what follows `ssh://` |
//! | [`settings`] | how the host is reached, by ssh's own configuration |
//! | [`proxy`] | a way through another host |
//! | [`known_hosts`] | whose key is whose |
//! | `login`, [`key_file`] | keys of the user |

pub mod address;
mod error;
#[cfg(test)]
mod fuzz;
pub mod key_file;
pub mod known_hosts;
mod login;
pub mod proxy;
pub mod settings;

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ssh2::{HashType, MethodType, Session};

pub use error::SshError;

use super::notice::Notice;
use super::remote::{ConnectionError, Mark, Piece, Put, Running, Shell, quote};
use crate::file_error::FileError;
use address::Address;
use known_hosts::{KnownHosts, Verdict};
use settings::{Home, Settings};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// The same through another host, where somebody may have to type a passphrase.
const CONNECT_BY_PROXY: Duration = Duration::from_secs(60);
/// How long an answer of the other side is waited for.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a file of an agent may take.
const TRANSFER: Duration = Duration::from_secs(300);
/// How long a farewell may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// How often a quiet connection is used, so that no router forgets it.
const KEEPALIVE: u32 = 15;
/// How long to sleep while nothing comes.
const NAP: Duration = Duration::from_millis(5);
/// Kinds of host keys as files name them, the best first, and what a host is asked for to get one.
const KEY_KINDS: [(&str, &str); 5] = [
    ("ssh-ed25519", "ssh-ed25519"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256"),
    ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384"),
    ("ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521"),
    ("ssh-rsa", "rsa-sha2-512,rsa-sha2-256,ssh-rsa"),
];
/// What libssh2 calls "try again".
const AGAIN: i32 = -37;

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
        // What a connection goes through ends when the host closes it, and that does so when it is told.
        self.session.set_blocking(true);
        self.session.set_timeout(u32::try_from(FAREWELL.as_millis()).unwrap_or(u32::MAX));
        // A broken connection needs no farewell.
        let _ = self.session.disconnect(None, "done", None);
    }
}

/// What the files of known hosts say of this host. A file that is not there says nothing.
fn known(settings: &Settings, device: &str, notices: &mut Vec<Notice>) -> Result<KnownHosts, SshError> {
    let mut known = KnownHosts::new(settings.names());
    for file in &settings.known_hosts {
        match std::fs::read(file) {
            Ok(bytes) => known.add(file, &bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => {
                notices.push(Notice::KnownHostsUnread { device: device.to_string(), file: file.clone(), reason: e.to_string() })
            }
        }
    }
    if let Some(file) = &settings.revoked {
        // Without it nobody is let in: it may be this host's key that it holds.
        let read = std::fs::read(file).and_then(|bytes| known.add_revoked(file, &bytes));
        read.map_err(FileError::new("read the revoked keys of", file))?;
    }
    Ok(known)
}

/// What a host is asked for: it has several keys, of which the user's files may know only one.
pub fn key_kinds(known: &KnownHosts) -> String {
    let names = known.kinds();
    let (first, rest): (Vec<_>, Vec<_>) = KEY_KINDS.iter().partition(|(name, _)| names.contains(name));
    first.iter().chain(&rest).map(|(_, asked)| *asked).collect::<Vec<_>>().join(",")
}

/// Compares the key that the host has shown.
fn verify(session: &Session, settings: &Settings, device: &str, address: &Address, known: &KnownHosts) -> Result<(), SshError> {
    let device = device.to_string();
    let fingerprint = session.host_key_hash(HashType::Sha256).map(|hash| STANDARD_NO_PAD.encode(hash)).unwrap_or_default();
    let names = settings.names();
    match session.host_key().map_or(Verdict::Unknown { authority: None }, |(key, _)| known.verdict(key)) {
        Verdict::Known => Ok(()),
        Verdict::Revoked(place) => Err(SshError::RevokedHostKey { device, fingerprint, place: place.to_string() }),
        Verdict::Changed(place) => {
            let file = quote(&place.file.to_string_lossy());
            let command = format!("ssh-keygen -f {file} -R {}", quote(names.first()));
            Err(SshError::ChangedHostKey { device, fingerprint, place: place.to_string(), command })
        }
        Verdict::Unknown { authority } => {
            let mut remark = String::new();
            if let Some(place) = authority {
                remark +=
                    &format!(" The certificate authority in {place} is not used: keys that one has signed are not supported.");
            }
            if settings.lax {
                remark += " The setting StrictHostKeyChecking of ssh, which accepts unknown hosts, is ignored here.";
            }
            let command = adding(settings, address);
            Err(SshError::UnknownHostKey { device, fingerprint, remark, command })
        }
    }
}

/// The command that adds the key of a host that is not known yet.
fn adding(settings: &Settings, address: &Address) -> String {
    let Some(file) = settings.known_hosts.first() else { return String::new() };
    if settings.proxy.is_some() || settings.alias.is_some() {
        // Its tool goes straight to a host, and knows of no alias; ssh itself asks.
        let port = address.port.map(|port| format!("-p {port} ")).unwrap_or_default();
        return format!("ssh -o StrictHostKeyChecking=ask {port}{} true", quote(&address.host));
    }
    let target = quote(&file.to_string_lossy());
    let open = std::fs::read(file).is_ok_and(|bytes| bytes.last().is_some_and(|&b| b != b'\n'));
    // Its first key must not run on from a last line without an end.
    let end = if open { format!("echo >> {target}; ") } else { String::new() };
    format!("{end}ssh-keyscan -t ed25519,ecdsa,rsa -p {} {} >> {target}", settings.port, quote(&settings.host))
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
        Ok(Box::new(Exec { session: self.session.clone(), channel, device: self.device.clone(), kept_alive: Instant::now() }))
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
            Err(e) => return Err(FileError::new("read", path)(e).into()),
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

/// A command on a board.
struct Exec {
    session: Session,
    channel: ssh2::Channel,
    device: String,
    kept_alive: Instant,
}

impl Exec {
    fn lost(&self, source: io::Error) -> ConnectionError {
        ConnectionError::Lost { device: self.device.clone(), source }
    }

    /// What has come on one stream: empty where nothing has.
    fn read(&mut self, stream: i32) -> Result<Vec<u8>, ConnectionError> {
        let mut bytes = vec![0; 1 << 14];
        match self.channel.stream(stream).read(&mut bytes) {
            Ok(read) => {
                bytes.truncate(read);
                Ok(bytes)
            }
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => Ok(Vec::new()),
            Err(e) => Err(self.lost(e)),
        }
    }

    /// The exit code, once the other side has closed the channel in good order.
    fn exit(&mut self) -> Result<i32, ConnectionError> {
        self.session.set_blocking(true);
        let closed = self.channel.close().and_then(|()| self.channel.wait_close());
        let signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let code = self.channel.exit_status();
        self.session.set_blocking(false);
        match (signal, code) {
            (Some(name), _) => Ok(128 + signal_number(&name)),
            (None, Ok(code)) => closed.map(|()| code).map_err(|e| self.lost(e.into())),
            (None, Err(e)) => Err(self.lost(e.into())),
        }
    }
}

/// The number of a signal by the name that SSH gives it (RFC 4254); 0 of any other.
fn signal_number(name: &str) -> i32 {
    let known = [
        ("HUP", 1),
        ("INT", 2),
        ("QUIT", 3),
        ("ILL", 4),
        ("ABRT", 6),
        ("FPE", 8),
        ("KILL", 9),
        ("USR1", 10),
        ("SEGV", 11),
        ("USR2", 12),
        ("PIPE", 13),
        ("ALRM", 14),
        ("TERM", 15),
    ];
    known.into_iter().find(|(known, _)| *known == name).map_or(0, |(_, number)| number)
}

impl Running for Exec {
    fn next(&mut self, wait: Duration) -> Result<Option<Piece>, ConnectionError> {
        self.session.set_blocking(false);
        let began = Instant::now();
        loop {
            let bytes = self.read(0)?;
            if !bytes.is_empty() {
                return Ok(Some(Piece::Stdout(bytes)));
            }
            let bytes = self.read(ssh2::EXTENDED_DATA_STDERR)?;
            if !bytes.is_empty() {
                return Ok(Some(Piece::Stderr(bytes)));
            }
            if self.channel.eof() {
                return self.exit().map(|code| Some(Piece::Exit(code)));
            }
            if self.kept_alive.elapsed() > Duration::from_secs(u64::from(KEEPALIVE)) {
                self.kept_alive = Instant::now();
                match self.session.keepalive_send() {
                    Err(e) if e.code() != ssh2::ErrorCode::Session(AGAIN) => return Err(self.lost(e.into())),
                    _ => {}
                }
            }
            if began.elapsed() > wait {
                return Ok(None);
            }
            std::thread::sleep(NAP);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        self.session.set_blocking(true);
        let written = self.channel.write_all(bytes);
        self.session.set_blocking(false);
        written.map_err(ConnectionError::lost(&self.device, "receive files", ANSWER))
    }

    fn end(&mut self) {
        self.session.set_blocking(true);
        // A broken connection ends it too.
        let _ = self.channel.send_eof();
        self.session.set_blocking(false);
    }
}
