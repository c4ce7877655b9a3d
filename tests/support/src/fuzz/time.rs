//! The time that a reader takes: its own thread's, so that a busy machine makes no reader slow.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

use super::memory;

/// What this thread has computed so far.
pub fn computed() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}

/// How often it is looked whether a reader has come back. A process that is stopped for hours does not look meanwhile: time alone would
/// take it for one that hangs.
const LOOK: Duration = Duration::from_secs(1);

/// Ends the test where a reader does not come back: such a thread can be ended in no other way.
pub struct Watchdog {
    files: Option<Sender<Vec<u8>>>,
    thread: Option<JoinHandle<()>>,
}

impl Watchdog {
    /// Waits two minutes for the reader `name`; `BLOCKTIME_FUZZ_SECONDS` says otherwise.
    pub fn start(name: &str) -> Self {
        let seconds = std::env::var("BLOCKTIME_FUZZ_SECONDS").map_or(120, |n| n.parse().expect("a number of seconds"));
        let (files, received) = mpsc::channel::<Vec<u8>>();
        let name = name.to_string();
        let thread = std::thread::spawn(move || {
            let (mut last, mut looks) = (Vec::new(), 0);
            loop {
                match received.recv_timeout(LOOK) {
                    Ok(file) => (last, looks) = (file, 0),
                    Err(RecvTimeoutError::Disconnected) => return,
                    Err(RecvTimeoutError::Timeout) if looks < seconds => looks += 1,
                    Err(RecvTimeoutError::Timeout) => {
                        eprintln!("the reader '{name}' has not come back for {seconds} s: {}", memory::keep(&last).display());
                        std::process::abort();
                    }
                }
            }
        });
        Self { files: Some(files), thread: Some(thread) }
    }

    /// Another file is about to be read.
    pub fn next(&self, file: &[u8]) {
        if let Some(files) = &self.files {
            // It listens until it is dropped.
            let _ = files.send(file.to_vec());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.files.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
