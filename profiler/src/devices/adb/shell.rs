//! adb's shell, version 2: packets of an id, a length (4 bytes, little-endian) and bytes, one stream for all.

use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use super::server::ANSWER;
use super::socket::Socket;
use crate::devices::remote::{ConnectionError, Packet, Running};

const STDIN: u8 = 0;
const STDOUT: u8 = 1;
const STDERR: u8 = 2;
const EXIT: u8 = 3;
const CLOSE_STDIN: u8 = 4;
/// Id and length.
const HEADER: usize = 5;
/// Longest packet sent.
const LARGEST: usize = 64 << 10;
/// Longest packet taken; adb's own are at most a megabyte.
const LIMIT: usize = 1 << 22;

/// What a command's packets come from.
pub(super) trait Source: Read + Write {
    /// How long a read may wait.
    fn wait(&self, limit: Duration) -> io::Result<()>;
}

impl Source for Socket {
    fn wait(&self, limit: Duration) -> io::Result<()> {
        self.set_read_timeout(limit)
    }
}

/// A command on a phone.
pub(super) struct ShellV2<S> {
    source: S,
    device: String,
    /// Received, not yet a whole packet.
    buffer: Vec<u8>,
    ended: bool,
}

impl<S: Source> ShellV2<S> {
    pub(super) fn new(source: S, device: String) -> Self {
        Self { source, device, buffer: Vec::new(), ended: false }
    }
}

impl<S: Source> Running for ShellV2<S> {
    fn next(&mut self, wait: Duration) -> Result<Option<Packet>, ConnectionError> {
        let lost = |source| ConnectionError::Lost { device: self.device.clone(), source };
        let began = Instant::now();
        loop {
            match take(&mut self.buffer) {
                Ok(Some(packet)) => return Ok(Some(packet)),
                Ok(None) => {}
                Err(reason) => return Err(ConnectionError::Odd { device: self.device.clone(), reason: reason.to_string() }),
            }
            // Packets that say nothing may come without end.
            if began.elapsed() > wait {
                return Ok(None);
            }
            self.source.wait(wait.max(Duration::from_millis(1))).map_err(lost)?;
            let mut bytes = [0; 1 << 14];
            match self.source.read(&mut bytes) {
                Ok(0) => return Err(lost(io::Error::new(io::ErrorKind::UnexpectedEof, "it ended before the command did"))),
                Ok(read) => self.buffer.extend_from_slice(&bytes[..read]),
                Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return Ok(None),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(lost(e)),
            }
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ConnectionError> {
        let mut send = |bytes: &[u8]| {
            let header = [&[STDIN][..], &(bytes.len() as u32).to_le_bytes()].concat();
            self.source.write_all(&header)?;
            self.source.write_all(bytes)
        };
        bytes.chunks(LARGEST).try_for_each(&mut send).map_err(ConnectionError::lost(&self.device, "receive files", ANSWER))
    }

    fn end(&mut self) {
        if !self.ended {
            self.ended = true;
            // A broken connection ends it too.
            let _ = self.source.write_all(&[CLOSE_STDIN, 0, 0, 0, 0]);
        }
    }
}

/// Takes the first whole packet that says something off the buffer.
///
/// # Errors
/// What is wrong with it.
pub fn take(buffer: &mut Vec<u8>) -> Result<Option<Packet>, &'static str> {
    loop {
        let Some(&[id, a, b, c, d]) = buffer.first_chunk::<HEADER>() else { return Ok(None) };
        let length = u32::from_le_bytes([a, b, c, d]) as usize;
        if length > LIMIT {
            return Err("a packet of its shell is too long");
        }
        if buffer.len() < HEADER + length {
            return Ok(None);
        }
        let rest = buffer.split_off(HEADER + length);
        let bytes = std::mem::replace(buffer, rest).split_off(HEADER);
        match id {
            STDOUT if length > 0 => return Ok(Some(Packet::Stdout(bytes))),
            STDERR if length > 0 => return Ok(Some(Packet::Stderr(bytes))),
            EXIT => return bytes.first().map(|&code| Some(Packet::Exit(i32::from(code)))).ok_or("an exit without a code"),
            // Newer daemons may say things that are not needed here.
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_in_any_pieces() {
        let mut all = Vec::new();
        for (id, bytes) in
            [(STDOUT, &b"one\ntw"[..]), (STDERR, b"oh"), (9, b"new"), (STDOUT, b""), (STDOUT, b"o\n"), (EXIT, &[137])]
        {
            all.push(id);
            all.extend(u32::try_from(bytes.len()).unwrap().to_le_bytes());
            all.extend(bytes);
        }
        let expected = vec![
            Packet::Stdout(b"one\ntw".to_vec()),
            Packet::Stderr(b"oh".to_vec()),
            Packet::Stdout(b"o\n".to_vec()),
            Packet::Exit(137),
        ];
        for step in 1..all.len() {
            let (mut buffer, mut packets) = (Vec::new(), Vec::new());
            for chunk in all.chunks(step) {
                buffer.extend_from_slice(chunk);
                while let Some(packet) = take(&mut buffer).unwrap() {
                    packets.push(packet);
                }
            }
            assert_eq!(packets, expected, "in steps of {step}");
            assert!(buffer.is_empty());
        }
    }

    #[test]
    fn a_length_beyond_reason_is_refused() {
        assert!(take(&mut vec![STDOUT, 255, 255, 255, 255]).is_err());
        assert!(take(&mut vec![EXIT, 0, 0, 0, 0]).is_err());
    }
}
