//! The engine itself.
//!
//! **Several threads.** A session's own pool waits for work by spinning, for a while after each run. An app has one session, whose
//! pool spins for itself alone. Here many sessions take turns on the same CPUs, and the pools of those that have just run would
//! spin against the one that is timed. So all sessions of a process share one pool: it spins as an app's does, and nothing else.

use std::ffi::CStr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::AsPointer;
use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{IoBinding, Session as OrtSession};
use ort::value::{DynTensor, DynValue, Outlet, TensorElementType, ValueType};

use super::library::{LIBRARY, NAME};
use crate::element::Element;
use crate::engine::{Engine, EngineInfo, Session, SessionOptions};
use crate::error::EngineError;
use crate::library::LibraryError;
use crate::port::{Dim, Port};
use crate::value::{self, Value};

/// The one library of the process.
static LOADED: Mutex<Option<EngineInfo>> = Mutex::new(None);
/// The one environment of the process: ONNX Runtime allows no second.
static SHARED: Mutex<Option<Shared>> = Mutex::new(None);

/// What all sessions share.
#[derive(Clone)]
struct Shared {
    environment: Environment,
    /// Threads of the pool; without one where it is 1: then a run's own thread computes.
    threads: NonZeroUsize,
}

/// The open engine.
struct OnnxRuntime {
    info: EngineInfo,
}

/// Opens it.
///
/// # Errors
/// As [`OnnxRuntime::open`].
pub fn open(path: Option<&Path>) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(OnnxRuntime::open(path)?))
}

impl OnnxRuntime {
    /// Opens the library at `path`, or the one that [`Library::find`](crate::library::Library::find) finds. A second call with the same library gives the
    /// same engine.
    ///
    /// # Errors
    /// [`EngineError::Library`] where it is missing, no library for this machine, no ONNX Runtime, older than 1.17, or where
    /// the process has loaded another one already; [`EngineError::Start`] where it does not start.
    fn open(path: Option<&Path>) -> Result<Self, EngineError> {
        let found = LIBRARY.find(path)?;
        LIBRARY.check(&found)?;
        // A relative path would be taken relative to the executable, not to the working folder.
        let path = found.canonicalize().map_err(|e| LIBRARY.unusable(&found, e))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(info) = loaded.as_ref() {
            if info.library.as_ref() == Some(&path) {
                return Ok(Self { info: info.clone() });
            }
            let name = info.library.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
            return Err(
                LibraryError::AlreadyLoaded { title: LIBRARY.title, asked: path.display().to_string(), loaded: name }.into()
            );
        }
        let version = version(&path)?;
        drop(ort::init_from(&path).map_err(|e| LIBRARY.unusable(&path, e))?);
        let hash = files::sha256_of(&path).map_err(|e| LIBRARY.unusable(&path, e))?;
        let info = EngineInfo {
            name: NAME.to_string(),
            version,
            precision: None,
            library: Some(path),
            library_sha256: Some(hash),
            build: None,
        };
        *loaded = Some(info.clone());
        Ok(Self { info })
    }
}

/// The process's environment, with a pool of that many threads where it is the first to be asked for.
///
/// # Errors
/// [`EngineError::Pool`] where it has been made for another number of threads.
fn shared(threads: NonZeroUsize) -> Result<Shared, EngineError> {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let shared = match shared.as_ref() {
        Some(shared) => shared.clone(),
        None => {
            let environment = start(threads).map_err(|e| EngineError::Start { engine: NAME, reason: e.message().to_string() })?;
            shared.insert(Shared { environment, threads }).clone()
        }
    };
    // One thread needs no pool, so any environment serves.
    if shared.threads == threads || threads == NonZeroUsize::MIN {
        return Ok(shared);
    }
    Err(EngineError::Pool { engine: NAME, threads: shared.threads.get(), asked: threads.get() })
}

fn start(threads: NonZeroUsize) -> ort::Result<Environment> {
    let builder = ort::init().with_name("blocktime").with_telemetry(false);
    if threads == NonZeroUsize::MIN {
        return builder.build();
    }
    let pool = GlobalThreadPoolOptions::default().with_intra_threads(threads.get())?.with_inter_threads(1)?;
    builder.with_global_thread_pool(pool.with_spin_control(true)?).build()
}

