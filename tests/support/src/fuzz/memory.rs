//! The memory that a reader takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::path::PathBuf;
use std::ptr;
use std::slice;

/// Memory at which a test ends at once, before it takes the machine with it.
const LIMIT: isize = 1 << 30;

thread_local! {
    /// Bytes in use and their peak since the watch began, on this thread.
    static USED: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
    /// The file that is being read; empty while memory is not watched.
    static FILE: Cell<*const [u8]> = const { Cell::new(ptr::slice_from_raw_parts(ptr::null(), 0)) };
}

/// The system's allocator, watched. A test declares it: `#[global_allocator] static ALLOCATOR: Watched = Watched;`
pub struct Watched;

// SAFETY: all calls are passed on to the system's allocator as they are.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size() as isize);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size as isize - layout.size() as isize);
        unsafe { System.realloc(memory, layout, size) }
    }
}

fn count(change: isize) {
    let used = USED.get() + change;
    USED.set(used);
    PEAK.set(PEAK.get().max(used));
    let file = FILE.get();
    if used > LIMIT && !file.is_null() {
        FILE.set(ptr::slice_from_raw_parts(ptr::null(), 0));
        // SAFETY: `watch` borrows the file for as long as it is set.
        let path = keep(unsafe { slice::from_raw_parts(file.cast(), file.len()) });
        eprintln!("a reader takes {used} bytes of memory: {}", path.display());
        std::process::abort();
    }
}

/// Runs `f`, which reads `file`, and gives the largest memory it had in use at once.
pub fn watch<T>(file: &[u8], f: impl FnOnce() -> T) -> (T, usize) {
    FILE.set(file);
    USED.set(0);
    PEAK.set(0);
    let result = f();
    FILE.set(ptr::slice_from_raw_parts(ptr::null(), 0));
    (result, PEAK.get().max(0) as usize)
}

/// Keeps a file for people to look at.
pub fn keep(bytes: &[u8]) -> PathBuf {
    let path = std::env::temp_dir().join(format!("blocktime-fuzz-{}-{}", std::process::id(), bytes.len()));
    if let Err(e) = std::fs::write(&path, bytes) {
        eprintln!("the damaged file cannot be kept: {e}");
    }
    path
}
