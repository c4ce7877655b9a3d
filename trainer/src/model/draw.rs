//! Random numbers by address: what is drawn depends on what for and when, not on what was drawn before.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Which draw a noise is for; together with seed, epoch and step it decides the numbers, whatever was drawn before. So a resumed run
/// needs no generator's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
    /// Which of the passes of an epoch, and what for: see [`Purpose`].
    pub purpose: Purpose,
    /// Epoch, from 0.
    pub epoch: u64,
    /// Step in the pass, from 0.
    pub step: u64,
}

/// What random numbers of a training run are for; different purposes never share numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Masks of the forward pass, weights being trained.
    WeightMasks = 1,
    /// Masks of the latency term, weights being trained.
    WeightLatency = 2,
    /// Masks of the forward pass, architecture being trained.
    ArchMasks = 3,
    /// Masks of the latency term, architecture being trained.
    ArchLatency = 4,
    /// Dropout, weights being trained.
    WeightDropout = 5,
    /// Dropout, architecture being trained.
    ArchDropout = 6,
    /// Random networks that a searched one is compared with.
    RandomNetworks = 7,
    /// Orders of a layer's candidates; `epoch` is the layer, `step` the round.
    Paths = 8,
}

impl Draw {
    /// The stream of this draw: its four numbers are the cipher's key.
    pub fn rng(&self) -> ChaCha8Rng {
        let mut key = [0; 32];
        for (slot, value) in key.chunks_exact_mut(8).zip([0x7472_6169_6e00 + self.purpose as u64, self.seed, self.epoch, self.step])
        {
            slot.copy_from_slice(&value.to_le_bytes());
        }
        ChaCha8Rng::from_seed(key)
    }

    /// One number of the stream.
    pub fn seed(&self) -> u64 {
        self.rng().random()
    }
}
