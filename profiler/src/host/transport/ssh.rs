//! Boards on the network, through ssh. Host keys are verified; passwords are not used.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ssh2::{CheckResult, HashType, KnownHostFileKind, MethodType, Session};

use super::remote::{Piece, Put, RemoteError, Running, Shell, quote};

/// How long a connection may take to come about.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer of the other side is waited for.
const ANSWER: Duration = Duration::from_secs(20);
/// How long a file of an agent may take.
const TRANSFER: Duration = Duration::from_secs(300);
/// How often a quiet connection is used, so that no router forgets it.
const KEEPALIVE: u32 = 15;
/// How long to sleep while nothing comes.
const NAP: Duration = Duration::from_millis(5);
/// Kinds of host keys, the best first.
const KEY_KINDS: [&str; 4] =
    ["ssh-ed25519", "ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521", "rsa-sha2-512,rsa-sha2-256", "ssh-rsa"];
/// What libssh2 calls "try again".
const AGAIN: i32 = -37;

/// `user@host:port`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Target {
    user: String,
    host: String,
    port: u16,
}

impl Target {
    /// Reads what follows `ssh://`.
    fn parse(address: &str, own_name: Option<String>) -> Result<Self, RemoteError> {
        let wrong = |reason| RemoteError::Address { address: format!("ssh://{address}"), reason };
        let (user, place) = match address.rsplit_once('@') {
            Some((user, place)) => (Some(user.to_string()), place),
            None => (None, address),
        };
        let user = user.or(own_name).filter(|user| !user.is_empty()).ok_or_else(|| wrong("it names no user"))?;
        if user.contains(':') {
            return Err(wrong("passwords are not taken from the command line"));
        }
        let (host, port) = match place.strip_prefix('[') {
            Some(v6) => {
                let (host, rest) = v6.split_once(']').ok_or_else(|| wrong("a ']' is missing"))?;
                (host, rest.strip_prefix(':'))
            }
            None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
        };
        if host.is_empty() || host.starts_with('-') || host.chars().any(|c| c.is_whitespace() || c.is_control() || c == '/') {
            return Err(wrong("the host's name is missing or odd"));
        }
        let port =
            port.map_or(Some(22), |port| port.parse().ok().filter(|&p| p > 0)).ok_or_else(|| wrong("the port is no number"))?;
        Ok(Self { user, host: host.to_string(), port })
    }

    fn connect(&self) -> io::Result<TcpStream> {
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (self.host.as_str(), self.port).to_socket_addrs()? {
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

    /// As ssh's own files and tools name it.
    fn in_known_hosts(&self) -> String {
        if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) }
    }
}

/// A board.
pub struct Ssh {
    session: Session,
    device: String,
}

impl Ssh {
    /// Connects, verifies the host's key, and logs in with a key of the user's agent or key files (`identity`, or the usual ones).
    ///
    /// # Errors
    /// [`RemoteError`]: no connection, a host key that is unknown or another than the known one, not let in.
    pub fn open(address: &str, identity: Option<&Path>) -> Result<Self, RemoteError> {
        let own_name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).ok();
        let target = Target::parse(address, own_name)?;
        let device = format!("ssh://{address}");
        let folder = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default().join(".ssh");
        let session = verified(&target, &device, &folder.join("known_hosts"))?;
        log_in(&session, &target, &device, &folder, identity)?;
        session.set_keepalive(true, KEEPALIVE);
        Ok(Self { session, device })
    }

    fn lost(&self) -> impl Fn(ssh2::Error) -> RemoteError {
        let device = self.device.clone();
        move |e| RemoteError::Lost { device: device.clone(), source: e.into() }
    }
}

