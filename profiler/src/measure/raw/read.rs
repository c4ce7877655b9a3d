//! Reading raw files, finished or not.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use files::FileError;
use flate2::bufread::MultiGzDecoder;

use super::error::RawError;
use super::lines::{Fault, line};
use super::{Request, Samples, packed};
use crate::protocol::Event;

/// Most lines read.
const LINES: u64 = 20_000_000;
/// A file that unpacks to more than this many times its size, and more than that many bytes, is damaged or meant to fill the memory.
/// None is written that does.
pub const RATIO: u64 = 16;
const SMALL: u64 = 64 << 10;

/// Reads a raw file's request and samples.
///
/// # Errors
/// [`RawError::File`], or [`RawError::Content`] with what cannot be used.
pub fn read(path: &Path) -> Result<(Request, Samples), RawError> {
    let (file, size) = open(path)?;
    read_from(file, size, path)
}

/// Reads a raw file's request alone.
///
/// # Errors
/// As [`read`], of its first line.
pub fn request(path: &Path) -> Result<Request, RawError> {
    let (file, size) = open(path)?;
    unpacked(file, size).and_then(|mut input| first(&mut input)).map_err(|fault| error(fault, path))
}

/// [`read`] from any source of so many bytes; `path` stands in the errors.
///
/// # Errors
/// As [`read`].
pub fn read_from(input: impl BufRead, size: u64, path: &Path) -> Result<(Request, Samples), RawError> {
    let mut samples = Samples::default();
    let request = events(input, size, path, &mut |event| samples.add(&event))?;
    Ok((request, samples))
}

/// Opens a file; gives its size too.
pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64), RawError> {
    let file = File::open(path).map_err(FileError::new("cannot read", path))?;
    let size = file.metadata().map_err(FileError::new("cannot read", path))?.len();
    Ok((BufReader::new(file), size))
}

/// Takes the request and all events from a file.
///
/// # Errors
/// As [`read`]; what `each` has against an event is told with the place.
pub(super) fn events(
    input: impl BufRead,
    size: u64,
    path: &Path,
    each: &mut dyn FnMut(Event) -> Result<(), String>,
) -> Result<Request, RawError> {
    unpacked(input, size).and_then(|input| whole(input, each)).map_err(|fault| error(fault, path))
}

/// What is wrong with that file.
fn error(fault: Fault, path: &Path) -> RawError {
    match fault {
        Fault::Io(source) => FileError::new("cannot read", path)(source).into(),
        Fault::Said(reason) => RawError::Content { path: path.to_path_buf(), reason },
    }
}

/// The file's bytes, decompressed where they are compressed.
pub(super) fn unpacked<'a>(mut input: impl BufRead + 'a, size: u64) -> Result<Box<dyn BufRead + 'a>, Fault> {
    if !input.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(input));
    }
    let left = (RATIO * size).max(SMALL);
    Ok(Box::new(BufReader::new(Bounded { input: MultiGzDecoder::new(input), left })))
}

/// The first line.
fn first(input: &mut impl BufRead) -> Result<Request, Fault> {
    let line = line(input, 1)?.ok_or_else(|| Fault::Said("is empty".to_string()))?;
    serde_json::from_slice(&line).map_err(|e| Fault::Said(format!("is not a raw sample file: line 1: {e}")))
}

fn whole(mut input: impl BufRead, each: &mut dyn FnMut(Event) -> Result<(), String>) -> Result<Request, Fault> {
    let request = first(&mut input)?;
    for number in 2..=LINES {
        // A line that was cut off is the last one: what wrote it was killed.
        let Some(text) = line(&mut input, number)? else { break };
        if number == 2 && text.starts_with(packed::MARK) {
            packed::read(&text, input, each)?;
            break;
        }
        let event = serde_json::from_slice(&text).map_err(|e| Fault::at(number, e))?;
        each(event).map_err(|reason| Fault::at(number, reason))?;
    }
    Ok(request)
}

/// Gives at most so many bytes.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.input.read(into)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => {
                return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it unpacks to more than {RATIO} times its size")));
            }
        }
        Ok(count)
    }
}
