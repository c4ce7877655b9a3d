//! Made-up networks, whose true errors are known, for the tests of the statistics.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::Trained;

/// A network of a predicted cost and an error, and nothing else.
pub fn net(predicted: f64, nme: f64) -> Trained {
    Trained { name: String::new(), choice: Vec::new(), predicted, nme, again: None, recalibrated: None }
}

/// About normal, with standard deviation 1.
pub fn normal(rng: &mut ChaCha8Rng) -> f64 {
    (0..12).map(|_| rng.random_range(-0.5..0.5)).sum()
}
