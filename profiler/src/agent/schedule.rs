//! Which model is sampled next, and when it is enough.
//!
//! Rounds in random order, so that drift falls on all alike. The first rounds take every model; later ones only those whose
//! interval is still too wide, and of these the widest half more often: time goes where the uncertainty is.

use crate::protocol::{Job, Plan, Sample};
use crate::random::Random;
use crate::stats::Median;
use crate::steady;

struct State {
    /// Each sample's time in canary units, and its spread.
    samples: Vec<(f64, f64)>,
    /// How many of them are steady.
    steady: usize,
    /// Relative half-width of the interval of their median; infinite before there is one.
    width: f64,
}

impl State {
    fn new(samples: Vec<(f64, f64)>) -> Self {
        let limit = steady::limit(samples.iter().map(|&(_, spread)| spread));
        let ratios: Vec<f64> = samples.iter().filter(|(_, spread)| *spread <= limit).map(|&(ratio, _)| ratio).collect();
        let width = Median::of(&ratios).map_or(f64::INFINITY, |m| m.relative_half_width());
        Self { samples, steady: ratios.len(), width }
    }

    fn add(&mut self, sample: &Sample) {
        let mut samples = std::mem::take(&mut self.samples);
        samples.push((sample.ratio(), sample.spread));
        *self = Self::new(samples);
    }
}

/// The state of all models.
pub struct Schedule {
    plan: Plan,
    items: Vec<State>,
    random: Random,
    rounds: u64,
}

impl Schedule {
    /// Starts with the samples of earlier runs.
    pub fn new(job: &Job) -> Self {
        // What was found before is steady.
        let items = job.items.iter().map(|item| State::new(item.earlier.iter().map(|&ratio| (ratio, 0.0)).collect()));
        Self { plan: job.plan, items: items.collect(), random: Random::new(job.seed), rounds: 0 }
    }

    fn is_settled(&self, item: &State) -> bool {
        item.steady >= self.plan.min_samples && item.width <= self.plan.precision
    }

    /// Models that have reached the precision.
    pub fn settled(&self) -> usize {
        self.items.iter().filter(|item| self.is_settled(item)).count()
    }

    /// Whether all have.
    pub fn all_settled(&self) -> bool {
        self.settled() == self.items.len()
    }

    /// Rounds begun.
    pub fn rounds(&self) -> u64 {
        self.rounds
    }

    /// Whether the budget is spent.
    pub fn is_over(&self, elapsed_ms: f64) -> bool {
        elapsed_ms >= self.plan.budget_ms as f64
    }

    /// Takes note of a sample.
    pub fn record(&mut self, index: usize, sample: &Sample) {
        if sample.fault.is_none() {
            self.items[index].add(sample);
        }
    }

    /// The models of the next round, in its order; `None` when all are settled or the budget is spent.
    pub fn next_round(&mut self, elapsed_ms: f64) -> Option<Vec<usize>> {
        if self.is_over(elapsed_ms) {
            return None;
        }
        let mut open: Vec<usize> = (0..self.items.len()).filter(|&i| !self.is_settled(&self.items[i])).collect();
        if open.is_empty() {
            return None;
        }
        self.rounds += 1;
        let lacking = |i: &usize| self.items[*i].steady < self.plan.min_samples;
        if !open.iter().any(lacking) {
            open.sort_by(|&a, &b| self.items[b].width.total_cmp(&self.items[a].width));
            let widest = open[..open.len().div_ceil(2)].to_vec();
            open.extend(widest);
        }
        self.random.shuffle(&mut open);
        Some(open)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Hold, Item};

    fn schedule(items: usize, budget_ms: u64) -> Schedule {
        let plan = Plan { precision: 0.01, budget_ms, sample_us: 1.0, canary_us: 1.0, min_samples: 8, cold_runs: 0 };
        let hold = Hold { celsius: None, governor: false };
        let item =
            |i| Item { id: format!("{i}"), model: String::new(), inputs: vec![], expected: vec![], earlier: vec![], cold: false };
        let items = (0..items).map(item).collect();
        let (engine, engine_lib, cpus) = (String::new(), None, vec![]);
        let (oversubscribe, holder, patience_ms) = (false, String::new(), 0);
        Schedule::new(&Job {
            protocol: 1,
            engine,
            engine_lib,
            threads: 1,
            cpus,
            oversubscribe,
            holder,
            patience_ms,
            seed: 1,
            plan,
            hold,
            items,
        })
    }

    fn sample(us: f64) -> Sample {
        Sample {
            id: String::new(),
            at_ms: 0.0,
            us,
            spread: 0.0,
            before_us: 1.0,
            after_us: 1.0,
            cpu: None,
            mhz: None,
            celsius: None,
            fault: None,
        }
    }

    #[test]
    fn time_goes_to_the_noisy_ones_and_ends_when_all_are_precise() {
        let mut schedule = schedule(4, 1000);
        let mut random = Random::new(5);
        let mut taken = [0; 4];
        while let Some(round) = schedule.next_round(0.0) {
            for i in round {
                let noise = if i == 2 { 0.1 } else { 0.001 };
                schedule.record(i, &sample(100.0 * (1.0 + noise * (random.unit() - 0.5))));
                taken[i] += 1;
            }
        }
        assert!(schedule.all_settled());
        assert!(taken[2] > 3 * taken[0] && [0, 1, 3].iter().all(|&i| taken[i] == 8), "{taken:?}");
    }

    #[test]
    fn the_budget_ends_it_and_faulty_samples_do_not_count() {
        let mut schedule = schedule(1, 50);
        for _ in 0..100 {
            schedule.record(0, &Sample { fault: Some(crate::protocol::SampleFault::Canary), ..sample(1.0) });
        }
        assert_eq!(schedule.settled(), 0);
        assert!(schedule.next_round(49.0).is_some() && schedule.next_round(50.0).is_none());
    }
}
