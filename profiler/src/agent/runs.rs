//! How often a model is run: at loading, to warm caches, in a sample.

use crate::protocol::{Item, Job};

/// Parts of a sample that are timed by themselves, and so its least number of runs, …
pub(crate) const PARTS: u64 = 4;
/// … but of a run longer than this, in µs, one at a time: four would take so long that most samples are interrupted.
const LONG_RUN_US: f64 = 10_000.0;
/// Runs of a model that is loaded, before anything is timed: engines allocate and choose kernels in the first ones; …
pub(super) const LOADING_RUNS: usize = 3;
/// … timed ones, which tell how many fill a sample; …
pub(super) const TIMED_RUNS: usize = 5;
/// … of a long model fewer, each kind as many as begin within this time, in µs: a network that takes 200 ms is run once each.
pub(super) const LOADING_US: f64 = 10_000.0;
/// Untimed runs before a sample. The model before has left its own data in the caches and its own branches in the predictors: of
/// networks' runs after one such run, the first was 15 %, the next 2 % above the fourth (Xeon, 117 models in turn). That is some tens of
/// µs, which is nothing of a long run: …
pub(crate) const WARMING_RUNS: usize = 3;
/// … as many as begin within this time, in µs.
pub(crate) const WARMING_US: f64 = 2_000.0;
/// The same in a simulated job, where the timed region has a warm run of its own: …
const SIMULATED_WARM_UP: usize = 1;
/// … of a model whose outputs are not known two, on any device, which tell whether they change by themselves.
const RUNS_OF_UNKNOWN: usize = 2;

/// Whether a model that was run so often at loading, in that time, is run once more before anything is timed.
pub(super) fn goes_on(item: &Item, job: &Job, runs: usize, us: f64) -> bool {
    let of_user = item.expected.is_empty();
    match job.simulated {
        true => runs < if of_user { RUNS_OF_UNKNOWN } else { SIMULATED_WARM_UP },
        // A second run tells whether the outputs change by themselves.
        false => us < LOADING_US || (of_user && runs < RUNS_OF_UNKNOWN),
    }
}

/// Runs in a sample of a model whose run takes `run_us`, and its parts. The parts are those of the model's first process: a run of about
/// 10 ms is a little longer in one process and a little shorter in the next, but samples with parts and without are judged by different
/// rules ([`crate::steady`]), which are for all samples of a model or for none.
pub(super) fn sample_of(sample_us: f64, run_us: f64, parts: Option<u64>) -> (u64, u64) {
    match parts {
        Some(1) => (filling(sample_us, run_us), 1),
        Some(parts) => (filling(sample_us, run_us).max(parts), parts),
        None => {
            let runs = runs_of(sample_us, run_us);
            (runs, runs.min(PARTS))
        }
    }
}

/// Runs in a sample that is to last `sample_us`, of a model whose run takes `run_us`.
pub(crate) fn runs_of(sample_us: f64, run_us: f64) -> u64 {
    let least = if run_us > LONG_RUN_US { 1 } else { PARTS };
    filling(sample_us, run_us).max(least)
}

/// Runs that fill a sample.
fn filling(sample_us: f64, run_us: f64) -> u64 {
    (sample_us / run_us.max(0.1)).ceil().clamp(1.0, 1e6) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_has_parts_unless_a_run_is_long() {
        assert_eq!(runs_of(500.0, 10.0), 50);
        assert_eq!(runs_of(500.0, 300.0), PARTS);
        // On a phone a network takes some milliseconds: its samples are filtered like those of short ones.
        assert_eq!(runs_of(500.0, 9_900.0), PARTS);
        assert_eq!(runs_of(500.0, 10_100.0), 1);
        assert_eq!(runs_of(50_000.0, 11_000.0), 5);
    }

    #[test]
    fn a_model_keeps_the_parts_of_its_first_process() {
        for run_us in [9_900.0, 10_100.0] {
            assert_eq!(sample_of(500.0, run_us, Some(4)), (4, 4));
            assert_eq!(sample_of(500.0, run_us, Some(1)), (1, 1));
        }
        assert_eq!([9_900.0, 10_100.0].map(|us| sample_of(500.0, us, None)), [(4, 4), (1, 1)]);
        // Of longer samples too: two runs fill this one, or one does.
        assert_eq!([19_900.0, 20_100.0].map(|us| sample_of(20_000.0, us, None).1), [2, 1]);
        assert_eq!([19_900.0, 20_100.0].map(|us| sample_of(20_000.0, us, Some(2))), [(2, 2); 2]);
        assert_eq!([19_900.0, 20_100.0].map(|us| sample_of(20_000.0, us, Some(1))), [(2, 1), (1, 1)]);
        // A first process that was stopped for a moment makes no short samples.
        assert_eq!(sample_of(500.0, 10.0, Some(1)), (50, 1));
    }
}
