//! Lines of a raw file, and what can be wrong with them.

use std::io::{self, BufRead, Read};

/// Longest line read.
const LINE_LIMIT: u64 = 1 << 20;

/// What is wrong with a file.
pub enum Fault {
    /// It cannot be read.
    Io(io::Error),
    /// It says what it must not.
    Said(String),
}

impl Fault {
    /// In that line.
    pub fn at(number: u64, reason: impl std::fmt::Display) -> Self {
        Self::Said(format!("line {number}: {reason}"))
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        // What the decoder says of a file's bytes is the file's fault, and not the disk's.
        match error.kind() {
            io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => Self::Said(format!("is damaged: {error}")),
            io::ErrorKind::UnexpectedEof => Self::Said("is truncated".to_string()),
            _ => Self::Io(error),
        }
    }
}

/// The next whole line; `None` where there is none.
pub(super) fn line(input: &mut impl BufRead, number: u64) -> Result<Option<Vec<u8>>, Fault> {
    let mut line = Vec::new();
    input.take(LINE_LIMIT).read_until(b'\n', &mut line)?;
    match line.last() {
        Some(b'\n') => Ok(Some(line)),
        _ if line.len() as u64 == LINE_LIMIT => Err(Fault::at(number, "it is too long")),
        _ => Ok(None),
    }
}
