//! One sample: a canary, untimed runs that warm the caches, the timed runs, a canary.

use super::canary::{Canary, Reading};
use super::error::AgentError;
use super::model::Model;
use super::thermal::Thermometer;
use super::{clock, cycles};
use crate::protocol::{Sample, SampleFault};

/// Canaries before and after may differ by this much; beyond, the clock or the interference changed within the sample.
pub const CANARY_TOLERANCE: f64 = 0.05;
/// Share of a sample in which its thread may not have computed. A process that was stopped (`SIGSTOP`, a freezer, a full quota)
/// is not counted as interrupted by the kernel, but its clock of computing stands still.
const IDLE_TOLERANCE: f64 = 0.01;
/// The same for an engine with several threads, the first of which may wait for the others.
const WAITING_TOLERANCE: f64 = 0.5;

/// Takes samples. The canary after one sample is the one before the next.
pub struct Sampler<'a> {
    canary: &'a mut Canary,
    cpus: Vec<usize>,
    threads: usize,
    last: Reading,
    started_us: f64,
}

impl<'a> Sampler<'a> {
    /// A sampler for a process pinned to these CPUs, whose engine has that many threads.
    pub fn new(canary: &'a mut Canary, cpus: Vec<usize>, threads: usize) -> Self {
        let last = canary.read();
        Self { canary, cpus, threads, last, started_us: clock::now_us() }
    }

    /// The canary, for what computes between samples.
    pub fn canary(&mut self) -> &mut Canary {
        self.canary
    }

    /// Time since the start, in ms.
    pub fn elapsed_ms(&self) -> f64 {
        (clock::now_us() - self.started_us) * 1e-3
    }

    /// Reads the canary again, after something else than a sample.
    pub fn refresh(&mut self) {
        self.last = self.canary.read();
    }

    /// Takes one sample.
    pub(super) fn sample(&mut self, model: &mut Model, thermometer: &mut Thermometer) -> Result<Sample, AgentError> {
        let before = self.last;
        model.warm()?;
        let (preemptions, began_on) = (clock::preemptions(), clock::cpu());
        let (began_us, computed_us) = (clock::now_us(), clock::computed_us());
        let (us, spread) = model.time_in_parts()?;
        let (whole_us, computed_us) = (clock::now_us() - began_us, clock::computed_us() - computed_us);
        let (preempted, ended_on) = (clock::preemptions() != preemptions, clock::cpu());
        let tolerance = if self.threads > 1 { WAITING_TOLERANCE } else { IDLE_TOLERANCE };
        let preempted = preempted || whole_us - computed_us > tolerance * whole_us;
        let after = self.canary.read();
        self.last = after;
        thermometer.look();
        let strayed = ended_on.is_some_and(|cpu| !self.cpus.is_empty() && !self.cpus.contains(&cpu));
        let fault = if strayed || began_on != ended_on {
            Some(SampleFault::Moved)
        } else if preempted || before.preempted || after.preempted {
            Some(SampleFault::Preempted)
        } else if slipped(before.us, after.us) {
            Some(SampleFault::Canary)
        } else if thermometer.is_outside() {
            Some(SampleFault::Temperature)
        } else {
            None
        };
        let id = model.id().to_string();
        Ok(Sample {
            id,
            at_ms: self.elapsed_ms(),
            us,
            // Tenths of a percent, and of a megahertz, are enough and keep the raw file short. Parts that are all alike are parts.
            spread: spread.map_or(0.0, |spread| (spread * 1e3).round().max(1.0) / 1e3),
            before_us: before.us,
            after_us: after.us,
            cpu: ended_on,
            mhz: cycles::megahertz().map(|mhz| (mhz * 10.0).round() / 10.0),
            celsius: thermometer.celsius(),
            fault,
        })
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
