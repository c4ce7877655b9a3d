//! One sample: a canary, an untimed run that warms the caches, the timed runs, a canary.

use super::canary::{Canary, Reading};
use super::model::Model;
use super::{AgentError, clock};
use crate::protocol::{Sample, SampleFault};

/// Canaries before and after may differ by this much; beyond, clock or neighbour have moved within the sample.
pub const CANARY_TOLERANCE: f64 = 0.05;

/// Takes samples. The canary after one sample is the one before the next.
pub struct Sampler<'a> {
    canary: &'a mut Canary,
    cpus: Vec<usize>,
    last: Reading,
    started_us: f64,
}

impl<'a> Sampler<'a> {
    /// A sampler for a process pinned to these CPUs.
    pub fn new(canary: &'a mut Canary, cpus: Vec<usize>) -> Self {
        let last = canary.read();
        Self { canary, cpus, last, started_us: clock::now_us() }
    }

    /// Time since the start, in ms.
    pub fn elapsed_ms(&self) -> f64 {
        (clock::now_us() - self.started_us) * 1e-3
    }

    /// Takes one sample.
    pub(super) fn sample(&mut self, model: &mut Model) -> Result<Sample, AgentError> {
        let before = self.last;
        model.time(1)?;
        let (preemptions, began_on) = (clock::preemptions(), clock::cpu());
        let us = model.time(model.runs())?;
        let (preempted, ended_on) = (clock::preemptions() != preemptions, clock::cpu());
        let after = self.canary.read();
        self.last = after;
        let strayed = ended_on.is_some_and(|cpu| !self.cpus.is_empty() && !self.cpus.contains(&cpu));
        let fault = if strayed || began_on != ended_on {
            Some(SampleFault::Moved)
        } else if preempted || before.preempted || after.preempted {
            Some(SampleFault::Preempted)
        } else if slipped(before.us, after.us) {
            Some(SampleFault::Canary)
        } else {
            None
        };
        let id = model.id().to_string();
        Ok(Sample { id, at_ms: self.elapsed_ms(), us, before_us: before.us, after_us: after.us, cpu: ended_on, fault })
    }
}

/// Whether two canaries differ by more than the tolerance of the smaller one.
fn slipped(before: f64, after: f64) -> bool {
    (before - after).abs() > CANARY_TOLERANCE * before.min(after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_slips_beyond_the_tolerance_both_ways() {
        assert!(!slipped(100.0, 104.9) && !slipped(104.9, 100.0));
        assert!(slipped(100.0, 105.1) && slipped(105.1, 100.0));
    }
}
