//! What can go wrong on the host, and the exit codes.

use std::path::{Path, PathBuf};

use engines::mnn::convert::ConvertError;

use crate::devices::TransportError;

/// Why a command did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Something given on the command line makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The search space.
    #[error(transparent)]
    Space(#[from] blocks::SpaceError),
    /// A latency table.
    #[error(transparent)]
    Table(#[from] luts::TableError),
    /// NNI's table.
    #[error(transparent)]
    Nni(#[from] luts::nni::NniError),
    /// The table has no figure for a network.
    #[error("the table does not serve")]
    Lookup(#[from] luts::LookupError),
    /// A file.
    #[error("cannot {verb} {path}")]
    File {
        /// What was tried.
        verb: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A raw sample file that cannot be used.
    #[error("{path}: {reason}")]
    Raw {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A file that another command writes.
    #[error("{path} is being written by {holder}: wait until it has ended, or give another file")]
    Reserved {
        /// The file.
        path: PathBuf,
        /// Who writes it: process, command, since when.
        holder: String,
    },
    /// A block that cannot be written or computed: a fault of this program.
    #[error("cannot prepare '{id}': {reason}")]
    Prepare {
        /// The item.
        id: String,
        /// Why.
        reason: String,
    },
    /// The engine's library.
    #[error(transparent)]
    Engine(#[from] engines::EngineError),
    /// A user's model that is not what it should be.
    #[error(transparent)]
    Model(#[from] blocks::onnx::FileError),
    /// A user's model that the engine on the device refuses.
    #[error("{device}: {reason}")]
    Refused {
        /// The device.
        device: String,
        /// What the agent said.
        reason: String,
    },
    /// A simulated chip.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Chip(#[from] simulator::ChipError),
    /// What simulates it.
    #[cfg(not(target_os = "android"))]
    #[error(transparent)]
    Emulator(#[from] emulator::EmulatorError),
    /// A model that is not ONNX for the engine.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// The device.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The connection to the device broke while it measured.
    #[error("{}{}", chain(.trouble.as_ref()), kept(.raw.as_ref()))]
    Broken {
        /// How.
        trouble: Box<TransportError>,
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
    /// The agent said that it cannot go on.
    #[error("{device}: {reason}{}", kept(.raw.as_ref()))]
    Agent {
        /// The device.
        device: String,
        /// What it said.
        reason: String,
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
    /// Too little to make a table of.
    #[error("too few good samples of {}; {advice}{}", .ids.join(", "), kept(.raw.as_ref()))]
    TooFew {
        /// Items with too few.
        ids: Vec<String>,
        /// What to do.
        advice: String,
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
    /// The figures make no table.
    #[error("the measured figures make no table:{}{}", .faults.iter().map(|f| format!("\n  {f}")).collect::<String>(), kept(Some(&Kept::of_build(.raw))))]
    Faults {
        /// What is wrong.
        faults: Vec<luts::Fault>,
        /// Where the samples are.
        raw: PathBuf,
    },
    /// A table of another device or engine than what is measured.
    #[error(
        "{path} is not a table of this device and engine:{}\nNothing was written. `profiler build` measures a table of this device; \
         --other-device compares with this one all the same, and leaves its header as it is",
        .differences.iter().map(|line| format!("\n  {line}")).collect::<String>()
    )]
    OtherDevice {
        /// The table.
        path: PathBuf,
        /// In what they differ, a line each.
        differences: Vec<String>,
    },
    /// Standard output takes no more.
    #[error("cannot write to standard output")]
    Output(#[source] std::io::Error),
    /// A check that was run and failed.
    #[error("{0}")]
    CheckFailed(String),
    /// A check under conditions that allow no verdict.
    #[error(
        "the check was disturbed, so that it gives no verdict and the table's header stays as it is:{}\nend what else runs on the device \
         and check again",
        .reasons.iter().map(|r| format!("\n  {r}")).collect::<String>()
    )]
    Disturbed {
        /// What disturbed it.
        reasons: Vec<String>,
    },
    /// Ctrl-C.
    #[error("interrupted{}", kept(.raw.as_ref()))]
    Interrupted {
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
}

/// A file that holds the samples so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The file.
    pub path: PathBuf,
    /// Whether the command can go on with them.
    pub resumes: bool,
}

impl Kept {
    /// Of a build, which can.
    pub fn of_build(path: &Path) -> Self {
        Self { path: path.to_path_buf(), resumes: true }
    }
}

fn kept(raw: Option<&Kept>) -> String {
    let Some(Kept { path, resumes }) = raw else { return String::new() };
    let next = if *resumes { "; --resume goes on from there" } else { "" };
    format!("\nthe samples so far are kept in {}{next}", path.display())
}

impl HostError {
    /// For `map_err` on file operations.
    pub fn file(verb: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::File { verb, path: path.to_path_buf(), source }
    }

    /// The converter's refusal, of the user's file and not of the copy that it was given.
    #[must_use]
    pub fn of_model(self, file: &Path) -> Self {
        match self {
            Self::Convert(ConvertError::Refused { said, .. }) => ConvertError::Refused { path: file.to_path_buf(), said }.into(),
            other => other,
        }
    }

    /// 1: a check failed; 2: bad usage or input; 3: device trouble; 4: another device or engine than the table's; 5: a check was disturbed;
    /// 130: interrupted.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::CheckFailed(_) => 1,
            Self::Disturbed { .. } => 5,
            Self::Transport(e) if e.is_by_user() => 2,
            Self::Agent { .. }
            | Self::Broken { .. }
            | Self::Transport(_)
            | Self::TooFew { .. }
            | Self::Faults { .. }
            | Self::Engine(_) => 3,
            #[cfg(not(target_os = "android"))]
            Self::Emulator(e) if !e.is_by_user() => 3,
            Self::OtherDevice { .. } => 4,
            Self::Convert(ConvertError::Refused { .. }) => 2,
            Self::Convert(_) => 3,
            Self::Interrupted { .. } => 130,
            _ => 2,
        }
    }

    /// The error and its causes, one behind the other.
    pub fn chain(&self) -> String {
        chain(self)
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(e) = cause {
        let part = e.to_string();
        if !text.ends_with(&part) {
            text += &format!(": {part}");
        }
        cause = e.source();
    }
    text
}