/// A session whose host key was found among the known ones. A host has several keys, of which the user's file may know only one:
/// each kind is asked for before the host counts as unknown.
fn verified(target: &Target, device: &str, known_hosts: &Path) -> Result<Session, RemoteError> {
    let mut first: Option<(bool, String)> = None;
    for kinds in std::iter::once(None).chain(KEY_KINDS.iter().map(Some)) {
        let session = match handshake(target, device, kinds.copied()) {
            Ok(session) => session,
            // The host has no key of that kind.
            Err(_) if first.is_some() => continue,
            Err(e) => return Err(e),
        };
        let Some((key, _)) = session.host_key() else { continue };
        match check(&session, target, known_hosts, key) {
            CheckResult::Match => return Ok(session),
            result => {
                let fingerprint = session.host_key_hash(HashType::Sha256).map(base64).unwrap_or_default();
                let changed = matches!(result, CheckResult::Mismatch);
                let before = first.get_or_insert((changed, fingerprint));
                before.0 |= changed;
            }
        }
    }
    let device = device.to_string();
    let (changed, fingerprint) = first.unwrap_or_default();
    let place = target.in_known_hosts();
    let file = quote(&known_hosts.to_string_lossy());
    Err(if changed {
        let command = format!("ssh-keygen -f {file} -R {}", quote(&place));
        RemoteError::ChangedHostKey { device, fingerprint, file: known_hosts.to_path_buf(), command }
    } else {
        let command = format!("ssh-keyscan -t ed25519,ecdsa,rsa -p {} {} >> {file}", target.port, quote(&target.host));
        RemoteError::UnknownHostKey { device, fingerprint, command }
    })
}

fn handshake(target: &Target, device: &str, kinds: Option<&str>) -> Result<Session, RemoteError> {
    let fail = |source: io::Error| RemoteError::Connect { device: device.to_string(), source };
    let mut session = Session::new().map_err(|e| fail(e.into()))?;
    if let Some(kinds) = kinds {
        session.method_pref(MethodType::HostKey, kinds).map_err(|e| fail(e.into()))?;
    }
    session.set_timeout(u32::try_from(CONNECT.as_millis()).unwrap_or(u32::MAX));
    session.set_tcp_stream(target.connect().map_err(fail)?);
    session.handshake().map_err(|e| fail(e.into()))?;
    session.set_timeout(u32::try_from(ANSWER.as_millis()).unwrap_or(u32::MAX));
    Ok(session)
}

fn check(session: &Session, target: &Target, file: &Path, key: &[u8]) -> CheckResult {
    let Ok(mut known) = session.known_hosts() else { return CheckResult::Failure };
    // A file that is not there knows no one.
    let _ = known.read_file(file, KnownHostFileKind::OpenSSH);
    known.check_port(&target.host, target.port, key)
}

fn log_in(session: &Session, target: &Target, device: &str, folder: &Path, identity: Option<&Path>) -> Result<(), RemoteError> {
    let mut tried = Vec::new();
    if identity.is_none()
        && let Ok(mut agent) = session.agent()
        && agent.connect().is_ok()
        && agent.list_identities().is_ok()
    {
        for key in agent.identities().unwrap_or_default() {
            tried.push(format!("{} (agent)", key.comment()));
            if agent.userauth(&target.user, &key).is_ok() {
                return Ok(());
            }
        }
    }
    let files = match identity {
        Some(file) => vec![file.to_path_buf()],
        None => ["id_ed25519", "id_ecdsa", "id_rsa"].iter().map(|name| folder.join(name)).filter(|file| file.is_file()).collect(),
    };
    for file in files {
        match session.userauth_pubkey_file(&target.user, None, &file, None) {
            Ok(()) => return Ok(()),
            Err(e) => tried.push(format!("{} ({})", file.display(), e.message())),
        }
    }
    Err(RemoteError::NotLetIn { device: device.to_string(), user: target.user.clone(), tried })
}

impl Shell for Ssh {
    fn name(&self) -> String {
        self.device.clone()
    }

