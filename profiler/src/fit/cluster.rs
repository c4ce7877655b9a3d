//! By how much wider a median's interval is than its samples alone tell.
//!
//! Samples of one process are alike: where a model's buffers happen to lie changes its time by a percent or so for as long as the
//! process lives. An interval of order statistics takes all samples for independent and is too narrow. The bootstrap over whole processes
//! (Davison and Hinkley, *Bootstrap Methods and their Application*, section 3.8: clusters are drawn with replacement, their samples stay
//! together) gives the standard error that knows of it. Of one model it is uncertain itself, with a dozen processes; so its ratio to the
//! order statistics' is taken over all models of a kind.

use std::collections::BTreeMap;

use crate::random::Random;
use crate::stats::{Median, median, quantile};

/// Draws of processes.
const DRAWS: usize = 100;
/// Least processes that tell their own differences.
const LEAST_PROCESSES: usize = 4;
/// What is taken of fewer processes: networks of twelve builds and checks had 1.2 to 1.5.
pub const USUAL: f64 = 1.35;
/// The standard error of a canary's stated time, as a share, that is taken of fewer processes. In the raw samples of this project's tables
/// one process alone states the time with an error of 1.2 to 1.7 %, three together with 0.6 to 1.4 %. Within a process it varies by a
/// quarter of that: one process cannot tell how far the next one will be.
pub const USUAL_OF_STATED: f64 = 0.014;
/// The median of a standard deviation from eleven degrees of freedom, in parts of its mean.
const MEDIAN_OF_DEVIATIONS: f64 = 0.97;
/// The 97.5 % quantile of a normal distribution.
const Z: f64 = 1.96;

/// The factor for models of one kind, each given as its ratios and the process that took each of them; at least 1.
pub fn widening<'a>(models: impl Iterator<Item = (&'a [f64], &'a [usize])>) -> f64 {
    let mut random = Random::new(1);
    let mut freedom = 0;
    let mut factors = Vec::new();
    for (ratios, processes) in models {
        let groups = by_process(std::iter::zip(ratios.iter().copied(), processes.iter().copied()));
        let alone = Median::of(ratios).map(|m| m.standard_error()).filter(|error| *error > 0.0);
        if let Some(alone) = alone.filter(|_| groups.len() >= LEAST_PROCESSES) {
            freedom += groups.len() - 1;
            factors.push(standard_error(&groups, 0.5, &mut random) / alone);
        }
    }
    let Some(found) = median(factors.iter().copied()) else {
        return if freedom == 0 { USUAL } else { 1.0 };
    };
    let found = if factors.len() > 1 { found / MEDIAN_OF_DEVIATIONS } else { found };
    (found * student(freedom)).max(1.0)
}

/// Student's quantile in parts of the normal one's: the first term of its expansion (Abramowitz and Stegun, 26.7.5).
fn student(freedom: usize) -> f64 {
    1.0 + (Z * Z + 1.0) / (4.0 * freedom as f64)
}

/// How well the canary's stated time is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatedError {
    /// Its standard error, as a share; larger where few processes tell it only roughly, so that 1.96 times it is the half of a 95 % interval.
    pub share: f64,
    /// Whether that is [`USUAL_OF_STATED`], because fewer than four processes measured.
    pub is_assumed: bool,
}

/// The error of the canary's stated time, which is the quantile `q` of these canaries, each given with the process that took it; `None`
/// where there are none.
pub fn stated_error(canaries: impl Iterator<Item = (f64, usize)>, q: f64) -> Option<StatedError> {
    let groups = by_process(canaries);
    let mut all: Vec<f64> = groups.iter().flatten().copied().collect();
    if all.is_empty() {
        return None;
    }
    if groups.len() < LEAST_PROCESSES {
        return Some(StatedError { share: USUAL_OF_STATED, is_assumed: true });
    }
    all.sort_by(f64::total_cmp);
    let share = student(groups.len() - 1) * standard_error(&groups, q, &mut Random::new(1)) / quantile(&all, q);
    Some(StatedError { share, is_assumed: false })
}

fn by_process(values: impl Iterator<Item = (f64, usize)>) -> Vec<Vec<f64>> {
    let mut groups: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    values.for_each(|(value, process)| groups.entry(process).or_default().push(value));
    groups.into_values().collect()
}

