//! How much an agent can have to say of a job: one that goes on for ever is ended.

use crate::protocol::Job;

/// What an agent can have to say of a job.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bounds {
    /// Lines.
    pub(super) lines: u64,
    /// Time of sampling, by this machine's clock.
    pub(super) ms: f64,
}

/// A sample and the canary before it take at least this long, …
const LEAST_SAMPLE_MS: f64 = 0.05;
/// … lines that are no samples come at least so often: two to load a model, one a round, one a rest, …
const OTHER_LINES: u64 = 1_000;
/// … and runs with cold caches, which the budget does not bound, may take so long.
const OVERTIME_MS: f64 = 1_800_000.0;

impl Bounds {
    pub(super) fn of(job: &Job) -> Self {
        let plan = &job.plan;
        let cold = job.items.iter().filter(|item| item.cold).count() * plan.cold_runs;
        // A sample is of one run at least, and there may be a round for each.
        let samples = plan.budget_ms as f64 / (plan.sample_us * 1e-3).max(LEAST_SAMPLE_MS) * 2.0;
        let lines = OTHER_LINES.saturating_add(samples as u64).saturating_add((2 * job.items.len() + cold) as u64);
        Self { lines, ms: 2.0 * plan.budget_ms as f64 + OVERTIME_MS }
    }

    /// Of a job on a simulated device: some lines an item, and as long as it takes; its transport watches that it goes on.
    pub(super) fn of_simulated(job: &Job) -> Self {
        let each = OTHER_LINES + job.plan.min_samples as u64;
        Self { lines: OTHER_LINES.saturating_add(each.saturating_mul(job.items.len() as u64)), ms: f64::INFINITY }
    }
}
