//! How many multiply-adds a core does at best: what the kernels are measured against.

use crate::simd::{LANES, Level, Simd, dispatched};

dispatched! {
    /// Rounds of multiply-adds on registers alone; their results to `out`, one vector. Returns chains of vectors that ran beside each other
    /// through `chains`.
    ///
    /// # Safety
    /// `out` must be valid for one vector, `chains` for a number.
    fn run = run_kernel, (rounds: usize, out: *mut f32, chains: *mut usize);
}

/// Multiply-adds of single precision that `rounds` rounds have done, without memory, each waiting only for that of the round before.
pub fn multiply_adds(level: Level, rounds: usize) -> usize {
    assert!(Level::available().contains(&level), "this processor has no {}", level.name());
    let (mut out, mut chains) = (crate::simd::V16::ZERO, 0);
    // SAFETY: the processor has the level; both are valid.
    unsafe { run(level, rounds, out.0.as_mut_ptr(), &mut chains) };
    std::hint::black_box(out);
    rounds * chains * LANES
}

#[inline(always)]
unsafe fn run_kernel<S: Simd>(_: S, rounds: usize, out: *mut f32, chains: *mut usize) {
    // As many as hide the latency and fit the registers.
    unsafe {
        *chains = if S::TILE.1 >= 14 {
            chains_kernel::<S, 12>(rounds, out)
        } else if S::TILE.1 >= 6 {
            chains_kernel::<S, 6>(rounds, out)
        } else {
            chains_kernel::<S, 2>(rounds, out)
        };
    }
}

#[inline(always)]
unsafe fn chains_kernel<S: Simd, const N: usize>(rounds: usize, out: *mut f32) -> usize {
    unsafe {
        let (factor, add) = (S::splat(0.999), S::splat(0.001));
        let mut acc: [S::V; N] = std::array::from_fn(|i| S::splat(i as f32));
        for _ in 0..rounds {
            for i in 0..N {
                acc[i] = S::fma(acc[i], factor, add);
            }
        }
        let mut total = S::zero();
        for v in acc {
            total = S::add(total, v);
        }
        S::store(out, total);
        N
    }
}
