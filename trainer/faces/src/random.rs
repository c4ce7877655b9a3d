//! Random streams addressed by what they are for, not by the order in which they are drawn.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::SeedableRng;

/// What a stream is for; streams of different purposes never share numbers.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Augment = 1,
    Order = 2,
    Split = 3,
    Synth = 4,
}

/// The stream of (`purpose`, `seed`, `a`, `b`), say seed, epoch and face.
///
/// The four numbers are the cipher's key, so a draw depends on nothing else: neither on threads nor on what was drawn
/// before. A resumed run needs only the seed and the epoch.
pub(crate) fn stream(purpose: Purpose, seed: u64, a: u64, b: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    for (slot, value) in key.chunks_exact_mut(8).zip([purpose as u64, seed, a, b]) {
        slot.copy_from_slice(&value.to_le_bytes());
    }
    ChaCha8Rng::from_seed(key)
}
