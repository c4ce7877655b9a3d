//! The lines of rows, handed to the CSV reader one at a time.

use std::io::{self, BufRead, Read};

use super::END;

/// Longest line, in bytes.
const LINE_LIMIT: usize = 4096;

/// The lines of rows, without comments and empty lines. After `# end` nothing may follow. Whatever is wrong with a line itself is an
/// [`io::ErrorKind::InvalidData`].
pub struct RowLines<R> {
    input: R,
    /// The current line, and how much of it was handed out.
    line: Vec<u8>,
    handed: usize,
    /// Its number in the file, from 1.
    pub number: u64,
    /// Whether the last line was there.
    pub ended: bool,
    /// Whether a record has begun on the current line. Only a quote that is not closed makes a record go on behind its line; then all the
    /// rest of the file would be one field. A caller that has read a whole record sets this to false.
    pub in_record: bool,
}

impl<R: BufRead> RowLines<R> {
    /// The lines of `input`, of whose file that many lines were read already.
    pub fn new(input: R, before: u64) -> Self {
        Self { input, line: Vec::new(), handed: 0, number: before, ended: false, in_record: false }
    }

    /// Goes to the next line of a row; false at the end of the file.
    fn advance(&mut self) -> io::Result<bool> {
        loop {
            self.line.clear();
            self.handed = 0;
            if self.input.by_ref().take(LINE_LIMIT as u64 + 1).read_until(b'\n', &mut self.line)? == 0 {
                return Ok(false);
            }
            self.number += 1;
            if self.line.len() > LINE_LIMIT {
                return Err(invalid(format!("line {} is longer than {LINE_LIMIT} bytes", self.number)));
            }
            let length = self.line.trim_ascii_end().len();
            self.line.truncate(length);
            match self.line.first() {
                None => {}
                Some(_) if self.ended => return Err(invalid(format!("text follows its last line '{END}'"))),
                Some(b'#') => self.ended = self.line == END.as_bytes(),
                Some(_) => {
                    self.line.push(b'\n');
                    return Ok(true);
                }
            }
        }
    }
}

impl<R: BufRead> Read for RowLines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.handed == self.line.len() {
            if self.in_record {
                return Err(invalid(format!("line {}: a quote (\") is not closed", self.number)));
            }
            if !self.advance()? {
                return Ok(0);
            }
            self.in_record = true;
        }
        let count = (&self.line[self.handed..]).read(buffer)?;
        self.handed += count;
        Ok(count)
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
