//! A simulated device: every model once.

use super::bounds::Bounds;
use super::error::CollectError;
use super::listener::Listener;
use super::progress::Progress;
use super::{Task, measured_exactly, tell};
use crate::measure::raw::{RawFile, Samples};
use crate::measure::subject::Subject;
use crate::protocol::{Hold, Item, Job, PROTOCOL, Plan};

/// Seed of inputs that are made up.
const SEED: u64 = 1;

/// The plan of every command: the agent's memory lies where the text of its job lets it lie, and a model takes the same time in all
/// commands only if that text is the same.
fn plan(timed_runs: usize) -> Plan {
    Plan {
        precision: 0.01,
        budget_ms: 1,
        sample_us: 1.0,
        canary_us: 1.0,
        min_samples: timed_runs,
        cold_runs: 1,
        idle_us: None,
        widening: 1.0,
    }
}

impl Task<'_> {
    /// Simulates the models that have no time yet, in their order. There is no second pass: it would give the same.
    pub(super) fn run_once(self) -> Result<(Samples, Option<RawFile>), CollectError> {
        let Self { setting, folder, samples, raw, bars, accept, .. } = self;
        let mut transport = setting.open()?;
        let engine_lib = transport.library(setting.engine, setting.engine_lib.as_deref())?;
        tell(transport.as_mut());
        let items = folder.items.iter().map(|item| Item { cold: item.cold && setting.plan.cold_runs > 0, ..item.clone() });
        let items: Vec<Item> = items.filter(|item| !measured_exactly(&samples, &Subject::from(&item.id), item.cold)).collect();
        let pass = samples.passes + 1;
        let progress = Progress::models(items.len());
        let job = Job {
            protocol: PROTOCOL,
            engine: setting.engine.name().to_string(),
            engine_lib,
            threads: setting.threads,
            cpus: Vec::new(),
            oversubscribe: false,
            holder: String::new(),
            lock_timeout_ms: 0,
            simulated: true,
            seed: SEED,
            plan: plan(setting.timed_runs),
            hold: Hold { celsius: None, start_celsius: None, governor: false },
            items,
        };
        let asked = folder.items.iter().map(|item| Subject::from(&item.id)).collect();
        let bar = bars.add(progress.bar()).with_prefix(setting.device.to_string());
        let mut listener = Listener {
            bounds: Bounds::of_simulated(&job),
            is_simulated: true,
            ..Listener::new(samples, raw, bar, progress, asked, accept)
        };
        let ended = listener.process(&folder, transport.as_mut(), &job, pass);
        listener.bar.finish_and_clear();
        let cleaned = transport.clean();
        ended?;
        cleaned?;
        Ok((listener.samples, listener.raw))
    }
}
