//! Random numbers of synthetic faces.

use crate::random::{Purpose, stream};
use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// The random numbers of one face.
pub struct Draws(ChaCha8Rng);

impl Draws {
    /// The numbers of face `index` of list `list` under `seed`.
    pub fn new(seed: u64, list: u64, index: u64) -> Self {
        Self(stream(Purpose::Synth, seed, list, index))
    }

    /// Evenly from `low` to `high`.
    pub fn even(&mut self, low: f32, high: f32) -> f32 {
        low + (high - low) * self.0.random::<f32>()
    }

    /// Bell-shaped about 0 with standard deviation `sd`, never beyond `2.5·sd`.
    pub fn bell(&mut self, sd: f32) -> f32 {
        // The sum of twelve even draws has variance 1.
        let sum: f32 = (0..12).map(|_| self.0.random::<f32>()).sum();
        sd * (sum - 6.0).clamp(-2.5, 2.5)
    }

    /// True in a share `probability` of cases.
    pub fn chance(&mut self, probability: f32) -> bool {
        self.0.random::<f32>() < probability
    }

    /// One of `choices`, which are not empty.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.0.random_range(0..choices.len())]
    }
}
