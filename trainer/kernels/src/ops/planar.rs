//! Dense convolution straight from an image's planes `[c][h][w]` with a border of zeros, as it comes from outside.
//!
//! A stem reads few channels through large windows: to gather its windows into vectors first would take longer than the products.

use crate::buffer::Ptr;
use crate::simd::{LANES, Simd, dispatched, in_rows, in_tiles};

/// The planes of one image and their border.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Planes {
    pub channels: usize,
    pub h: usize,
    pub w: usize,
    /// Zeros on each side.
    pub border: usize,
}

impl Planes {
    fn padded_w(&self) -> usize {
        self.w + 2 * self.border
    }

    fn padded_len(&self) -> usize {
        (self.h + 2 * self.border) * self.padded_w()
    }

    /// Vectors that hold the planes with their border.
    pub fn vectors(&self) -> usize {
        (self.channels * self.padded_len()).div_ceil(LANES)
    }

    /// Copies an image `[c][h][w]` between its borders.
    ///
    /// # Safety
    /// `to` must have [`Self::vectors`].
    pub unsafe fn pad(&self, image: &[f32], to: Ptr) {
        // SAFETY: promised by the caller.
        let to = unsafe { std::slice::from_raw_parts_mut(to.0, self.channels * self.padded_len()) };
        for (plane, to) in image.chunks_exact(self.h * self.w).zip(to.chunks_exact_mut(self.padded_len())) {
            let (above, rest) = to.split_at_mut(self.border * self.padded_w());
            let (rows, below) = rest.split_at_mut(self.h * self.padded_w());
            above.fill(0.0);
            below.fill(0.0);
            for (row, to) in plane.chunks_exact(self.w).zip(rows.chunks_exact_mut(self.padded_w())) {
                to[..self.border].fill(0.0);
                to[self.border..self.border + self.w].copy_from_slice(row);
                to[self.border + self.w..].fill(0.0);
            }
        }
    }

    /// From the first value of a window to each of its values, tap by tap, in floats.
    pub fn offsets(&self, kernel: usize, dilation: usize) -> Vec<usize> {
        let taps = (0..kernel).flat_map(|kh| (0..kernel).map(move |kw| (kh, kw)));
        let tap = |(kh, kw)| (kh * self.padded_w() + kw) * dilation;
        taps.flat_map(|at| (0..self.channels).map(move |c| c * self.padded_len() + tap(at))).collect()
    }

    /// From the windows of one output row to those of the next, in floats.
    pub fn row_step(&self, stride: usize) -> usize {
        stride * self.padded_w()
    }
}

/// The windows of some output rows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Windows<'a> {
    /// [`Planes::offsets`].
    pub offsets: &'a [usize],
    /// From one window to the next of its row, in floats.
    pub stride: usize,
    /// [`Planes::row_step`].
    pub row_step: usize,
    pub rows: usize,
    pub width: usize,
    /// Output blocks.
    pub blocks: usize,
    /// From one output block to the next, in vectors.
    pub y_stride: usize,
}

