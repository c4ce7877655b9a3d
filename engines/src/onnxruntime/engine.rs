//! The engine itself.
//!
//! **Several threads.** A session's own pool waits for work by spinning, for a while after each run. An app has one session, whose
//! pool spins for itself alone. Here many sessions take turns on the same CPUs, and the pools of those that have just run would
//! spin against the one that is timed. So all sessions of a process share one pool: it spins as an app's does, and nothing else.

use std::ffi::CStr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ort::environment::{Environment, GlobalThreadPoolOptions};
use ort::session::Session as OrtSession;
use ort::session::builder::GraphOptimizationLevel;

use super::library::{LIBRARY, NAME};
use super::session::OrtRun;
use crate::engine::{Engine, EngineInfo, Session, SessionOptions};
use crate::error::EngineError;
use crate::library::LibraryError;

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
        Ok(Box::new(OrtRun::new(session)?))
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
