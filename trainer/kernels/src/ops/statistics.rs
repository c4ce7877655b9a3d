//! Sums for batch norm: mean and variance forward, the two gradient sums backward.

use super::rows::Reading;
use crate::simd::{LANES, Simd, dispatched};

/// Mean and sum of squared deviations of a run of values, a lane a channel, joined run by run (Chan, Golub, LeVeque 1979).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moments {
    pub count: f64,
    pub mean: [f64; LANES],
    pub m2: [f64; LANES],
}

impl Moments {
    pub const NONE: Self = Self { count: 0.0, mean: [0.0; LANES], m2: [0.0; LANES] };

    /// Both runs together.
    pub fn join(&mut self, other: &Self) {
        let total = self.count + other.count;
        if total == 0.0 {
            return;
        }
        let share = other.count / total;
        for i in 0..LANES {
            let delta = other.mean[i] - self.mean[i];
            self.mean[i] += delta * share;
            self.m2[i] += other.m2[i] + delta * delta * self.count * share;
        }
        self.count = total;
    }
}

dispatched! {
    /// Mean and sum of squared deviations of `pixels` vectors, written to `out` (two vectors).
    ///
    /// # Safety
    /// `y` must be valid for `pixels` vectors, `out` for two.
    pub(crate) fn moments = moments_kernel, (y: *const f32, pixels: usize, out: *mut f32);

    /// Σ g and Σ g·ŷ over pixels where the reader sees y > 0 (everywhere without ReLU), written to `out` (two vectors);
    /// ŷ = (y − mean)·istd.
    ///
    /// # Safety
    /// `g` and `y` must be valid for `pixels` vectors, `mean` and `istd` for one, `out` for two.
    pub(crate) fn gradient_sums = gradient_sums_kernel,
        (g: *const f32, y: *const f32, pixels: usize, how: &Reading, mean: *const f32, istd: *const f32, out: *mut f32);

    /// Σ g over pixels where the reader sees y > 0 (everywhere without ReLU), written to `out` (one vector): a bias's gradient.
    ///
    /// # Safety
    /// `g` must be valid for `pixels` vectors, `out` for one.
    pub(crate) fn sum = sum_kernel, (g: *const f32, pixels: usize, out: *mut f32);
}

#[inline(always)]
unsafe fn moments_kernel<S: Simd>(_: S, y: *const f32, pixels: usize, out: *mut f32) {
    unsafe {
        // Four sums at once hide the latency of the additions.
        let mut sums = [S::zero(); 4];
        for px in 0..pixels {
            sums[px % 4] = S::add(sums[px % 4], S::load(y.add(px * LANES)));
        }
        let total = S::add(S::add(sums[0], sums[1]), S::add(sums[2], sums[3]));
        let mean = S::mul(total, S::splat(1.0 / pixels as f32));
        let mut squares = [S::zero(); 4];
        for px in 0..pixels {
            let d = S::sub(S::load(y.add(px * LANES)), mean);
            squares[px % 4] = S::fma(d, d, squares[px % 4]);
        }
        S::store(out, mean);
        S::store(out.add(LANES), S::add(S::add(squares[0], squares[1]), S::add(squares[2], squares[3])));
    }
}

#[inline(always)]
#[allow(clippy::too_many_arguments)]
unsafe fn gradient_sums_kernel<S: Simd>(
    _: S,
    g: *const f32,
    y: *const f32,
    pixels: usize,
    how: &Reading,
    mean: *const f32,
    istd: *const f32,
    out: *mut f32,
) {
    unsafe {
        let (scale, shift) = (S::load(how.scale), S::load(how.shift));
        let (mean, istd) = (S::load(mean), S::load(istd));
        let mut s0 = [S::zero(); 2];
        let mut s1 = [S::zero(); 2];
        for px in 0..pixels {
            let raw = S::load(y.add(px * LANES));
            let mut v = S::load(g.add(px * LANES));
            if how.relu {
                v = S::where_positive(S::fma(raw, scale, shift), v);
            }
            s0[px % 2] = S::add(s0[px % 2], v);
            s1[px % 2] = S::fma(v, S::sub(raw, mean), s1[px % 2]);
        }
        S::store(out, S::add(s0[0], s0[1]));
        S::store(out.add(LANES), S::mul(S::add(s1[0], s1[1]), istd));
    }
}

#[inline(always)]
unsafe fn sum_kernel<S: Simd>(_: S, g: *const f32, pixels: usize, out: *mut f32) {
    unsafe {
        let mut acc = S::zero();
        for px in 0..pixels {
            acc = S::add(acc, S::load(g.add(px * LANES)));
        }
        S::store(out, acc);
    }
}
