//! The governor of the clock: `performance` while measuring, and as it was before on every exit.
//!
//! Only root may set it. A watchdog (a copy of this process, made before anything else runs in it) waits on a pipe whose other
//! end this process holds: when the agent ends, by itself or by a kill, the kernel closes that end, and the watchdog sets back.

use std::fs;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

use nix::fcntl::OFlag;
use nix::sys::signal::{SigHandler, Signal, signal};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid, dup2_stderr, dup2_stdin, dup2_stdout, fork, pipe2, setsid};

/// The governor that holds the clock at its highest.
const FAST: &str = "performance";

/// Governors that are held; set back when this is dropped.
#[derive(Debug)]
pub struct Governor {
    described: Option<String>,
    watchdog: Option<Watchdog>,
}

#[derive(Debug)]
struct Watchdog {
    /// Closed on drop, or by the kernel.
    alive: Option<OwnedFd>,
    process: Pid,
}

impl Governor {
    /// Reads the governors of these CPUs and, where `hold` says so and the system allows it, sets them to `performance`.
    ///
    /// Must be called while the process has one thread: it is copied.
    pub fn hold(cpus: &[usize], hold: bool) -> Self {
        let file = |cpu: &usize| PathBuf::from(format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_governor"));
        let found: Vec<(PathBuf, String)> =
            cpus.iter().map(file).filter_map(|path| Some((path.clone(), fs::read_to_string(path).ok()?))).collect();
        let names = |found: &[(PathBuf, String)]| {
            let mut names: Vec<_> = found.iter().map(|(_, name)| name.trim()).collect();
            names.dedup();
            names.join(", ")
        };
        let was = (!found.is_empty()).then(|| names(&found));
        let slow: Vec<_> = found.into_iter().filter(|(path, name)| name.trim() != FAST && is_writable(path)).collect();
        if !hold || slow.is_empty() {
            return Self { described: was, watchdog: None };
        }
        // Nothing is set before there is someone who sets it back.
        let Some(watchdog) = Watchdog::start(&slow) else { return Self { described: was, watchdog: None } };
        let set = slow.iter().all(|(path, _)| fs::write(path, FAST).is_ok());
        let described = if set { was.map(|was| format!("{FAST} (was {was})")) } else { was };
        Self { described, watchdog: Some(watchdog) }
    }

    /// What decides on the clock: `interactive`, `performance (was interactive)`.
    pub fn described(&self) -> Option<String> {
        self.described.clone()
    }
}

fn is_writable(path: &PathBuf) -> bool {
    fs::OpenOptions::new().write(true).open(path).is_ok()
}

impl Drop for Governor {
    fn drop(&mut self) {
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.alive.take());
            // Once it is gone, all is as it was.
            let _ = waitpid(watchdog.process, None);
        }
    }
}

impl Watchdog {
    fn start(restore: &[(PathBuf, String)]) -> Option<Self> {
        let (listen, alive) = pipe2(OFlag::O_CLOEXEC).ok()?;
        // SAFETY: the process has one thread (the engine is not loaded yet), so that the copy may do what this one may.
        match unsafe { fork() }.ok()? {
            ForkResult::Parent { child } => Some(Self { alive: Some(alive), process: child }),
            ForkResult::Child => {
                drop(alive);
                watch(listen.into(), restore);
                std::process::exit(0);
            }
        }
    }
}

/// Waits until the agent is gone, then sets back.
fn watch(mut listen: fs::File, restore: &[(PathBuf, String)]) {
    // Away from the terminal's and the connection's signals, and from the agent's output, which would stay open.
    let _ = setsid();
    for ignored in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM, Signal::SIGPIPE] {
        // SAFETY: no handler runs; the signal is ignored.
        let _ = unsafe { signal(ignored, SigHandler::SigIgn) };
    }
    if let Ok(null) = fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = dup2_stdin(&null).and_then(|()| dup2_stdout(&null)).and_then(|()| dup2_stderr(&null));
    }
    let _ = listen.read(&mut [0]);
    for (path, name) in restore {
        // A file that cannot be written any more belongs to a processor that was switched off: its governor is its cluster's.
        let _ = fs::OpenOptions::new().write(true).truncate(true).open(path).and_then(|mut file| file.write_all(name.as_bytes()));
    }
}
