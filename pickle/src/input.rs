//! A pickle's bytes, read one after the other.

use crate::error::PickleFault;
use crate::object::NAME;

/// Bytes, and how far they have been read.
pub struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    /// Nothing has been read before `start`.
    pub fn new(bytes: &'a [u8], start: usize) -> Self {
        Self { bytes, at: start }
    }

    /// Where the next byte stands.
    pub fn position(&self) -> usize {
        self.at
    }

    /// The next bytes, so many.
    pub fn slice(&mut self, length: usize) -> Result<&'a [u8], PickleFault> {
        let slice = self.bytes[self.at..].get(..length).ok_or(PickleFault::Cut)?;
        self.at += length;
        Ok(slice)
    }

    /// The next `N` bytes.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleFault> {
        self.slice(N)?.try_into().map_err(|_| PickleFault::Cut)
    }

    /// A whole number of up to eight bytes, the lowest first.
    pub fn unsigned(&mut self, width: usize) -> Result<usize, PickleFault> {
        Ok(self.slice(width)?.iter().rev().fold(0, |n, &byte| n << 8 | usize::from(byte)))
    }

    /// The next bytes, before which their number stands in `width` bytes.
    pub fn counted(&mut self, width: usize) -> Result<&'a [u8], PickleFault> {
        let length = self.unsigned(width)?;
        self.slice(length)
    }

    /// The text before the next line break, of [`NAME`] bytes at most.
    pub fn line(&mut self) -> Result<&'a str, PickleFault> {
        let rest = &self.bytes[self.at..];
        let within = &rest[..rest.len().min(NAME)];
        let length = within.iter().position(|&b| b == b'\n').ok_or(PickleFault::Cut)?;
        let line = std::str::from_utf8(&within[..length]).map_err(|_| PickleFault::Unfit("a global's name is not UTF-8"))?;
        self.at += length + 1;
        Ok(line)
    }
}
