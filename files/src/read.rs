//! Reading a file no further than needed.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// The first `most` bytes of a file, or all where it has fewer. A caller with a limit asks for one byte more, to see that a file exceeds it.
///
/// # Errors
/// The file cannot be read.
pub fn read_start(path: impl AsRef<Path>, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_was_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("five");
        std::fs::write(&path, "12345").unwrap();
        assert_eq!(read_start(&path, 4).unwrap(), b"1234");
        assert_eq!(read_start(&path, 6).unwrap(), b"12345");
        assert!(read_start(folder.path().join("none"), 6).is_err());
    }
}
