//! The device's side: loads models, checks their outputs, times them, and writes events to standard output.
//!
//! | module | what it holds |
//! |---|---|
//! | [`canary`] | the fixed compute loop beside each sample |
//! | [`claim`] | one measurement at a time on a CPU |
//! | [`clock`] | the clock, affinity, interruptions |
//! | [`cold`] | runs with cold caches |
//! | [`cycles`] | the true clock, from a loop of known length |
//! | [`device`] | what the device says of itself |
//! | [`governor`] | the governor of the clock, held and set back |
//! | [`inputs`] | what a model is given to run on |
//! | [`model`] | one model in the engine, its outputs checked |
//! | [`region`] | what counts in a simulated run |
//! | [`sampler`] | one sample |
//! | [`schedule`] | which model is sampled next, and when it is enough |
//! | [`session`] | sampling from the first round to the last, rests in between |
//! | `simulated` | a job on a simulated device |
//! | [`thermal`] | temperature, held near that at the start |

pub mod canary;
pub mod claim;
pub mod clock;
pub mod cold;
pub mod cycles;
pub mod device;
pub mod governor;
pub mod inputs;
pub mod model;
pub mod region;
pub mod sampler;
pub mod schedule;
pub mod session;
mod simulated;
pub mod thermal;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use engines::{EngineError, EngineInfo, EngineKind};

use crate::protocol::{EngineFacts, Event, JOB_FILE, Job, PROTOCOL, Start};
use canary::Canary;
use claim::{Busy, Claim};
use governor::Governor;
use model::Model;
use session::Session;

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
    #[error("the job has protocol {found}, this agent {PROTOCOL}: host and agent are of different versions")]
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
    #[error("the engine refuses '{id}': {source}")]
    Model {
        /// The item.
        id: String,
        /// What the engine says.
        source: EngineError,
    },
    /// The engine fails at a user's model, which was given values that were made up.
    #[error(
        "the engine fails at '{id}': {source}. The values of {inputs} were made up; if the model cannot run on such, give real ones: \
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
    #[error("cannot be pinned to CPUs {cpus:?}: {reason}")]
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
    #[error("CPU {} is measured on already, by {}: wait until it has ended, or give other CPUs (--cpus)", .0.cpu, .0.holder)]
    Busy(Busy),
    /// Nobody listens any more.
    #[error("the host has gone")]
    Output(#[source] io::Error),
}

impl AgentError {
    fn item(&self) -> Option<String> {
        match self {
            Self::Model { id, .. }
            | Self::MadeUp { id, .. }
            | Self::Inputs { id, .. }
            | Self::File { id, .. }
            | Self::Wrong { id, .. } => Some(id.clone()),
            _ => None,
        }
    }

    /// Whether a user's model, or what it is given, is at fault: one whose outputs nobody stated.
    fn is_by_user(&self, job: Option<&Job>) -> bool {
        let refused = matches!(self, Self::Model { .. } | Self::MadeUp { .. } | Self::Inputs { .. });
        let item = self.item().and_then(|id| job?.items.iter().find(|item| item.id == id));
        refused && item.is_some_and(|item| item.expected.is_empty())
    }
}

/// Why that many threads on so few CPUs are refused.
pub(crate) fn crowded(threads: usize, cpus: usize) -> String {
    format!(
        "{threads} threads have {cpus} CPU(s) here and would wait for each other: use --threads {cpus}, or --oversubscribe to measure \
         that"
    )
}

/// Writes events, each at once.
pub(crate) struct Events(io::StdoutLock<'static>);

impl Events {
    pub(crate) fn send(&mut self, event: &Event) -> Result<(), AgentError> {
        let mut line = serde_json::to_vec(event).map_err(|e| AgentError::Output(e.into()))?;
        line.push(b'\n');
        self.0.write_all(&line).and_then(|()| self.0.flush()).map_err(AgentError::Output)
    }
}

/// Does the job in that folder. What goes wrong is also sent as an event.
///
/// # Errors
/// [`AgentError`].
pub fn run(folder: &Path) -> Result<(), AgentError> {
    let mut events = Events(io::stdout().lock());
    let job = read_job(folder);
    let result = job.as_ref().map_or(Ok(()), |job| measure(job, folder, &mut events));
    let by_user = result.as_ref().is_err_and(|e| e.is_by_user(job.as_ref().ok()));
    let result = job.and(result);
    if let Err(e) = &result {
        // A host that has gone cannot be told.
        let _ = events.send(&Event::Failed { id: e.item(), reason: e.to_string(), by_user });
    }
    result
}

fn read_job(folder: &Path) -> Result<Job, AgentError> {
    let path = folder.join(JOB_FILE);
    let fail = |reason: String| AgentError::Job { path: path.clone(), reason };
    let text = std::fs::read(&path).map_err(|e| fail(e.to_string()))?;
    let job: Job = serde_json::from_slice(&text).map_err(|e| fail(e.to_string()))?;
    if job.protocol == PROTOCOL { Ok(job) } else { Err(AgentError::Protocol { found: job.protocol }) }
}

fn measure(job: &Job, folder: &Path, events: &mut Events) -> Result<(), AgentError> {
    if job.simulated {
        return simulated::measure(job, folder, events);
    }
    let device = device::facts();
    let kind: EngineKind = job.engine.parse().map_err(AgentError::UnknownEngine)?;
    let room = clock::room(&job.cpus);
    if job.threads > room && !job.oversubscribe {
        return Err(AgentError::Threads { threads: job.threads, cpus: room });
    }
    // Pinned before the engine starts its threads, which inherit it.
    let cpus = clock::pin(&job.cpus, job.threads, &device.known.clusters)
        .map_err(|reason| AgentError::Affinity { cpus: job.cpus.clone(), reason })?;
    // Before anything is set on the device. The watchdog of the governor shares the locks: they are held until it has set back.
    let used = if cpus.is_empty() { clock::allowed() } else { cpus.clone() };
    let _claim = claim::folder()
        .map(|folder| Claim::take(&folder, &used, &job.holder, Duration::from_millis(job.patience_ms)))
        .transpose()
        .map_err(AgentError::Busy)?;
    // Held, and its watchdog begun, while this process has one thread.
    let governor = Governor::hold(&cpus, job.hold.governor);
    let sensors = device.known.sensors.clone();
    let engine = engines::open(kind, job.engine_lib.as_deref().map(Path::new)).map_err(AgentError::Engine)?;
    let mut canary = Canary::new(job.plan.canary_us);
    events.send(&Event::Start(Box::new(Start {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_string(),
        device,
        engine: engine_facts(engine.info()),
        cpus: cpus.clone(),
        governor: governor.described(),
        canary: canary::KIND.to_string(),
        simulator: None,
    })))?;
    let mut models = Vec::new();
    for item in &job.items {
        events.send(&Event::Loading { id: item.id.clone() })?;
        let model = Model::load(engine.as_ref(), item, folder, job)?;
        model.events().iter().try_for_each(|event| events.send(event))?;
        models.push(model);
    }
    events.send(&Event::Sampling)?;
    let precise = Session::new(job, &mut models, &mut canary, cpus, &sensors).run(events)?;
    for model in &mut models {
        model.check_again()?;
    }
    events.send(&Event::Done { precise })
}

/// The engine as the host is told of it.
fn engine_facts(info: &EngineInfo) -> EngineFacts {
    EngineFacts {
        name: info.name.clone(),
        version: info.version.clone(),
        precision: info.precision.clone(),
        library_sha256: info.library_sha256.clone(),
        build: info.build.clone(),
    }
}
