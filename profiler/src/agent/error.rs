//! Why the agent gives up.

use std::io;
use std::path::PathBuf;

use engines::EngineError;

use super::cpu_lock::Busy;
use crate::protocol::{Job, PROTOCOL};

/// Why the agent gives up.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The job cannot be read.
    #[error("cannot read {path}: {reason}")]
    Job {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A job for another version.
    #[error("host and agent have different versions (protocol {found} and {PROTOCOL}): build the agent again")]
    Protocol {
        /// The job's.
        found: u32,
    },
    /// The engine.
    #[error(transparent)]
    Engine(EngineError),
    /// An engine of another build.
    #[error("{0}")]
    UnknownEngine(String),
    /// The engine refuses a model or fails at it.
    #[error("the engine cannot load '{id}': {source}")]
    Model {
        /// The item.
        id: String,
        /// What the engine says.
        source: EngineError,
    },
    /// The engine fails at a user's model, which was given values that were made up.
    #[error(
        "the engine failed to run '{id}': {source}. The values of {inputs} are random; if the model needs real ones, give them with \
         --input NAME=FILE.npy"
    )]
    MadeUp {
        /// The item.
        id: String,
        /// What the engine says.
        source: Box<EngineError>,
        /// What was made up.
        inputs: String,
    },
    /// There is nothing that a model could be given.
    #[error("'{id}' cannot be run: {reason}")]
    Inputs {
        /// The item.
        id: String,
        /// Why not.
        reason: String,
    },
    /// A file of an item cannot be used.
    #[error("cannot read {file} of '{id}': {reason}")]
    File {
        /// The item.
        id: String,
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// A fast wrong answer.
    #[error("the engine computes '{id}' wrongly: {reason}")]
    Wrong {
        /// The item.
        id: String,
        /// How it differs.
        reason: String,
    },
    /// The CPUs asked for cannot be used.
    #[error("cannot pin to CPUs {cpus:?}: {reason}")]
    Affinity {
        /// Those asked for.
        cpus: Vec<usize>,
        /// Why.
        reason: String,
    },
    /// More threads than CPUs.
    #[error("{}", crowded(*.threads, *.cpus))]
    Threads {
        /// Threads of the engine.
        threads: usize,
        /// CPUs for them.
        cpus: usize,
    },
    /// Another measurement.
    #[error("CPU {} is in use by another measurement ({}): wait for it, or choose other CPUs with --cpus", .0.cpu, .0.holder)]
    Busy(Busy),
    /// The host no longer reads what the agent writes.
    #[error("lost the connection to the host")]
    Output(#[source] io::Error),
}

impl AgentError {
    /// The item at fault, if it is one.
    pub(super) fn item(&self) -> Option<String> {
        match self {
            Self::Model { id, .. }
            | Self::MadeUp { id, .. }
            | Self::Inputs { id, .. }
            | Self::File { id, .. }
            | Self::Wrong { id, .. } => Some(id.clone()),
            _ => None,
        }
    }

    /// Whether a user's model, or what it is given, is at fault: one without stated outputs.
    pub(super) fn is_by_user(&self, job: Option<&Job>) -> bool {
        let refused = matches!(self, Self::Model { .. } | Self::MadeUp { .. } | Self::Inputs { .. });
        let item = self.item().and_then(|id| job?.items.iter().find(|item| item.id == id));
        refused && item.is_some_and(|item| item.expected.is_empty())
    }
}

/// Why that many threads on so few CPUs are refused.
pub(crate) fn crowded(threads: usize, cpus: usize) -> String {
    format!("{threads} threads, but only {cpus} CPU(s): use --threads {cpus}, or --oversubscribe to measure it anyway")
}
