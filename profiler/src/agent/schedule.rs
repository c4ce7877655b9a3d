//! Which model is sampled next, and when it is enough.
//!
//! Rounds in random order, so that drift falls on all alike. The first rounds take every model; later ones only those whose
//! interval is still too wide, and of these the widest half more often: time goes where the uncertainty is.

use crate::protocol::{Item, Job, Plan, Sample, Taken};
use crate::random::Random;
use crate::stats::{Median, quantile};
use crate::{idle, steady};

/// Samples of one model.
struct State {
    /// The good ones of all passes.
    samples: Vec<Taken>,
    /// Which of them nothing disturbed within, as far as this was asked.
    steady: Vec<bool>,
    /// How many samples count.
    used: usize,
    /// Relative half-width of the interval of their median; infinite before there is one.
    width: f64,
}

impl State {
    /// Takes stock: samples count that nothing disturbed within, and whose canary is at most `limit_us`.
    fn update(&mut self, limit_us: f64, widening: f64) {
        if self.steady.len() < self.samples.len() {
            self.steady = steady::select(&self.samples.iter().map(|taken| (taken.ratio, taken.spread)).collect::<Vec<_>>());
        }
        let counts = |(taken, steady): (&Taken, &bool)| (*steady && taken.canary_us <= limit_us).then_some(taken.corrected);
        let ratios: Vec<f64> = std::iter::zip(&self.samples, &self.steady).filter_map(counts).collect();
        self.used = ratios.len();
        self.width = Median::of(&ratios).map_or(f64::INFINITY, |m| m.widened(widening).relative_half_width());
    }
}

/// The state of all models.
pub struct Schedule {
    plan: Plan,
    items: Vec<State>,
    /// Canaries of all models in this pass.
    canaries: Vec<f64>,
    random: Random,
    rounds: u64,
}

impl Schedule {
    /// Starts with the samples of earlier passes.
    pub fn new(job: &Job) -> Self {
        let state = |item: &Item| State { samples: item.earlier.clone(), steady: Vec::new(), used: 0, width: f64::INFINITY };
        let items = job.items.iter().map(state).collect();
        let mut schedule = Self { plan: job.plan, items, canaries: Vec::new(), random: Random::new(job.seed), rounds: 0 };
        schedule.take_stock();
        schedule
    }

    /// Decides again which samples count, by the fastest canaries so far.
    fn take_stock(&mut self) {
        self.canaries.sort_by(f64::total_cmp);
        let own = (!self.canaries.is_empty()).then(|| quantile(&self.canaries, idle::FASTEST));
        let idle = own.into_iter().chain(self.plan.idle_us).reduce(f64::min).unwrap_or(f64::INFINITY);
        self.items.iter_mut().for_each(|item| item.update(idle * idle::NEAR, self.plan.widening));
    }

    fn is_settled(&self, item: &State) -> bool {
        item.used >= self.plan.min_samples && item.width <= self.plan.precision
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

    /// Takes note of a sample; it counts from the next round on.
    pub fn record(&mut self, index: usize, sample: &Sample) {
        if sample.fault.is_none() {
            let (ratio, canary_us) = (sample.ratio(), sample.canary_us());
            self.items[index].samples.push(Taken { ratio, corrected: ratio, spread: sample.spread, canary_us });
            self.canaries.push(canary_us);
        }
    }

    /// The models of the next round, in its order; `None` when all are settled or the budget is spent.
    pub fn next_round(&mut self, elapsed_ms: f64) -> Option<Vec<usize>> {
        self.take_stock();
        if self.is_over(elapsed_ms) {
            return None;
        }
        let mut open: Vec<usize> = (0..self.items.len()).filter(|&i| !self.is_settled(&self.items[i])).collect();
        if open.is_empty() {
            return None;
        }
        self.rounds += 1;
        let lacking = |i: &usize| self.items[*i].used < self.plan.min_samples;
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
    use crate::protocol::examples;

    fn schedule(items: usize, budget_ms: u64) -> Schedule {
        let items = (0..items).map(|i| examples::item(&i.to_string())).collect();
        let plan = Plan { budget_ms, min_samples: 8, ..examples::plan() };
        Schedule::new(&Job { plan, ..examples::job(items) })
    }

    fn sample(us: f64) -> Sample {
        examples::sample("", us)
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

    /// Samples beside a loud canary do not go into the table, so they are not enough.
    #[test]
    fn only_what_the_table_is_made_of_counts() {
        let mut schedule = schedule(2, 1000);
        let loud = |us: f64| Sample { before_us: 1.3, after_us: 1.3, ..sample(1.3 * us) };
        for i in 0..20 {
            schedule.record(0, &sample(100.0));
            schedule.record(1, &if i < 7 { sample(100.0) } else { loud(100.0) });
        }
        schedule.take_stock();
        assert_eq!((schedule.items[0].used, schedule.items[1].used), (20, 7));
        assert_eq!(schedule.next_round(0.0), Some(vec![1]));
        // A idle canary known from earlier passes: this pass had none such.
        schedule.plan.idle_us = Some(0.9);
        schedule.take_stock();
        assert_eq!(schedule.items[0].used, 0);
    }

    /// Samples of a pass that are all disturbed alike look sound beside each other alone.
    #[test]
    fn samples_of_all_passes_are_judged_together() {
        let taken = |ratio: f64, spread: f64| Taken { ratio, corrected: ratio, spread, canary_us: 1.0 };
        // With parts, and of single runs.
        for (earlier, later) in [(taken(100.0, 0.01), sample(130.0)), (taken(100.0, 0.0), sample(130.0))] {
            let item = Item { earlier: vec![earlier; 20], ..examples::item("a") };
            let mut schedule = Schedule::new(&Job { plan: examples::plan(), ..examples::job(vec![item]) });
            let later = Sample { spread: 20.0 * earlier.spread, ..later };
            (0..5).for_each(|_| schedule.record(0, &later));
            schedule.take_stock();
            assert_eq!((schedule.items[0].used, schedule.items[0].samples.len()), (20, 25), "{earlier:?}");
        }
    }

    #[test]
    fn the_precision_is_that_of_the_widened_interval() {
        let mut random = Random::new(3);
        let samples: Vec<Sample> = (0..40).map(|_| sample(100.0 * (1.0 + 0.03 * (random.unit() - 0.5)))).collect();
        let settled = |widening: f64| {
            let mut schedule = schedule(1, 1000);
            schedule.plan.widening = widening;
            samples.iter().for_each(|sample| schedule.record(0, sample));
            schedule.take_stock();
            schedule.all_settled()
        };
        assert!(settled(1.0) && !settled(4.0));
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
