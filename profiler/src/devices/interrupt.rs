//! Ctrl-C (and SIGTERM, SIGHUP) as a flag, so that what was measured is kept.

use std::sync::atomic::{AtomicBool, Ordering};

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// From now on an interruption sets the flag instead of ending the process.
pub fn catch() {
    // A second handler cannot be set; then the first one is there already.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
}

/// Whether the user wants it to end.
pub fn requested() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}