/// Standard error of the quantile `q` of all groups' values, by drawing groups.
fn standard_error(groups: &[Vec<f64>], q: f64, random: &mut Random) -> f64 {
    let draw = |random: &mut Random| {
        let mut drawn: Vec<f64> = (0..groups.len()).flat_map(|_| groups[random.below(groups.len())].iter().copied()).collect();
        drawn.sort_by(f64::total_cmp);
        quantile(&drawn, q)
    };
    let found: Vec<f64> = (0..DRAWS).map(|_| draw(random)).collect();
    let mean = found.iter().sum::<f64>() / DRAWS as f64;
    let variance = found.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / (DRAWS - 1) as f64;
    // As many groups as drawn vary by less than those of which they were drawn.
    let count = groups.len() as f64;
    (variance * count / (count - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ratios of a model of true median 1 in 12 processes of 8 samples: normal-like noise of each sample and of each process.
    fn made_up(random: &mut Random, noise: f64, of_process: f64) -> (Vec<f64>, Vec<usize>) {
        let normal = |random: &mut Random| (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let (mut ratios, mut processes) = (Vec::new(), Vec::new());
        for process in 0..12 {
            let own = of_process * normal(random);
            for _ in 0..8 {
                ratios.push(1.0 + own + noise * normal(random));
                processes.push(process);
            }
        }
        (ratios, processes)
    }

    fn share_held(noise: f64, of_process: f64, widen: bool) -> f64 {
        let mut random = Random::new(9);
        let (mut held, mut all) = (0, 0);
        for _ in 0..20 {
            let models: Vec<_> = (0..30).map(|_| made_up(&mut random, noise, of_process)).collect();
            let factor = if widen { widening(models.iter().map(|(r, p)| (&r[..], &p[..]))) } else { 1.0 };
            for (ratios, _) in &models {
                let median = Median::of(ratios).unwrap().widened(factor);
                held += usize::from((median.low..=median.high).contains(&1.0));
                all += 1;
            }
        }
        f64::from(held as u32) / f64::from(all as u32)
    }

    #[test]
    fn intervals_hold_what_they_say_though_processes_differ() {
        // Alike within processes: the plain interval promises 95 % and holds far less.
        let plain = share_held(0.01, 0.005, false);
        assert!(plain < 0.9, "{plain}");
        for of_process in [0.0, 0.003, 0.005, 0.01] {
            let held = share_held(0.01, of_process, true);
            assert!((0.925..=0.985).contains(&held), "{of_process}: {held}");
        }
    }

    #[test]
    fn a_stated_time_is_known_as_well_as_is_said_though_few_processes_measured() {
        let mut random = Random::new(4);
        let normal = |random: &mut Random| (0..12).map(|_| random.unit()).sum::<f64>() - 6.0;
        let of_process = |random: &mut Random, process: usize| -> Vec<(f64, usize)> {
            let own = 1.0 + 0.013 * normal(random);
            (0..100).map(|_| (2.0 * own * (1.0 + 0.01 * normal(random)), process)).collect()
        };
        // What very many processes state.
        let mut many: Vec<f64> = (0..500).flat_map(|process| of_process(&mut random, process)).map(|(us, _)| us).collect();
        many.sort_by(f64::total_cmp);
        for processes in [1, 2, 3, 4, 12] {
            let held = (0..200).filter(|_| {
                let canaries: Vec<_> = (0..processes).flat_map(|process| of_process(&mut random, process)).collect();
                let mut stated: Vec<f64> = canaries.iter().map(|(us, _)| *us).collect();
                stated.sort_by(f64::total_cmp);
                let error = stated_error(canaries.into_iter(), 0.5).unwrap();
                assert_eq!(error.is_assumed, processes < 4);
                (quantile(&stated, 0.5) / quantile(&many, 0.5) - 1.0).abs() <= 1.96 * error.share
            });
            let share = held.count() as f64 / 200.0;
            // Four processes tell their own spread only roughly.
            assert!(share >= if processes == 4 { 0.8 } else { 0.89 }, "{processes}: {share}");
        }
        assert_eq!(stated_error(std::iter::empty(), 0.5), None);
    }

    #[test]
    fn one_model_and_few_processes() {
        let mut random = Random::new(2);
        let (ratios, processes) = made_up(&mut random, 0.01, 0.02);
        assert!(widening([(&ratios[..], &processes[..])].into_iter()) > 2.0);
        let two: Vec<usize> = processes.iter().map(|p| p % 2).collect();
        assert_eq!(widening([(&ratios[..], &two[..])].into_iter()), USUAL);
        // Where there is no noise, an interval of no width stays so.
        assert_eq!(widening([(&[1.0; 24][..], &processes[..24])].into_iter()), USUAL);
    }
}
