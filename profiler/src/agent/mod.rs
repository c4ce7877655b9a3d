//! The device's side: loads models, checks their outputs, times them, and writes events to standard output.
//!
//! | module | what it holds |
//! |---|---|
//! | [`canary`] | the fixed compute loop beside each sample |
//! | [`cpu_lock`] | one measurement at a time on a CPU |
//! | [`clock`] | the clock, affinity, interruptions |
//! | [`cold`] | runs with cold caches |
//! | [`cycles`] | the true clock, from a loop of known length |
//! | [`device`] | what the device says of itself |
//! | `error` | why the agent gives up |
//! | `events` | what the agent reports to the host |
//! | [`governor`] | the governor of the clock, held and set back |
//! | [`inputs`] | what a model is given to run on |
//! | `joined` | files of models, and recipes for them |
//! | `memory` | memory of the process and of the device |
//! | [`model`] | one model in the engine, its outputs checked |
//! | `outputs` | what a model gives, compared with what it must give |
//! | [`region`] | what counts in a simulated run |
//! | `runs` | how often a model is run |
//! | [`sampler`] | one sample |
//! | [`schedule`] | which model is sampled next, and when it is enough |
//! | [`session`] | sampling from the first round to the last, rests in between |
//! | `simulated` | a job on a simulated device |
//! | [`thermal`] | temperature, held near the first reading |

pub mod canary;
pub mod clock;
pub mod cold;
pub mod cpu_lock;
pub mod cycles;
pub mod device;
pub(crate) mod error;
pub(crate) mod events;
pub mod governor;
pub mod inputs;
pub(crate) mod joined;
mod memory;
pub mod model;
mod outputs;
pub mod region;
pub(crate) mod runs;
pub mod sampler;
pub mod schedule;
pub mod session;
mod simulated;
pub mod thermal;

use std::path::Path;
use std::time::Duration;

use engines::{Engine, EngineKind};

pub use error::AgentError;

use crate::protocol::{Event, JOB_FILE, Job, PROTOCOL, Start};
use canary::Canary;
use cpu_lock::CpuLock;
use events::{Events, engine_facts};
use governor::Governor;
use model::Model;
use session::Session;
use thermal::Thermometer;

/// Does the job in that folder. What goes wrong is also sent as an event.
///
/// # Errors
/// [`AgentError`].
pub fn run(folder: &Path) -> Result<(), AgentError> {
    // The host reads this program's standard output.
    let mut output = std::io::stdout().lock();
    let mut events = Events(&mut output);
    let job = read_job(folder);
    let result = job.as_ref().map_or(Ok(()), |job| measure(job, folder, &mut events));
    let by_user = result.as_ref().is_err_and(|e| e.is_by_user(job.as_ref().ok()));
    let result = job.and(result);
    if let Err(e) = &result {
        // A host that has gone gets no message.
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

fn measure(job: &Job, folder: &Path, events: &mut Events<'_>) -> Result<(), AgentError> {
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
    let lock = CpuLock::take(&used, &job.holder, Duration::from_millis(job.lock_timeout_ms)).map_err(AgentError::Busy)?;
    // Held, and its watchdog begun, while this process has one thread.
    let governor = Governor::hold(&cpus, job.hold.governor);
    let thermometer = Thermometer::new(&device.known.sensors, &job.hold);
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
        available_kib: memory::available_kib(),
        unlocked: lock.lacking.clone(),
        simulator: None,
    })))?;
    sample(job, folder, engine.as_ref(), cpus, &mut canary, thermometer, events)
}

/// Loads the models, samples them, and checks them once more.
pub(crate) fn sample(
    job: &Job,
    folder: &Path,
    engine: &dyn Engine,
    cpus: Vec<usize>,
    canary: &mut Canary,
    thermometer: Thermometer,
    events: &mut Events<'_>,
) -> Result<(), AgentError> {
    let mut models = Vec::new();
    for item in &job.items {
        events.send(&Event::Loading { id: item.id.clone() })?;
        let model = Model::load(engine, item, folder, job)?;
        model.events().iter().try_for_each(|event| events.send(event))?;
        models.push(model);
    }
    events.send(&Event::Sampling)?;
    let precise = Session::new(job, &mut models, canary, cpus, thermometer).run(events)?;
    for model in &mut models {
        model.check_again()?;
    }
    events.send(&Event::Done { precise })
}
