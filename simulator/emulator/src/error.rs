//! What can go wrong with an emulator.

use std::path::PathBuf;

use crate::trust::Distrust;

/// Why a program cannot be run in simulated time, or its report not be used.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorError {
    /// There is no QEMU.
    #[error("QEMU 7.2 with plugins was not found ({tried}): `profiler setup simulator` fetches it")]
    NoQemu {
        /// Where it was looked for.
        tried: String,
    },
    /// It does not start.
    #[error("{} does not start", path.display())]
    Start {
        /// The program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A QEMU with another plugin API.
    #[error("{} is QEMU {version}, which has another plugin API; QEMU 7.2 is needed: `profiler setup simulator` fetches it", path.display())]
    Version {
        /// The program.
        path: PathBuf,
        /// What it says.
        version: String,
    },
    /// A QEMU that was built without plugins.
    #[error("{} was built without plugins: `profiler setup simulator` fetches one that was built with them", path.display())]
    NoPlugins {
        /// The program.
        path: PathBuf,
    },
    /// There is no plugin.
    #[error(
        "the simulator's plugin was not found ({tried}): an installed profiler contains it; in a clone of the project scripts/setup-simulator.sh builds it"
    )]
    NoPlugin {
        /// Where it was looked for.
        tried: String,
    },
    /// A program that is none for aarch64 Linux.
    #[error("{} is not a program for aarch64 Linux: {found}", path.display())]
    Program {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: String,
    },
    /// A program that needs a loader which is not there.
    #[error("{} needs the loader {loader}, which was not found; give --sysroot, the folder that holds it and the program's libraries", path.display())]
    NoLoader {
        /// The program.
        path: PathBuf,
        /// Its loader.
        loader: String,
    },
    /// A file cannot be read or written.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A signal ended the program.
    #[error("{} was ended by signal {signal} ({}) before it reported a time", program.display(), signal_name(*signal))]
    Signal {
        /// The program.
        program: PathBuf,
        /// The signal's number.
        signal: i32,
    },
    /// It executed an instruction that the core does not have.
    #[error(
        "{} executes an instruction that {core} does not have: {word:08x} at {address:#x}, {feature}; build the program for {core} \
         ({features})",
        program.display()
    )]
    Lacking {
        /// The program.
        program: PathBuf,
        /// The core.
        core: String,
        /// What it has.
        features: String,
        /// The instruction.
        word: u32,
        /// Its address.
        address: u64,
        /// The extension that it belongs to.
        feature: simulator::Feature,
    },
    /// The program ended without a report.
    #[error("the program ended without a report of its simulated time: it crashed, or was ended from outside")]
    NoReport,
    /// The report is not in order.
    #[error("the simulator's report cannot be read")]
    Report(#[source] serde_json::Error),
    /// The result must not be used.
    #[error(transparent)]
    Distrust(#[from] Distrust),
}

impl EmulatorError {
    /// Whether the program that was named is at fault from the start, and not how it or the emulator runs.
    pub fn is_by_user(&self) -> bool {
        matches!(self, Self::Program { .. } | Self::NoLoader { .. } | Self::File { .. })
    }

    pub(crate) fn file(action: &'static str, path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { action, path: path.to_owned(), source }
    }
}

/// Signals that programs end by; numbers are those of Linux.
fn signal_name(signal: i32) -> &'static str {
    match signal {
        4 => "illegal instruction",
        6 => "it aborted",
        7 | 11 => "it accessed invalid memory",
        8 => "arithmetic fault",
        9 => "it was killed; memory may have run out",
        2 | 15 => "it was interrupted or terminated",
        _ => "see signal(7)",
    }
}