/// The version that a library says it has, once it is certain that it is an ONNX Runtime new enough.
fn version(path: &Path) -> Result<String, LibraryError> {
    let unusable = |reason: String| LIBRARY.unusable(path, reason);
    // SAFETY: loading runs the library's initialisers; the user named it as an engine, and its header was checked.
    let library = unsafe { libloading::Library::new(path) }.map_err(|e| {
        // The loader's own words are the source of libloading's error.
        let detail = std::error::Error::source(&e).map(|s| format!(": {s}")).unwrap_or_default();
        unusable(format!("{e}{detail}"))
    })?;
    // SAFETY: this is the type of ONNX Runtime's only exported entry, in all its versions.
    let base = unsafe { library.get::<unsafe extern "C" fn() -> *const ort::sys::OrtApiBase>(b"OrtGetApiBase") }
        .map_err(|_| unusable("it is not ONNX Runtime (it does not export OrtGetApiBase)".to_string()))?;
    // SAFETY: called as declared; the pointers it gives live as long as the library, which `library` holds here.
    let version = unsafe { base().as_ref().map(|base| CStr::from_ptr((base.GetVersionString)()).to_string_lossy().into_owned()) }
        .ok_or_else(|| unusable("it does not provide its API".to_string()))?;
    let mut numbers = version.split('.').map(|n| n.parse::<u32>().unwrap_or(0));
    let (major, minor) = (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0));
    if (major, minor) < (1, ort::MINOR_VERSION) {
        return Err(unusable(format!("it is ONNX Runtime {version}; 1.{} or newer is needed", ort::MINOR_VERSION)));
    }
    Ok(version)
}

impl Engine for OnnxRuntime {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn load(&self, model: &[u8], options: &SessionOptions) -> Result<Box<dyn Session>, EngineError> {
        let session = create(&shared(options.threads)?, model, options)
            .map_err(|e| EngineError::Load { engine: NAME, reason: e.message().to_string() })?;
        let inputs = session.inputs().iter().map(input).collect::<Result<Vec<_>, _>>()?;
        let outputs = session.outputs().iter().map(port).collect();
        let binding = session.create_binding().map_err(failed)?;
        Ok(Box::new(OrtRun { inputs, outputs, binding, session, state: State::Empty }))
    }
}

fn create(shared: &Shared, model: &[u8], options: &SessionOptions) -> ort::Result<OrtSession> {
    let level = if options.optimised { GraphOptimizationLevel::All } else { GraphOptimizationLevel::Disable };
    let mut builder = OrtSession::builder(&shared.environment)?
        .with_optimization_level(level)?
        .with_parallel_execution(false)?
        .with_deterministic_compute(true)?;
    if options.threads == NonZeroUsize::MIN {
        // A pool of its own, with no thread in it.
        builder =
            builder.with_independent_thread_pool()?.with_inter_threads(1)?.with_intra_threads(1)?.with_intra_op_spinning(false)?;
    }
    builder.commit_from_memory(model)
}

fn failed<R>(e: ort::Error<R>) -> EngineError {
    EngineError::Run { engine: NAME, reason: e.message().to_string() }
}

/// ONNX Runtime's types, and this program's.
const ELEMENTS: [(TensorElementType, Element); 13] = [
    (TensorElementType::Float32, Element::Float32),
    (TensorElementType::Float64, Element::Float64),
    (TensorElementType::Float16, Element::Float16),
    (TensorElementType::Bfloat16, Element::Bfloat16),
    (TensorElementType::Int8, Element::Int8),
    (TensorElementType::Int16, Element::Int16),
    (TensorElementType::Int32, Element::Int32),
    (TensorElementType::Int64, Element::Int64),
    (TensorElementType::Uint8, Element::Uint8),
    (TensorElementType::Uint16, Element::Uint16),
    (TensorElementType::Uint32, Element::Uint32),
    (TensorElementType::Uint64, Element::Uint64),
    (TensorElementType::Bool, Element::Bool),
];

fn element(theirs: TensorElementType) -> Option<Element> {
    ELEMENTS.iter().find(|(known, _)| *known == theirs).map(|&(_, ours)| ours)
}

/// Reads an input's or output's type.
fn port(outlet: &Outlet) -> Port {
    let name = outlet.name().to_string();
    let ValueType::Tensor { ty, shape, dimension_symbols } = outlet.dtype() else {
        return Port { name, element: None, dims: Vec::new() };
    };
    let dim = |(i, &size): (usize, &i64)| {
        usize::try_from(size).map_or_else(|_| Dim::open(dimension_symbols.get(i).map_or("", String::as_str)), Dim::Fixed)
    };
    Port { name, element: element(*ty), dims: shape.iter().enumerate().map(dim).collect() }
}