    fn folder_expression(&self) -> &'static str {
        "\"${XDG_CACHE_HOME:-$HOME/.cache}/blocktime\""
    }

    fn start(&mut self, command: &str) -> Result<Box<dyn Running>, RemoteError> {
        self.session.set_blocking(true);
        let mut channel = self.session.channel_session().map_err(self.lost())?;
        // The user's own shell may be of another kind.
        channel.exec(&format!("exec sh -c {}", quote(command))).map_err(self.lost())?;
        self.session.set_blocking(false);
        Ok(Box::new(Exec { session: self.session.clone(), channel, device: self.device.clone(), kept_alive: Instant::now() }))
    }

    fn put(&mut self, files: &[Put]) -> Result<(), RemoteError> {
        // By a plain command, since small boards have neither SFTP nor SCP.
        for file in files {
            let mut source = file.open()?;
            let to = quote(&file.to);
            let command = format!("cat > {to} && chmod {:o} {to}", file.mode());
            self.session.set_blocking(true);
            let mut channel = self.session.channel_session().map_err(self.lost())?;
            channel.exec(&format!("exec sh -c {}", quote(&command))).map_err(self.lost())?;
            let sent = copy(&mut source, &mut channel, &file.from, &self.device);
            // A command that has given up takes no more; its words say why.
            let ended = channel.send_eof().and_then(|()| {
                let mut said = String::new();
                let _ = channel.stderr().read_to_string(&mut said);
                channel.wait_close()?;
                Ok((channel.exit_status()?, said))
            });
            match (sent, ended) {
                (Ok(()), Ok((0, _))) => {}
                (Err(e @ RemoteError::File { .. }), _) | (Err(e), Ok((0, _)) | Err(_)) => return Err(e),
                (_, Ok((_, said))) => {
                    let reason = said.trim().to_string();
                    return Err(RemoteError::Refused { device: self.device.clone(), what: format!("take {}", file.to), reason });
                }
                (Ok(()), Err(e)) => return Err(self.lost()(e)),
            }
        }
        Ok(())
    }
}

fn copy(source: &mut impl Read, channel: &mut impl Write, path: &Path, device: &str) -> Result<(), RemoteError> {
    let mut buffer = vec![0; 32 << 10];
    let began = Instant::now();
    loop {
        let read = match source.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(RemoteError::file("read", path)(e)),
        };
        channel.write_all(&buffer[..read]).map_err(RemoteError::lost(device, "take a file", ANSWER))?;
        if began.elapsed() > TRANSFER {
            return Err(RemoteError::TimedOut { device: device.to_string(), what: "take a file", seconds: TRANSFER.as_secs() });
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
    fn lost(&self, source: io::Error) -> RemoteError {
        RemoteError::Lost { device: self.device.clone(), source }
    }

    /// What has come on one stream: empty where nothing has.
    fn read(&mut self, stream: i32) -> Result<Vec<u8>, RemoteError> {
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
    fn exit(&mut self) -> Result<i32, RemoteError> {
        self.session.set_blocking(true);
        let closed = self.channel.close().and_then(|()| self.channel.wait_close());
        let signal = self.channel.exit_signal().ok().and_then(|signal| signal.exit_signal);
        let code = self.channel.exit_status();
        self.session.set_blocking(false);
        match (signal, code) {
            (Some(_), _) => Ok(128 + 9),
            (None, Ok(code)) => closed.map(|()| code).map_err(|e| self.lost(e.into())),
            (None, Err(e)) => Err(self.lost(e.into())),
        }
    }
}

impl Running for Exec {
    fn next(&mut self, wait: Duration) -> Result<Option<Piece>, RemoteError> {
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

    fn end(&mut self) {
        self.session.set_blocking(true);
        // A broken connection ends it too.
        let _ = self.channel.send_eof();
        self.session.set_blocking(false);
    }
}

/// Base 64 without padding, as ssh shows fingerprints.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0u32, |bits, (i, &byte)| bits | u32::from(byte) << (16 - 8 * i));
        for digit in 0..=chunk.len() {
            text.push(char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses() {
        let parse = |address: &str| Target::parse(address, Some("me".to_string()));
        let target = |user: &str, host: &str, port| Target { user: user.to_string(), host: host.to_string(), port };
        assert_eq!(parse("board").ok(), Some(target("me", "board", 22)));
        assert_eq!(parse("pi@board.local:2222").ok(), Some(target("pi", "board.local", 2222)));
        assert_eq!(parse("pi@[fe80::1]:2222").ok(), Some(target("pi", "fe80::1", 2222)));
        assert_eq!(parse("pi@[::1]").ok(), Some(target("pi", "::1", 22)));
        for bad in [
            "",
            "@board",
            "pi@",
            "pi@board:",
            "pi@board:ssh",
            "pi@board:0",
            "pi:secret@board",
            "pi@-oProxyCommand=x",
            "pi@a b",
            "pi@[::1",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
        assert!(Target::parse("board", None).is_err());
    }

    #[test]
    fn fingerprints() {
        for (bytes, text) in [(&b""[..], ""), (b"f", "Zg"), (b"fo", "Zm8"), (b"foo", "Zm9v"), (b"foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes), text);
        }
    }
}
