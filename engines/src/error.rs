//! What can go wrong with an engine.

use std::path::PathBuf;

use crate::library::LibraryError;

/// What can go wrong with an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine's library is missing or cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// An engine that this program was built without.
    #[error("this program was built without {engine}; {remedy}")]
    NotBuilt {
        /// The engine's name on the command line.
        engine: &'static str,
        /// How to get a program that holds it.
        remedy: &'static str,
    },
    /// A library for an engine that is compiled in.
    #[error("{engine} is part of the program and needs no library: leave out --engine-lib {path}")]
    NoLibrary {
        /// The engine's name on the command line.
        engine: &'static str,
        /// What was named.
        path: PathBuf,
    },
    /// More threads than the engine runs in.
    #[error("{engine} runs in one thread, not in {asked}: use --threads 1")]
    Threads {
        /// The engine's name.
        engine: &'static str,
        /// What was asked for.
        asked: usize,
    },
    /// Another number of threads than that of the pool that all sessions share.
    #[error("{engine}'s sessions in one process share one pool of {threads} thread(s); a model for {asked} needs another process")]
    Pool {
        /// The engine's name.
        engine: &'static str,
        /// Threads of the pool.
        threads: usize,
        /// What was asked for.
        asked: usize,
    },
    /// The engine itself does not start.
    #[error("{engine} does not start: {reason}")]
    Start {
        /// The engine's name.
        engine: &'static str,
        /// What it says.
        reason: String,
    },
    /// The engine refuses a model.
    #[error("{engine} cannot load the model: {reason}")]
    Load {
        /// The engine's name.
        engine: &'static str,
        /// What it says.
        reason: String,
    },
    /// An input or output is not what this program can feed or read.
    #[error("the model's {port} is {found}; {engine} takes {takes} only")]
    Unsupported {
        /// The engine's name.
        engine: &'static str,
        /// `input 'x'` or `output 'y'`.
        port: String,
        /// What it is.
        found: String,
        /// What it can be instead.
        takes: &'static str,
    },
    /// Values that do not fit the model's inputs.
    #[error("the inputs do not fit the model: {0}")]
    Inputs(String),
    /// Run or read before there was anything to run on.
    #[error("the session has been given no inputs, or has not run on them")]
    NoInputs,
    /// The engine fails while it runs.
    #[error("{engine} failed: {reason}")]
    Run {
        /// The engine's name.
        engine: &'static str,
        /// What it says.
        reason: String,
    },
}