/// Reads an input's type, which must be one that can be given.
fn input(outlet: &Outlet) -> Result<Port, EngineError> {
    let port = port(outlet);
    match port.element {
        Some(_) => Ok(port),
        None => Err(EngineError::Unsupported {
            engine: NAME,
            port: format!("input '{}'", port.name),
            found: outlet.dtype().to_string(),
            takes: "tensors of numbers or truth values",
        }),
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No inputs yet.
    Empty,
    /// It has inputs, and has not run on them.
    Fed,
    /// The bound outputs are those of the inputs.
    Ran,
}

/// A model in ONNX Runtime. Inputs and outputs are bound once, so that a run allocates and copies nothing of ours: the first run
/// allocates the outputs, in the shapes that come out, whatever the model says of them; the others write to the same memory.
struct OrtRun {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    binding: IoBinding,
    session: OrtSession,
    state: State,
}

impl OrtRun {
    fn tensor(&self, value: &Value) -> Result<DynTensor, EngineError> {
        let theirs = ELEMENTS.iter().find(|(_, ours)| *ours == value.element()).map_or(TensorElementType::Undefined, |e| e.0);
        let mut tensor = DynTensor::new(self.session.allocator(), theirs, value.shape().to_vec()).map_err(failed)?;
        let bytes = value.bytes();
        if !bytes.is_empty() {
            // SAFETY: the tensor lies in this process's memory and has the value's type and shape, whose bytes these are.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), tensor.data_ptr_mut().cast::<u8>(), bytes.len()) };
        }
        Ok(tensor)
    }

    /// What the bound outputs hold.
    fn bound(&self) -> Result<Vec<Option<DynValue>>, EngineError> {
        let allocator = self.session.allocator();
        let (mut list, mut count) = (std::ptr::null_mut(), 0);
        let list_of = ort::api().GetBoundOutputValues;
        // SAFETY: the binding and the allocator are alive; list and count are written where the status is null.
        let status = unsafe { list_of(self.binding.ptr(), allocator.ptr().cast_mut(), &mut list, &mut count) };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::<()>::result_from_status(status) }.map_err(failed)?;
        if list.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: ONNX Runtime wrote that many pointers there, each to a value that is ours now.
        let values = unsafe { std::slice::from_raw_parts(list, count) };
        // SAFETY: as above; the values' memory is that of the session's allocator.
        let ours = |value| unsafe { DynValue::from_ptr(value, Some(allocator)) };
        let values = values.iter().map(|&value| std::ptr::NonNull::new(value).map(ours)).collect();
        // SAFETY: the list itself was allocated there, and is used no more.
        unsafe { allocator.free(list) };
        Ok(values)
    }
}

/// A copy of an output, where it is a tensor of numbers.
fn copied(output: DynValue) -> Option<Value> {
    let ValueType::Tensor { ty, shape, .. } = output.dtype() else { return None };
    let element = element(*ty)?;
    let shape: Vec<usize> = shape.iter().map(|&d| usize::try_from(d).ok()).collect::<Option<_>>()?;
    let len = shape.iter().try_fold(element.size(), |n, &d| n.checked_mul(d))?;
    let tensor = output.downcast::<ort::value::DynTensorValueType>().ok()?;
    let bytes = if len == 0 {
        Vec::new()
    } else {
        // SAFETY: a tensor of that type and shape in this process's memory, which lives until the end of this function.
        unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), len) }.to_vec()
    };
    Value::new(element, shape, bytes)
}

impl Session for OrtRun {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn feed(&mut self, values: &[Value]) -> Result<(), EngineError> {
        value::check(&self.inputs, values)?;
        self.state = State::Empty;
        self.binding.clear();
        for (port, value) in std::iter::zip(&self.inputs, values) {
            let tensor = self.tensor(value)?;
            self.binding.bind_input(&port.name, &tensor).map_err(failed)?;
        }
        let memory = self.session.allocator().memory_info();
        for port in &self.outputs {
            self.binding.bind_output_to_device(&port.name, memory).map_err(failed)?;
        }
        self.state = State::Fed;
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        if self.state == State::Empty {
            return Err(EngineError::NoInputs);
        }
        // `Session::run_binding` would build a list of the outputs after each run.
        // SAFETY: session and binding are alive and belong together; null means the default run options.
        let status = unsafe { (ort::api().RunWithBinding)(self.session.ptr().cast_mut(), std::ptr::null(), self.binding.ptr()) };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::<()>::result_from_status(status) }.map_err(failed)?;
        self.state = State::Ran;
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        if self.state != State::Ran {
            return Err(EngineError::NoInputs);
        }
        Ok(self.bound()?.into_iter().map(|output| copied(output?)).collect())
    }
}
