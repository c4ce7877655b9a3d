//! Reads of a known length, within a time: a socket's own limit starts again with each byte that comes.

use std::io::{self, ErrorKind, Read};
use std::time::{Duration, Instant};

/// Fills the buffer.
///
/// # Errors
/// As the source says; [`ErrorKind::TimedOut`] where the whole takes longer than `limit`.
pub fn exactly(source: &mut impl Read, mut buffer: &mut [u8], limit: Duration) -> io::Result<()> {
    let began = Instant::now();
    while !buffer.is_empty() {
        if began.elapsed() > limit {
            return Err(ErrorKind::TimedOut.into());
        }
        match source.read(buffer) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(read) => buffer = &mut buffer[read..],
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte now and then.
    struct Slow(Duration);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            std::thread::sleep(self.0);
            buffer[0] = b'x';
            Ok(1)
        }
    }

    #[test]
    fn a_byte_now_and_then_is_not_waited_for() {
        let read = |length: usize, limit| exactly(&mut Slow(Duration::from_millis(1)), &mut vec![0; length], limit);
        assert_eq!(read(1 << 20, Duration::from_millis(20)).unwrap_err().kind(), ErrorKind::TimedOut);
        assert!(read(3, Duration::from_secs(60)).is_ok());
        assert_eq!(exactly(&mut &b"ab"[..], &mut [0; 3], Duration::from_secs(60)).unwrap_err().kind(), ErrorKind::UnexpectedEof);
    }
}
