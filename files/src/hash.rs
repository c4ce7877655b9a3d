//! SHA-256 as hex digits.

use std::io;
use std::path::Path;

use sha2::{Digest, Sha256};

/// SHA-256 of these bytes: 64 hex digits.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's bytes: 64 hex digits.
///
/// # Errors
/// The file cannot be read.
pub fn sha256_of(path: impl AsRef<Path>) -> io::Result<String> {
    std::fs::read(path).map(sha256)
}

/// Two hex digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_of_nothing_is_the_published_one() {
        assert_eq!(sha256(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
