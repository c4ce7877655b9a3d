//! ONNX Runtime, loaded from a shared library at run time.
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
use ort::value::{Outlet, Tensor, TensorElementType, ValueType};
use sha2::{Digest, Sha256};

use crate::engine::{self, Engine, EngineError, EngineInfo, Port, Session, SessionOptions};
use crate::library::{self, LibraryError};

/// Its name in tables and messages.
const NAME: &str = "onnxruntime";

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
pub struct OnnxRuntime {
    info: EngineInfo,
}

impl OnnxRuntime {
    /// Opens the library at `path`, or the one that [`library::find`] finds. A second call with the same library gives the
    /// same engine.
    ///
    /// # Errors
    /// [`EngineError::Library`] where it is missing, no library for this machine, no ONNX Runtime, older than 1.17, or where
    /// the process has loaded another one already; [`EngineError::Start`] where it does not start.
    pub fn open(path: Option<&Path>) -> Result<Self, EngineError> {
        let found = library::find(path)?;
        library::check_header(&found)?;
        // A relative path would be taken relative to the executable, not to the working folder.
        let path = found.canonicalize().map_err(|e| LibraryError::unusable(&found, e))?;
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(info) = loaded.as_ref() {
            if info.library.as_ref() == Some(&path) {
                return Ok(Self { info: info.clone() });
            }
            let name = info.library.as_ref().map(|p| p.display().to_string()).unwrap_or_default();
            return Err(LibraryError::AlreadyLoaded { asked: path.display().to_string(), loaded: name }.into());
        }
        let version = version(&path)?;
        drop(ort::init_from(&path).map_err(|e| LibraryError::unusable(&path, e))?);
        let bytes = std::fs::read(&path).map_err(|e| LibraryError::unusable(&path, e))?;
        let hash = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
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
    let unusable = |reason: String| LibraryError::unusable(path, reason);
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
        .ok_or_else(|| unusable("it gives no API".to_string()))?;
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
        let ports = |outlets: &[Outlet], what: &str| outlets.iter().map(|o| port(o, what)).collect::<Result<Vec<_>, _>>();
        let inputs = ports(session.inputs(), "input")?;
        let outputs = ports(session.outputs(), "output")?;
        let binding = session.create_binding().map_err(failed)?;
        Ok(Box::new(OrtRun { inputs, outputs, binding, session, results: Vec::new(), has_run: false }))
    }
}

fn create(shared: &Shared, model: &[u8], options: &SessionOptions) -> ort::Result<OrtSession> {
    let mut builder = OrtSession::builder(&shared.environment)?
        .with_optimization_level(GraphOptimizationLevel::All)?
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

/// Reads an input's or output's type; only its first dimension may be open.
fn port(outlet: &Outlet, what: &str) -> Result<Port, EngineError> {
    let unsupported =
        || EngineError::Unsupported { port: format!("{what} '{}'", outlet.name()), found: format!("{}", outlet.dtype()) };
    let ValueType::Tensor { ty: TensorElementType::Float32, shape, .. } = outlet.dtype() else { return Err(unsupported()) };
    let open_batch = shape.first() == Some(&-1);
    let dims = shape.iter().enumerate().map(|(i, &d)| if i == 0 && open_batch { Ok(1) } else { usize::try_from(d) });
    let dims = dims.collect::<Result<Vec<_>, _>>().map_err(|_| unsupported())?;
    Ok(Port { name: outlet.name().to_string(), dims, open_batch })
}

/// A model in ONNX Runtime. Inputs and outputs are bound once, so that a run allocates and copies nothing of ours.
struct OrtRun {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    binding: IoBinding,
    session: OrtSession,
    /// The bound outputs; empty before the first inputs.
    results: Vec<Tensor<f32>>,
    has_run: bool,
}

impl OrtRun {
    fn tensor(&self, port: &Port, batch: usize) -> Result<Tensor<f32>, EngineError> {
        Tensor::new(self.session.allocator(), port.shape(batch)).map_err(failed)
    }
}

impl Session for OrtRun {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn set_inputs(&mut self, values: &[Vec<f32>]) -> Result<(), EngineError> {
        let batch = engine::batch(&self.inputs, values)?;
        self.has_run = false;
        self.results.clear();
        self.binding.clear();
        for (port, values) in std::iter::zip(&self.inputs, values) {
            let mut tensor = self.tensor(port, batch)?;
            tensor.extract_tensor_mut().1.copy_from_slice(values);
            self.binding.bind_input(&port.name, &tensor).map_err(failed)?;
        }
        let mut results = Vec::new();
        for port in &self.outputs {
            let mut tensor = self.tensor(port, batch)?;
            self.binding.bind_output(&port.name, &mut tensor).map_err(failed)?;
            results.push(tensor);
        }
        self.results = results;
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        if self.results.is_empty() {
            return Err(EngineError::NoInputs);
        }
        // `Session::run_binding` would build a list of the outputs after each run; they are ours already.
        // SAFETY: session and binding are alive and belong together; null means the default run options.
        let status = unsafe { (ort::api().RunWithBinding)(self.session.ptr().cast_mut(), std::ptr::null(), self.binding.ptr()) };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::<()>::result_from_status(status) }.map_err(failed)?;
        self.has_run = true;
        Ok(())
    }

    fn read_outputs(&mut self) -> Result<Vec<Vec<f32>>, EngineError> {
        if !self.has_run {
            return Err(EngineError::NoInputs);
        }
        Ok(self.results.iter().map(|tensor| tensor.extract_tensor().1.to_vec()).collect())
    }
}
