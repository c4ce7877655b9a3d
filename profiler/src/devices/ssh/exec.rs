//! A command on a board, and what comes of it.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use ssh2::{Channel, EXTENDED_DATA_STDERR, ErrorCode, Session};

use crate::devices::remote::{ConnectionError, Packet, Running};

/// What libssh2 calls "try again".
const AGAIN: i32 = -37;

/// How long an answer of the other side is waited for.
pub(super) const ANSWER: Duration = Duration::from_secs(20);
/// How often a quiet connection is used, in seconds, so that no router forgets it.
pub(super) const KEEPALIVE: u32 = 15;
/// How long to sleep while nothing comes.
const NAP: Duration = Duration::from_millis(5);

/// A command on a board.
pub(super) struct Exec {
    session: Session,
    channel: Channel,
    device: String,
    kept_alive: Instant,
}

impl Exec {
    /// A command that has been started on a channel.
    pub(super) fn new(session: Session, channel: Channel, device: String) -> Self {
        Self { session, channel, device, kept_alive: Instant::now() }
    }

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

impl Running for Exec {
    fn next(&mut self, wait: Duration) -> Result<Option<Packet>, ConnectionError> {
        self.session.set_blocking(false);
        let began = Instant::now();
        loop {
            let bytes = self.read(0)?;
            if !bytes.is_empty() {
                return Ok(Some(Packet::Stdout(bytes)));
            }
            let bytes = self.read(EXTENDED_DATA_STDERR)?;
            if !bytes.is_empty() {
                return Ok(Some(Packet::Stderr(bytes)));
            }
            if self.channel.eof() {
                return self.exit().map(|code| Some(Packet::Exit(code)));
            }
            if self.kept_alive.elapsed() > Duration::from_secs(u64::from(KEEPALIVE)) {
                self.kept_alive = Instant::now();
                match self.session.keepalive_send() {
                    Err(e) if e.code() != ErrorCode::Session(AGAIN) => return Err(self.lost(e.into())),
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
