//! Bytes of picture files, kept up to a limit.

use crate::error::{FacesError, Result};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Files' bytes, as compressed as on disk, kept after their first reading until a limit is reached.
///
/// Decoding is cheap beside a training step, decoded pictures take ten times the memory.
pub struct Store {
    kept: Vec<OnceLock<Box<[u8]>>>,
    bytes: AtomicUsize,
    limit: usize,
}

impl Store {
    /// A store of `count` files that keeps at most about `limit` bytes.
    pub fn new(count: usize, limit: usize) -> Self {
        Self { kept: (0..count).map(|_| OnceLock::new()).collect(), bytes: AtomicUsize::new(0), limit }
    }

    /// Calls `with` on the bytes of file `index`, which is at `path`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn with<T>(&self, index: usize, path: &Path, with: impl FnOnce(&[u8]) -> T) -> Result<T> {
        if let Some(bytes) = self.kept[index].get() {
            return Ok(with(bytes));
        }
        let bytes = std::fs::read(path).map_err(FacesError::io("cannot read the picture", path))?.into_boxed_slice();
        let value = with(&bytes);
        if self.bytes.fetch_add(bytes.len(), Ordering::Relaxed) < self.limit {
            // Another thread may have kept it meanwhile: then these bytes are dropped.
            let _ = self.kept[index].set(bytes);
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_not_read_again_and_the_limit_holds() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a", "b"].map(|name| folder.path().join(name));
        for path in &paths {
            std::fs::write(path, b"first").unwrap();
        }
        let store = Store::new(2, 5);
        let read = |index: usize| store.with(index, &paths[index], <[u8]>::to_vec).unwrap();
        assert_eq!((read(0), read(1)), (b"first".to_vec(), b"first".to_vec()));
        for path in &paths {
            std::fs::write(path, b"second").unwrap();
        }
        assert_eq!((read(0), read(1)), (b"first".to_vec(), b"second".to_vec()));
    }
}
