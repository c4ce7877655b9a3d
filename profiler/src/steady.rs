//! Which of a model's samples nothing disturbed within.
//!
//! The canaries before and after a sample show what slows the processor for long. A neighbour on a core's other thread comes and goes in
//! less: between two quiet canaries, half of all samples can hold a slow stretch. It shows in the sample's parts, which are timed by
//! themselves.

use crate::stats::quantile;

/// Parts of a steady sample differ by at most this share, as its canaries do, …
pub const TOLERANCE: f64 = 0.05;
/// … or by no more than this share of the model's samples, so that some are left of a model that is unsteady by itself.
const LEAST: f64 = 0.25;

/// Largest spread of a model's samples that counts as steady, from all their spreads ([`crate::protocol::Sample::spread`]).
pub fn limit(spreads: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = spreads.collect();
    if sorted.is_empty() {
        return TOLERANCE;
    }
    sorted.sort_by(f64::total_cmp);
    quantile(&sorted, LEAST).max(TOLERANCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_is_left_of_what_is_never_steady() {
        let steady = |spreads: &[f64]| {
            let limit = limit(spreads.iter().copied());
            spreads.iter().filter(|s| **s <= limit).count()
        };
        assert_eq!(steady(&[0.01, 0.02, 0.049, 0.3, 0.4]), 3);
        let uneven: Vec<f64> = (0..100).map(|i| 0.2 + 0.01 * f64::from(i)).collect();
        assert!((24..=26).contains(&steady(&uneven)), "{}", steady(&uneven));
        assert_eq!(limit(std::iter::empty()), TOLERANCE);
    }
}
