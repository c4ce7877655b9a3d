//! The matrix product behind pointwise, dense and fully connected layers, and its weight gradient.
//!
//! Operands are tiles of some pixels: `x[k/16][pixels][16]`, `y[blocks][pixels][16]`, weights `w[blocks][k][16]`. A register
//! tile holds some output blocks × pixels; each input value is broadcast once and multiplied with a vector of output channels.

use crate::simd::{LANES, Simd, dispatched, in_rows, in_tiles};

/// Shapes and strides of one product; strides in vectors.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Product {
    /// Pixels in the tile.
    pub pixels: usize,
    /// Input values a pixel; the last block may be partly used.
    pub k: usize,
    /// Output blocks.
    pub blocks: usize,
    /// From one input block to the next.
    pub x_stride: usize,
    /// From one output block to the next.
    pub y_stride: usize,
    /// From one output block's weights to the next, at least `k`.
    pub w_stride: usize,
    /// Add to what `y` holds.
    pub accumulate: bool,
}

dispatched! {
    /// y = w·x, plus a bias vector a block where `bias` is not null.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `p`.
    pub(crate) fn product = product_kernel, (x: *const f32, w: *const f32, bias: *const f32, y: *mut f32, p: &Product);

    /// w += Σ over pixels of x·yᵀ, the weight gradient: `w[block][k][16]`.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `p`.
    pub(crate) fn outer = outer_kernel, (x: *const f32, y: *const f32, w: *mut f32, p: &Product);
}

#[inline(always)]
unsafe fn product_kernel<S: Simd>(_: S, x: *const f32, w: *const f32, bias: *const f32, y: *mut f32, p: &Product) {
    let mut block = 0;
    unsafe {
        while block < p.blocks {
            let two = S::TILE.0 == 2 && block + 2 <= p.blocks;
            let w = w.add(block * p.w_stride * LANES);
            let b = if bias.is_null() { bias } else { bias.add(block * LANES) };
            let y = y.add(block * p.y_stride * LANES);
            in_tiles!(S, p.pixels, |px, WIDTH| {
                let (x, y) = (x.add(px * LANES), y.add(px * LANES));
                if two { tile::<S, 2, WIDTH>(x, w, b, y, p) } else { tile::<S, 1, WIDTH>(x, w, b, y, p) }
            });
            block += if two { 2 } else { 1 };
        }
    }
}

#[inline(always)]
unsafe fn tile<S: Simd, const B: usize, const P: usize>(x: *const f32, w: *const f32, bias: *const f32, y: *mut f32, p: &Product) {
    unsafe {
        let mut acc = [[S::zero(); P]; B];
        if !bias.is_null() {
            for b in 0..B {
                acc[b] = [S::load(bias.add(b * LANES)); P];
            }
        }
        let mut k = 0;
        let mut x = x;
        while k < p.k {
            let lanes = (p.k - k).min(LANES);
            for i in 0..lanes {
                let mut weights = [S::zero(); B];
                for b in 0..B {
                    weights[b] = S::load(w.add((b * p.w_stride + k + i) * LANES));
                }
                for px in 0..P {
                    let value = S::splat(*x.add(px * LANES + i));
                    for b in 0..B {
                        acc[b][px] = S::fma(value, weights[b], acc[b][px]);
                    }
                }
            }
            k += LANES;
            x = x.add(p.x_stride * LANES);
        }
        for b in 0..B {
            for px in 0..P {
                let out = y.add((b * p.y_stride + px) * LANES);
                let v = if p.accumulate { S::add(S::load(out), acc[b][px]) } else { acc[b][px] };
                S::store(out, v);
            }
        }
    }
}

#[inline(always)]
unsafe fn outer_kernel<S: Simd>(_: S, x: *const f32, y: *const f32, w: *mut f32, p: &Product) {
    unsafe {
        for block in 0..p.blocks {
            let y = y.add(block * p.y_stride * LANES);
            let w = w.add(block * p.w_stride * LANES);
            let mut k = 0;
            while k < p.k {
                let x = x.add(k / LANES * p.x_stride * LANES);
                let lanes = (p.k - k).min(LANES);
                in_rows!(S, lanes, |i, ROWS| rows::<S, ROWS>(x.add(i), y, w.add((k + i) * LANES), p.pixels));
                k += LANES;
            }
        }
    }
}

#[inline(always)]
unsafe fn rows<S: Simd, const R: usize>(x: *const f32, y: *const f32, w: *mut f32, pixels: usize) {
    unsafe {
        let mut acc = [S::zero(); R];
        for px in 0..pixels {
            let g = S::load(y.add(px * LANES));
            for r in 0..R {
                acc[r] = S::fma(S::splat(*x.add(px * LANES + r)), g, acc[r]);
            }
        }
        for r in 0..R {
            let out = w.add(r * LANES);
            S::store(out, S::add(S::load(out), acc[r]));
        }
    }
}