dispatched! {
    /// y = w·x, plus a bias vector a block where `bias` is not null: `x` is the first window's first value, `w[block][offset][16]`,
    /// `y[block][row][column][16]`.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `windows`.
    pub(crate) fn product = product_kernel, (x: *const f32, w: *const f32, bias: *const f32, y: *mut f32, windows: &Windows<'_>);

    /// w += Σ over windows of x·yᵀ, the weight gradient.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `windows`.
    pub(crate) fn outer = outer_kernel, (x: *const f32, y: *const f32, w: *mut f32, windows: &Windows<'_>);
}

#[inline(always)]
unsafe fn product_kernel<S: Simd>(_: S, x: *const f32, w: *const f32, bias: *const f32, y: *mut f32, windows: &Windows<'_>) {
    let mut block = 0;
    unsafe {
        while block < windows.blocks {
            let two = S::TILE.0 == 2 && block + 2 <= windows.blocks;
            let w = w.add(block * windows.offsets.len() * LANES);
            let b = if bias.is_null() { bias } else { bias.add(block * LANES) };
            for row in 0..windows.rows {
                let x = x.add(row * windows.row_step);
                let y = y.add((block * windows.y_stride + row * windows.width) * LANES);
                in_tiles!(S, windows.width, |px, WIDTH| {
                    let (x, y) = (x.add(px * windows.stride), y.add(px * LANES));
                    if two { tile::<S, 2, WIDTH>(x, w, b, y, windows) } else { tile::<S, 1, WIDTH>(x, w, b, y, windows) }
                });
            }
            block += if two { 2 } else { 1 };
        }
    }
}

/// The products of `P` windows of a row with `B` output blocks.
#[inline(always)]
unsafe fn tile<S: Simd, const B: usize, const P: usize>(
    x: *const f32,
    w: *const f32,
    bias: *const f32,
    y: *mut f32,
    windows: &Windows<'_>,
) {
    unsafe {
        // As constants, the usual strides need no registers for the windows' addresses.
        match windows.stride {
            1 => tile_of_stride::<S, B, P>(x, w, bias, y, windows, 1),
            2 => tile_of_stride::<S, B, P>(x, w, bias, y, windows, 2),
            stride => tile_of_stride::<S, B, P>(x, w, bias, y, windows, stride),
        }
    }
}

#[inline(always)]
unsafe fn tile_of_stride<S: Simd, const B: usize, const P: usize>(
    x: *const f32,
    w: *const f32,
    bias: *const f32,
    y: *mut f32,
    windows: &Windows<'_>,
    stride: usize,
) {
    unsafe {
        let mut acc = [[S::zero(); P]; B];
        if !bias.is_null() {
            for b in 0..B {
                acc[b] = [S::load(bias.add(b * LANES)); P];
            }
        }
        for (k, &offset) in windows.offsets.iter().enumerate() {
            let mut weights = [S::zero(); B];
            for b in 0..B {
                weights[b] = S::load(w.add((b * windows.offsets.len() + k) * LANES));
            }
            for px in 0..P {
                let value = S::splat(*x.add(offset + px * stride));
                for b in 0..B {
                    acc[b][px] = S::fma(value, weights[b], acc[b][px]);
                }
            }
        }
        for b in 0..B {
            for px in 0..P {
                S::store(y.add((b * windows.y_stride + px) * LANES), acc[b][px]);
            }
        }
    }
}

#[inline(always)]
unsafe fn outer_kernel<S: Simd>(_: S, x: *const f32, y: *const f32, w: *mut f32, windows: &Windows<'_>) {
    unsafe {
        for block in 0..windows.blocks {
            let y = y.add(block * windows.y_stride * LANES);
            let w = w.add(block * windows.offsets.len() * LANES);
            in_rows!(S, windows.offsets.len(), |k, ROWS| {
                sums::<S, ROWS>(x, y, w.add(k * LANES), windows, &windows.offsets[k..k + ROWS])
            });
        }
    }
}

/// The gradients of `R` weights.
#[inline(always)]
unsafe fn sums<S: Simd, const R: usize>(x: *const f32, y: *const f32, w: *mut f32, windows: &Windows<'_>, offsets: &[usize]) {
    /// Windows that an offset is read once for.
    const AT_ONCE: usize = 4;
    unsafe {
        let mut acc = [S::zero(); R];
        for row in 0..windows.rows {
            let x = x.add(row * windows.row_step);
            let y = y.add(row * windows.width * LANES);
            let mut px = 0;
            while px + AT_ONCE <= windows.width {
                let x = x.add(px * windows.stride);
                let mut g = [S::zero(); AT_ONCE];
                for i in 0..AT_ONCE {
                    g[i] = S::load(y.add((px + i) * LANES));
                }
                for r in 0..R {
                    let x = x.add(offsets[r]);
                    for i in 0..AT_ONCE {
                        acc[r] = S::fma(S::splat(*x.add(i * windows.stride)), g[i], acc[r]);
                    }
                }
                px += AT_ONCE;
            }
            while px < windows.width {
                let g = S::load(y.add(px * LANES));
                for r in 0..R {
                    acc[r] = S::fma(S::splat(*x.add(px * windows.stride + offsets[r])), g, acc[r]);
                }
                px += 1;
            }
        }
        for r in 0..R {
            let out = w.add(r * LANES);
            S::store(out, S::add(S::load(out), acc[r]));
        }
    }
}
