//! What every engine can do.

use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use crate::error::EngineError;
use crate::port::Port;
use crate::value::{self, Value};

/// An engine that is open and ready to load models.
pub trait Engine {
    /// What it is: goes into every table and report.
    fn info(&self) -> &EngineInfo;

    /// Makes a model ready.
    ///
    /// `model` holds the bytes of a file of the engine's [format](crate::EngineKind::format) whose inputs are all tensors of numbers.
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
    /// The model's inputs, in its order; by name in an engine that does not keep it ([`EngineKind::ports_by_name`](crate::EngineKind::ports_by_name)).
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
    /// The precision that was asked for, by the engine's own name, where the engine can be asked for one.
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
    /// Whether the engine may rewrite the graph, fuse its operations and choose layouts, as every app lets it; without, each operation is
    /// computed as it stands in the file. ONNX Runtime alone can be told so; the others take no notice.
    pub optimised: bool,
}

impl Default for SessionOptions {
    fn default() -> Self {
        Self { threads: NonZeroUsize::MIN, optimised: true }
    }
}
