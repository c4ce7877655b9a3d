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
    // Student's quantile in place of the normal one's: the first term of its expansion (Abramowitz and Stegun, 26.7.5).
    let student = 1.0 + (Z * Z + 1.0) / (4.0 * freedom as f64);
    (found * student).max(1.0)
}

/// Standard error of the quantile `q` of all values, each given with the process that took it; 0 where the processes are too few to tell.
pub fn error_of_quantile(values: impl Iterator<Item = (f64, usize)>, q: f64) -> f64 {
    let groups = by_process(values);
    if groups.len() < LEAST_PROCESSES { 0.0 } else { standard_error(&groups, q, &mut Random::new(1)) }
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
