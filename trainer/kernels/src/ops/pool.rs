//! Max pooling of one channel block of one image.

use crate::simd::{LANES, Simd, dispatched};

/// Shapes of a max pool without padding; all sides in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolWindow {
    pub kernel: usize,
    pub stride: usize,
    pub in_w: usize,
    pub out_h: usize,
    pub out_w: usize,
}

impl PoolWindow {
    /// Index of the pixel of each tap of output pixel `(row, column)`.
    fn taps(&self, row: usize, column: usize) -> impl Iterator<Item = usize> + '_ {
        let first = row * self.stride * self.in_w + column * self.stride;
        (0..self.kernel).flat_map(move |kh| (0..self.kernel).map(move |kw| first + kh * self.in_w + kw))
    }
}

dispatched! {
    /// `y[out_h][out_w]` = largest of each window of `x`.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `win`.
    pub(crate) fn forward = forward_kernel, (x: *const f32, y: *mut f32, win: &PoolWindow);

    /// x += the gradient of the input: each output's gradient goes to the first of the largest values in its window, as in PyTorch.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `win`.
    pub(crate) fn backward = backward_kernel, (x: *const f32, g: *const f32, dx: *mut f32, win: &PoolWindow);
}

// Loops over the lanes of an array, which the compiler turns into the level's own comparisons.
#[inline(always)]
unsafe fn forward_kernel<S: Simd>(_: S, x: *const f32, y: *mut f32, win: &PoolWindow) {
    for row in 0..win.out_h {
        for column in 0..win.out_w {
            let mut best = [f32::NEG_INFINITY; LANES];
            for tap in win.taps(row, column) {
                // SAFETY: taps lie inside the input plane.
                let x: &[f32; LANES] = unsafe { &*x.add(tap * LANES).cast() };
                for lane in 0..LANES {
                    // Not `max`: a NaN must come through.
                    if x[lane] > best[lane] || x[lane].is_nan() {
                        best[lane] = x[lane];
                    }
                }
            }
            // SAFETY: the output plane has out_h·out_w pixels.
            unsafe { *y.add((row * win.out_w + column) * LANES).cast() = best };
        }
    }
}

#[inline(always)]
unsafe fn backward_kernel<S: Simd>(_: S, x: *const f32, g: *const f32, dx: *mut f32, win: &PoolWindow) {
    for row in 0..win.out_h {
        for column in 0..win.out_w {
            let mut best = [f32::NEG_INFINITY; LANES];
            // As wide as the values, so that both are chosen by one comparison.
            let mut from = [0u32; LANES];
            for tap in win.taps(row, column) {
                // SAFETY: taps lie inside the input plane.
                let x: &[f32; LANES] = unsafe { &*x.add(tap * LANES).cast() };
                for lane in 0..LANES {
                    let is_larger = x[lane] > best[lane];
                    best[lane] = if is_larger { x[lane] } else { best[lane] };
                    from[lane] = if is_larger { tap as u32 } else { from[lane] };
                }
            }
            for lane in 0..LANES {
                // SAFETY: `from` is a tap, the output plane has out_h·out_w pixels.
                unsafe { *dx.add(from[lane] as usize * LANES + lane) += *g.add((row * win.out_w + column) * LANES + lane) };
            }
        }
    }
}
