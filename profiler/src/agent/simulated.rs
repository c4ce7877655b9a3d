//! A job on a simulated device: each model is run warm once, and then timed a few times by the simulated clock.
//!
//! A simulated device has no noise: there is nothing to pin, to lock, to hold or to wait for, and no canary. Runs that follow each other
//! differ a little all the same, by which lines the caches give up. The regions that count are marked ([`super::region`]); outside of them the simulator executes without counting, which is faster.

use std::path::Path;

use engines::EngineKind;

use super::error::AgentError;
use super::events::{Events, engine_facts};
use super::model::Model;
use super::region;
use crate::protocol::{DeviceFacts, Event, Item, Job, PROTOCOL, Sample, Start};

/// Does the job. The device is left empty in what is said of it: the host knows what it simulates.
pub(super) fn measure(job: &Job, folder: &Path, events: &mut Events<'_>) -> Result<(), AgentError> {
    let kind: EngineKind = job.engine.parse().map_err(AgentError::UnknownEngine)?;
    let engine = engines::open(kind, job.engine_lib.as_deref().map(Path::new)).map_err(AgentError::Engine)?;
    events.send(&Event::Start(Box::new(Start {
        protocol: PROTOCOL,
        version: env!("CARGO_PKG_VERSION").to_string(),
        device: DeviceFacts::default(),
        engine: engine_facts(engine.info()),
        cpus: Vec::new(),
        governor: None,
        canary: String::new(),
        available_kib: None,
        unlocked: None,
        simulator: None,
    })))?;
    events.send(&Event::Sampling)?;
    for (place, item) in job.items.iter().enumerate() {
        events.send(&Event::Loading { id: item.id.clone() })?;
        let mut model = Model::load(engine.as_ref(), item, folder, job)?;
        model.events().iter().try_for_each(|event| events.send(event))?;
        time(&mut model, item, place as u64, job, events)?;
        model.check_again()?;
    }
    events.send(&Event::Done { precise: true })
}

/// One run that warms the caches and the timed runs behind it, a region each; then a run with empty caches, where the item asks for one.
fn time(model: &mut Model, item: &Item, label: u64, job: &Job, events: &mut Events<'_>) -> Result<(), AgentError> {
    let runs = job.plan.min_samples.max(1);
    let mut times = Vec::with_capacity(runs);
    for run in 0..runs {
        region::begin(label);
        if run == 0 {
            model.time(1)?;
            region::restart();
        }
        times.push(model.time(1)?);
        region::end();
    }
    for us in times {
        events.send(&Event::Sample(sample(item, us)))?;
    }
    if item.cold && job.plan.cold_runs > 0 {
        region::begin(label);
        region::empty_caches();
        region::restart();
        let us = model.time(1)?;
        region::end();
        events.send(&Event::Cold { id: item.id.clone(), us: nanoseconds(us), canary_us: 1.0 })?;
    }
    Ok(())
}

/// A sample in µs: its canary is 1 µs.
fn sample(item: &Item, us: f64) -> Sample {
    Sample {
        id: item.id.clone(),
        at_ms: 0.0,
        us: nanoseconds(us),
        spread: 0.0,
        before_us: 1.0,
        after_us: 1.0,
        cpu: None,
        mhz: None,
        celsius: None,
        fault: None,
    }
}

/// A time in µs in whole nanoseconds, as the clock gave it.
fn nanoseconds(us: f64) -> f64 {
    (us * 1e3).round() / 1e3
}
