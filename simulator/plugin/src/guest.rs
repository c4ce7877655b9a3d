//! The program's memory, by the program's own addresses.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of a text that are read at once.
const PART: usize = 256;

/// Reads and writes through the kernel, so that an invalid address is an error and no crash.
pub(crate) struct Guest {
    memory: Option<File>,
    /// What QEMU adds to an address of the program.
    base: AtomicU64,
}

impl Guest {
    pub(crate) fn new() -> Self {
        Self { memory: OpenOptions::new().read(true).write(true).open("/proc/self/mem").ok(), base: AtomicU64::new(0) }
    }

    /// The same byte at the program's address and at QEMU's.
    pub(crate) fn see(&self, guest: u64, host: u64) {
        self.base.store(host.wrapping_sub(guest), Ordering::Relaxed);
    }

    fn host(&self, address: u64) -> u64 {
        address.wrapping_add(self.base.load(Ordering::Relaxed))
    }

    /// Bytes at an address; `None` where nothing can be read.
    pub(crate) fn read<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        let mut bytes = [0; N];
        self.memory.as_ref()?.read_exact_at(&mut bytes, self.host(address)).ok()?;
        Some(bytes)
    }

    /// Text that ends with 0, of so many bytes at most; `None` where it is none.
    pub(crate) fn read_text(&self, address: u64, most: usize) -> Option<String> {
        let mut bytes = vec![0; most];
        // What lies behind its end may be no memory.
        let mut read = 0;
        let end = loop {
            let part =
                self.memory.as_ref()?.read_at(&mut bytes[read..most.min(read + PART)], self.host(address) + read as u64).ok()?;
            if let Some(end) = bytes[read..read + part].iter().position(|byte| *byte == 0) {
                break read + end;
            }
            read += part;
            if part == 0 || read == most {
                return None;
            }
        };
        bytes.truncate(end);
        String::from_utf8(bytes).ok()
    }

    /// Writes bytes; a program that gave a wrong address has got an error from the kernel already.
    pub(crate) fn write(&self, address: u64, bytes: &[u8]) {
        if let Some(memory) = &self.memory {
            let _ = memory.write_all_at(bytes, self.host(address));
        }
    }
}
