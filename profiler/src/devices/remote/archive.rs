//! Many files in one stream, which the device's own `tar` unpacks: a file by itself costs round trips, and over ssh a process.

use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use files::FileError;
use tar::{Builder, Header};
use terminal::quote;

use super::error::ConnectionError;
use super::running::{Packet, Put, Running};
use super::shell::Shell;

/// Bytes that are sent at once.
const CHUNK: usize = 64 << 10;
/// How long the device may take to have the last files on its flash.
const WRITTEN: Duration = Duration::from_secs(60);

/// Sends files into a folder of the device, all below it; `false` where the device's `tar` fails.
///
/// # Errors
/// [`ConnectionError::File`] where a file of the host cannot be read, or trouble with the connection.
pub(super) fn send(shell: &mut dyn Shell, folder: &str, files: &[Put]) -> Result<bool, ConnectionError> {
    let device = shell.name();
    let mut running = shell.start(&format!("cd {} && tar -xf -", quote(folder)))?;
    let mut input = Input { running: running.as_mut(), broken: None };
    let packed = pack(&mut input, folder, files);
    let broken = input.broken.take();
    running.end();
    if let (Err(e), None) = (packed, &broken) {
        return Err(e.into());
    }
    match (ended(running.as_mut(), &device), broken) {
        // A command that has given up takes no more.
        (Ok(code), _) if code != 0 => Ok(false),
        (_, Some(broken)) => Err(broken),
        (ended, None) => ended.map(|_| true),
    }
}

/// Writes the archive.
fn pack(input: &mut Input, folder: &str, files: &[Put]) -> Result<(), FileError> {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let mut archive = Builder::new(BufWriter::with_capacity(CHUNK, input));
    for put in files {
        let fail = || FileError::new("cannot send", &put.from);
        let file = put.open()?;
        let mut header = Header::new_gnu();
        header.set_size(file.metadata().map_err(fail())?.len());
        header.set_mode(put.mode());
        header.set_mtime(now.as_secs());
        let name = Path::new(&put.to).strip_prefix(folder).unwrap_or(Path::new(&put.to));
        archive.append_data(&mut header, name, file).map_err(fail())?;
    }
    let end = || FileError::new("cannot send", Path::new(folder));
    archive.into_inner().map_err(end())?.flush().map_err(end())
}

/// The command's exit code.
fn ended(running: &mut dyn Running, device: &str) -> Result<i32, ConnectionError> {
    let began = Instant::now();
    while began.elapsed() < WRITTEN {
        if let Some(Packet::Exit(code)) = running.next(Duration::from_millis(100))? {
            return Ok(code);
        }
    }
    Err(ConnectionError::TimedOut { device: device.to_string(), what: "unpack files", seconds: WRITTEN.as_secs() })
}

/// A command's standard input as a writer.
struct Input<'a> {
    running: &'a mut dyn Running,
    /// What broke the connection.
    broken: Option<ConnectionError>,
}

impl Write for Input<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Archive and buffer try again when they are dropped.
        if self.broken.is_some() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        match self.running.write(bytes) {
            Ok(()) => Ok(bytes.len()),
            Err(e) => {
                self.broken = Some(e);
                Err(io::ErrorKind::BrokenPipe.into())
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
