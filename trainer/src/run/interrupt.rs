//! Ctrl-C: a run ends after the step it is in.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::note;

/// Whether the user has asked to stop.
#[derive(Clone, Debug, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Listens for SIGINT, SIGTERM and SIGHUP. A second signal ends the process at once.
    ///
    /// Where a handler is already installed, this one never fires.
    pub fn listen() -> Self {
        let interrupt = Self::default();
        let flag = interrupt.0.clone();
        let handler = move || {
            if flag.swap(true, Ordering::Relaxed) {
                std::process::exit(130);
            }
            note("\nstopping after this step (press Ctrl-C again to stop at once)");
        };
        if ctrlc::set_handler(handler).is_err() {
            note("note: Ctrl-C cannot be caught here, so it ends the run at once; checkpoints stay complete");
        }
        interrupt
    }

    /// Whether to stop now.
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
