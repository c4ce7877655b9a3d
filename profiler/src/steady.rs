//! Which of a model's samples nothing disturbed within.
//!
//! The canaries before and after a sample show what slows the processor for long. Interference on a core's other thread comes and goes in
//! less: between two idle canaries, half of all samples can hold a slow stretch. It shows in the sample's parts, which are timed by
//! themselves. A sample of a single long run has no parts; there it shows beside the model's other samples.
//!
//! Agent and host use this one rule: what counts towards the precision is what the table is made of.

use crate::stats::quantile;

/// Parts of a steady sample differ by at most this share, as its canaries do, …
pub const TOLERANCE: f64 = 0.05;
/// … or by no more than this share of the model's samples, so that some are left of a model that is unsteady by itself.
const LEAST: f64 = 0.25;

/// Fewer single runs than this cannot be judged beside each other: all count.
const FEW: usize = 6;

/// Whether each of a model's samples is steady, from its time in canary units and its spread ([`crate::protocol::Sample::spread`]).
pub fn select(samples: &[(f64, f64)]) -> Vec<bool> {
    if samples.is_empty() {
        return Vec::new();
    }
    let mut spreads: Vec<f64> = samples.iter().map(|&(_, spread)| spread).collect();
    spreads.sort_by(f64::total_cmp);
    if quantile(&spreads, 0.5) == 0.0 {
        return of_single_runs(samples);
    }
    let limit = quantile(&spreads, LEAST).max(TOLERANCE);
    samples.iter().map(|&(_, spread)| spread <= limit).collect()
}

/// Those within the window of times, as wide as the tolerance, that holds most samples; or within the narrowest window that holds the
/// least share of them. It is two-sided: lucky samples are left out as slow ones are.
fn of_single_runs(samples: &[(f64, f64)]) -> Vec<bool> {
    if samples.len() < FEW {
        return vec![true; samples.len()];
    }
    let mut sorted: Vec<f64> = samples.iter().map(|&(time, _)| time).collect();
    sorted.sort_by(f64::total_cmp);
    let held = |low: &f64| sorted.partition_point(|time| *time <= low * (1.0 + TOLERANCE)) - sorted.partition_point(|t| t < low);
    // The first of the best: `max_by_key` alone gives the last.
    let low = sorted.iter().rev().max_by_key(|low| held(low)).copied().unwrap_or_default();
    let mut window = (low, low * (1.0 + TOLERANCE));
    let least = ((LEAST * sorted.len() as f64).ceil() as usize).max(1);
    if held(&low) < least {
        let width = |w: &&[f64]| w[least - 1] / w[0];
        let narrowest = sorted.windows(least).min_by(|a, b| width(a).total_cmp(&width(b)));
        window = narrowest.map_or(window, |w| (w[0], w[least - 1]));
    }
    samples.iter().map(|&(time, _)| (window.0..=window.1).contains(&time)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(samples: &[(f64, f64)]) -> Vec<f64> {
        std::iter::zip(samples, select(samples)).filter(|(_, steady)| *steady).map(|(s, _)| s.0).collect()
    }

    #[test]
    fn a_quarter_is_left_of_what_is_never_steady() {
        let steady = |spreads: &[f64]| {
            let samples: Vec<_> = spreads.iter().map(|&spread| (1.0, spread)).collect();
            kept(&samples).len()
        };
        assert_eq!(steady(&[0.01, 0.02, 0.049, 0.3, 0.4]), 3);
        let uneven: Vec<f64> = (0..100).map(|i| 0.2 + 0.01 * f64::from(i)).collect();
        assert!((24..=26).contains(&steady(&uneven)), "{}", steady(&uneven));
        assert_eq!(select(&[]), [false; 0]);
    }

    #[test]
    fn single_runs_are_judged_beside_each_other() {
        // Six undisturbed runs, eight slowed by various amounts, one that the clock made too short.
        let idle = [100.0, 100.5, 101.0, 101.5, 102.0, 103.0];
        let slowed = [108.0, 112.0, 118.0, 125.0, 131.0, 140.0, 150.0, 163.0];
        let samples: Vec<_> = idle.iter().chain(&slowed).chain(&[80.0]).map(|&us| (us, 0.0)).collect();
        assert_eq!(kept(&samples), idle);
        // All alike, as a simulated device gives them: all are kept.
        assert_eq!(kept(&[(7.0, 0.0); 9]).len(), 9);
        assert_eq!(kept(&[(7.0, 0.0), (9.0, 0.0)]).len(), 2);
        // None near another: the narrowest quarter.
        let scattered: Vec<_> = (0..8).map(|i| (100.0 * 1.2f64.powi(i) + if i == 4 { -25.0 } else { 0.0 }, 0.0)).collect();
        assert_eq!(kept(&scattered).len(), 2);
    }
}
