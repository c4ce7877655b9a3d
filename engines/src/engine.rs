//! What every engine can do.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::kind::{Delivery, EngineKind};
use crate::library::LibraryError;
use crate::value::{self, Port, Value};

/// An engine that is open and ready to load models.
pub trait Engine {
    /// What it is: goes into every table and report.
    fn info(&self) -> &EngineInfo;

    /// Makes a model ready.
    ///
    /// `model` holds the bytes of a file of the engine's [format](EngineKind::format) whose inputs are all tensors of numbers.
    ///
    /// # Errors
    /// [`EngineError::Load`] where the engine refuses the model, [`EngineError::Unsupported`] where an input is nothing that can be
    /// given.
    fn load(&self, model: &[u8], options: &SessionOptions) -> Result<Box<dyn Session>, EngineError>;
}

/// A model made ready in an engine.
///
/// The order of calls is [`feed`](Self::feed), any number of [`run`](Self::run), then [`results`](Self::results). An engine may
/// reuse the inputs' memory for other things only if it restores them: every run sees the same inputs.
pub trait Session {
    /// The model's inputs, in its order; by name in an engine that does not keep it ([`EngineKind::ports_by_name`]).
    fn inputs(&self) -> &[Port];

    /// The model's outputs, in its order; by name in an engine that does not keep it.
    fn outputs(&self) -> &[Port];

    /// Hands over the values of all inputs, in the order of [`inputs`](Self::inputs).
    ///
    /// # Errors
    /// [`EngineError::Inputs`] where their number, a type or a shape does not fit.
    fn feed(&mut self, values: &[Value]) -> Result<(), EngineError>;

    /// Runs the model once on the inputs handed over last. Nothing but the engine's own run happens here: this is what is timed.
    ///
    /// # Errors
    /// [`EngineError::NoInputs`] before the first [`feed`](Self::feed); [`EngineError::Run`] where the engine fails.
    fn run(&mut self) -> Result<(), EngineError>;

    /// The outputs of the last run, in the order of [`outputs`](Self::outputs), with the shapes that came out; `None` for one that is no
    /// tensor of numbers.
    ///
    /// # Errors
    /// [`EngineError::NoInputs`] before the first run.
    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError>;

    /// [`feed`](Self::feed) for float32, each input row-major. Where the model leaves its batch open, the number of values decides the
    /// batch, which must be the same for all inputs.
    ///
    /// # Errors
    /// [`EngineError::Inputs`] where the number of inputs or of values does not fit.
    fn set_inputs(&mut self, values: &[Vec<f32>]) -> Result<(), EngineError> {
        let values = value::floats(self.inputs(), values)?;
        self.feed(&values)
    }

    /// [`results`](Self::results) as float32, each row-major; empty for what is no tensor of numbers.
    ///
    /// # Errors
    /// As [`results`](Self::results).
    fn read_outputs(&mut self) -> Result<Vec<Vec<f32>>, EngineError> {
        Ok(self.results()?.iter().map(|value| value.as_ref().map(Value::to_floats).unwrap_or_default()).collect())
    }
}

/// What an engine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EngineInfo {
    /// Its name in tables: `onnxruntime`, `tract`, `mnn`.
    pub name: String,
    /// Its version, as it says itself: `1.32.0`.
    pub version: String,
    /// The precision that it was told to compute in, by its own name for it, where it can be told one.
    pub precision: Option<String>,
    /// The shared library it came from, where it came from one.
    pub library: Option<PathBuf>,
    /// SHA-256 of that file, in hex.
    pub library_sha256: Option<String>,
    /// How it was built, where it is part of this program: its sources and their hash, options, target, compiler. The same for all
    /// programs that hold the same engine.
    pub build: Option<String>,
}

impl fmt::Display for EngineInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// How a model is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOptions {
    /// Threads within one operation; operations always run one after the other.
    pub threads: NonZeroUsize,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN }
    }
}

impl EngineKind {
    /// Checks that no library is named for an engine that has none.
    ///
    /// # Errors
    /// [`EngineError::NoLibrary`] where one is.
    pub fn check_library(self, named: Option<&Path>) -> Result<(), EngineError> {
        match (self.entry().delivery, named) {
            (Delivery::SharedLibrary, _) | (Delivery::InAgent, None) => Ok(()),
            (Delivery::InAgent, Some(path)) => Err(EngineError::NoLibrary { engine: self, path: path.to_path_buf() }),
        }
    }
}

/// What can go wrong with an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The engine's library is missing or cannot be used.
    #[error(transparent)]
    Library(#[from] LibraryError),
    /// An engine that this program was built without.
    #[error("this program was built without {engine}; {}", .engine.entry().remedy)]
    NotBuilt {
        /// The engine.
        engine: EngineKind,
    },
    /// A library for an engine that is compiled in.
    #[error("{engine} has no library, it is part of the program: leave {path} (--engine-lib) out")]
    NoLibrary {
        /// The engine.
        engine: EngineKind,
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
    #[error("the model's {port} is {found}; {engine} is given {takes} only")]
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
