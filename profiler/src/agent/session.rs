//! Sampling from the first round to the last: what is taken next, and rests where the device is not fit.

use std::thread;
use std::time::Duration;

use super::canary::Canary;
use super::cold::Flush;
use super::error::AgentError;
use super::events::Events;
use super::model::Model;
use super::sampler::Sampler;
use super::schedule::Schedule;
use super::thermal::{Fitness, Thermometer};
use crate::protocol::{Event, Job, Sample, SampleFault};

/// Time between two looks at a device that is too warm.
const REST: Duration = Duration::from_millis(200);
/// Rest after a slipped canary; doubled with each that follows at once.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
/// Longest rest after slipped canaries.
const LONGEST_PAUSE: Duration = Duration::from_millis(128);
/// Share of the time that such rests may take: where interference moves the canary, resting does not help.
const PAUSES: f64 = 0.05;

/// A job's sampling.
pub struct Session<'a> {
    job: &'a Job,
    models: &'a mut [Model],
    sampler: Sampler<'a>,
    schedule: Schedule,
    thermometer: Thermometer,
    pause: Pause,
}

impl<'a> Session<'a> {
    /// Ready to sample these models, which are the job's items in their order.
    pub fn new(job: &'a Job, models: &'a mut [Model], canary: &'a mut Canary, cpus: Vec<usize>, thermometer: Thermometer) -> Self {
        Self {
            job,
            models,
            sampler: Sampler::new(canary, cpus, job.threads),
            schedule: Schedule::new(job),
            thermometer,
            pause: Pause::default(),
        }
    }

    /// Samples until all medians are precise or the budget is spent; gives whether they are precise.
    pub(super) fn run(mut self, events: &mut Events<'_>) -> Result<bool, AgentError> {
        self.cold_runs(events)?;
        loop {
            let Some(round) = self.schedule.next_round(self.sampler.elapsed_ms()) else { return Ok(self.schedule.all_settled()) };
            for index in round {
                self.wait_until_fit(events)?;
                let sample = self.sampler.sample(&mut self.models[index], &mut self.thermometer)?;
                self.schedule.record(index, &sample);
                let pause = self.pause.after(&sample, self.sampler.elapsed_ms());
                // Before the sample: a host that loses this process hands it to the next one, whether that sample is good or not.
                if let Some(celsius) = self.thermometer.take_first() {
                    events.send(&Event::FirstTemperature { celsius })?;
                }
                events.send(&Event::Sample(sample))?;
                if self.schedule.is_over(self.sampler.elapsed_ms()) {
                    break;
                }
                if let Some(pause) = pause {
                    thread::sleep(pause);
                    self.sampler.refresh();
                }
            }
            events.send(&Event::Round {
                round: self.schedule.rounds(),
                settled: self.schedule.settled(),
                elapsed_ms: self.sampler.elapsed_ms() as u64,
            })?;
        }
    }

    /// Runs with cold caches, of those items that ask for them.
    fn cold_runs(&mut self, events: &mut Events<'_>) -> Result<(), AgentError> {
        let wanted: Vec<usize> = (0..self.models.len()).filter(|&i| self.job.items[i].cold).collect();
        if wanted.is_empty() || self.job.plan.cold_runs == 0 {
            return Ok(());
        }
        let mut flush = Flush::default();
        for _ in 0..self.job.plan.cold_runs {
            for &index in &wanted {
                if let Some(event) = flush.run(&mut self.models[index], self.sampler.canary())? {
                    events.send(&event)?;
                }
            }
        }
        self.sampler.refresh();
        Ok(())
    }

    /// Rests or computes until the temperature is near that at the start, or the budget is spent.
    fn wait_until_fit(&mut self, events: &mut Events<'_>) -> Result<(), AgentError> {
        let mut waited = false;
        loop {
            let celsius = match self.thermometer.look() {
                Fitness::Fit => break,
                Fitness::TooWarm(celsius) => {
                    thread::sleep(REST);
                    celsius
                }
                Fitness::TooCold(celsius) => {
                    let began = self.sampler.elapsed_ms();
                    while self.sampler.elapsed_ms() - began < REST.as_millis() as f64 {
                        self.sampler.canary().read();
                    }
                    celsius
                }
            };
            waited = true;
            events.send(&Event::Resting { celsius })?;
            if self.schedule.is_over(self.sampler.elapsed_ms()) {
                break;
            }
        }
        if waited {
            self.sampler.refresh();
        }
        Ok(())
    }
}

/// Rests after slipped canaries: the clock has just moved, and will settle.
#[derive(Default)]
struct Pause {
    slipped: u32,
    taken: Duration,
}

impl Pause {
    fn after(&mut self, sample: &Sample, elapsed_ms: f64) -> Option<Duration> {
        if sample.fault != Some(SampleFault::Canary) {
            self.slipped = 0;
            return None;
        }
        let pause = (FIRST_PAUSE * 2u32.saturating_pow(self.slipped.min(16))).min(LONGEST_PAUSE);
        self.slipped += 1;
        let allowed = (self.taken + pause).as_secs_f64() * 1e3 <= PAUSES * elapsed_ms;
        allowed.then(|| {
            self.taken += pause;
            pause
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::examples;

    #[test]
    fn rests_grow_while_the_clock_moves_and_end_when_it_holds() {
        let sample = |fault| Sample { fault, ..examples::sample("", 1.0) };
        let mut pause = Pause::default();
        let mut after = |fault| pause.after(&sample(fault), 10_000.0).map(|d| d.as_millis());
        assert_eq!(after(None), None);
        assert_eq!([after(Some(SampleFault::Canary)), after(Some(SampleFault::Canary))], [Some(1), Some(2)]);
        assert_eq!(after(Some(SampleFault::Preempted)), None);
        assert_eq!(after(Some(SampleFault::Canary)), Some(1));
        // Half a second of ten, in rests of at most 128 ms.
        let rests: Vec<u128> = (0..40).filter_map(|_| after(Some(SampleFault::Canary))).collect();
        assert!(rests.iter().all(|&ms| ms <= 128), "{rests:?}");
        assert!((370..=500).contains(&(rests.iter().sum::<u128>() + 4)), "{rests:?}");
    }
}
