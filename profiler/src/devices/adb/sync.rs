//! adb's file service: four letters, a length (4 bytes, little-endian), bytes.

use std::io::{self, Read, Write};
use std::time::Duration;

use files::FileError;

use super::read::exactly;
use super::server::ANSWER;
use super::socket::Socket;
use crate::devices::remote::{ConnectionError, Put};

/// Largest piece of a file in one message: adb's own limit.
const CHUNK: usize = 64 << 10;
/// How long the phone may take to have a file on its flash.
const WRITTEN: Duration = Duration::from_secs(60);

/// Writes files over one connection.
pub(super) fn send(mut socket: Socket, device: &str, files: &[Put]) -> Result<(), ConnectionError> {
    socket.set_read_timeout(WRITTEN).map_err(ConnectionError::lost(device, "receive files", WRITTEN))?;
    for file in files {
        send_one(&mut socket, device, file)?;
    }
    // The phone ends the connection; that it is ended by us instead does no harm.
    let _ = message(&mut socket, b"QUIT", &[]);
    Ok(())
}

fn send_one(socket: &mut Socket, device: &str, file: &Put) -> Result<(), ConnectionError> {
    let mut source = file.open()?;
    let refused =
        |reason: String| ConnectionError::Refused { device: device.to_string(), what: format!("receive {}", file.to), reason };
    let wrote = |e: io::Error| ConnectionError::lost(device, "receive a file", ANSWER)(e);
    let mut buffer = vec![0; CHUNK];
    let mut transfer = |socket: &mut Socket| -> io::Result<Result<(), ConnectionError>> {
        message(socket, b"SEND", format!("{},{}", file.to, 0o100_000 | file.mode()).as_bytes())?;
        loop {
            match source.read(&mut buffer) {
                Ok(0) => return message_header(socket, b"DONE", 0).map(Ok),
                Ok(read) => message(socket, b"DATA", &buffer[..read])?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Ok(Err(FileError::new("cannot read", &file.from)(e).into())),
            }
        }
    };
    match transfer(socket) {
        Ok(done) => done?,
        // A phone that refuses a file may close the connection while it is being sent; its reason is then still there to be read.
        Err(e) => return Err(answer(socket).ok().and_then(Result::err).map_or_else(|| wrote(e), refused)),
    }
    answer(socket).map_err(ConnectionError::lost(device, "write a file", WRITTEN))?.map_err(refused)
}

fn message_header(socket: &mut impl Write, id: &[u8; 4], number: u32) -> io::Result<()> {
    let mut header = [0; 8];
    header[..4].copy_from_slice(id);
    header[4..].copy_from_slice(&number.to_le_bytes());
    socket.write_all(&header)
}

fn message(socket: &mut impl Write, id: &[u8; 4], bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len()).map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    message_header(socket, id, length)?;
    socket.write_all(bytes)
}

/// The phone's verdict on a file; the inner error is its reason.
pub(super) fn answer(socket: &mut impl Read) -> io::Result<Result<(), String>> {
    let mut header = [0; 8];
    exactly(socket, &mut header, WRITTEN)?;
    let length = u32::from_le_bytes([header[4], header[5], header[6], header[7]]) as usize;
    match &header[..4] {
        b"OKAY" => Ok(Ok(())),
        b"FAIL" => {
            let mut reason = vec![0; length.min(CHUNK)];
            exactly(socket, &mut reason, WRITTEN)?;
            Ok(Err(String::from_utf8_lossy(&reason).into_owned()))
        }
        _ => Err(io::Error::new(io::ErrorKind::InvalidData, "neither OKAY nor FAIL")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers() {
        assert_eq!(answer(&mut &b"OKAY\0\0\0\0"[..]).unwrap(), Ok(()));
        assert_eq!(answer(&mut &b"FAIL\x04\0\0\0full"[..]).unwrap(), Err("full".to_string()));
        assert!(answer(&mut &b"FAIL\x05\0\0\0full"[..]).is_err());
        assert!(answer(&mut &b"WHAT\0\0\0\0"[..]).is_err());
    }

    #[test]
    fn messages() {
        let mut bytes = Vec::new();
        message(&mut bytes, b"DATA", b"abc").unwrap();
        assert_eq!(bytes, b"DATA\x03\0\0\0abc");
    }
}
