//! Between the layouts: `[n][c][h][w]` and blocked maps, weights and packed weights, planes and patches.

use rayon::prelude::*;

use crate::buffer::Ptr;
use crate::simd::{LANES, V16};

/// Blocks that hold `c` channels.
pub const fn blocks(c: usize) -> usize {
    c.div_ceil(LANES)
}

/// One image's channels `[c][pixels]` into one block of a blocked map: lanes beyond `c` become 0.
///
/// # Safety
/// `dst` must be valid for `pixels` vectors.
pub(crate) unsafe fn pack_block(src: &[f32], pixels: usize, dst: *mut f32) {
    let channels = src.len() / pixels;
    for px in 0..pixels {
        let mut v = [0.0; LANES];
        for (lane, value) in v.iter_mut().enumerate().take(channels) {
            *value = src[lane * pixels + px];
        }
        // SAFETY: px < pixels.
        unsafe { *dst.add(px * LANES).cast() = v };
    }
}

/// One block of a blocked map into one image's channels `[c][pixels]`.
///
/// # Safety
/// `src` must be valid for `pixels` vectors.
pub(crate) unsafe fn unpack_block(src: *const f32, pixels: usize, dst: &mut [f32]) {
    for (lane, channel) in dst.chunks_exact_mut(pixels).enumerate() {
        for (px, value) in channel.iter_mut().enumerate() {
            // SAFETY: px < pixels and lane < 16.
            *value = unsafe { *src.add(px * LANES + lane) };
        }
    }
}

/// A vector of channels, padded with `fill`.
pub(crate) fn pad_channels(values: &[f32], fill: f32) -> impl Iterator<Item = V16> + '_ {
    values.chunks(LANES).map(move |chunk| {
        let mut v = [fill; LANES];
        v[..chunk.len()].copy_from_slice(chunk);
        V16(v)
    })
}

/// How a dense convolution's weights `[c_out][c_in][taps]` lie in packed form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Packing {
    pub c_out: usize,
    pub c_in: usize,
    pub taps: usize,
    /// Input values a tap: `c_in`, or that padded to whole blocks.
    pub tap_stride: usize,
}

impl Packing {
    /// Input values of one output pixel.
    pub fn k(&self) -> usize {
        self.taps * self.tap_stride
    }

    /// Index in `[c_out][c_in][taps]`.
    fn index(&self, co: usize, ci: usize, tap: usize) -> usize {
        (co * self.c_in + ci) * self.taps + tap
    }

    /// `dst[c_out/16][k][16]`, for the product with patches.
    pub fn pack(&self, weights: &[f32], dst: &mut [V16]) {
        dst.par_chunks_mut(self.k()).enumerate().for_each(|(block, dst)| {
            dst.fill(V16::ZERO);
            for (lane, co) in (block * LANES..self.c_out.min((block + 1) * LANES)).enumerate() {
                for ci in 0..self.c_in {
                    for tap in 0..self.taps {
                        dst[tap * self.tap_stride + ci].0[lane] = weights[self.index(co, ci, tap)];
                    }
                }
            }
        });
    }

    /// `dst[k/16][c_out][16]`, for the product with gradients. Needs taps of whole blocks.
    pub fn pack_transposed(&self, weights: &[f32], dst: &mut [V16]) {
        let tap_blocks = self.tap_stride / LANES;
        dst.par_chunks_mut(blocks(self.c_out) * LANES).enumerate().for_each(|(block, dst)| {
            dst.fill(V16::ZERO);
            let (tap, first) = (block / tap_blocks, block % tap_blocks * LANES);
            for (co, dst) in dst.iter_mut().enumerate().take(self.c_out) {
                for (lane, ci) in (first..self.c_in.min(first + LANES)).enumerate() {
                    dst.0[lane] = weights[self.index(co, ci, tap)];
                }
            }
        });
    }

    /// Adds packed gradients to `[c_out][c_in][taps]`.
    pub fn unpack_add(&self, packed: &[V16], weights: &mut [f32]) {
        let k = self.k();
        weights.par_chunks_mut(self.c_in * self.taps).enumerate().for_each(|(co, weights)| {
            for ci in 0..self.c_in {
                for tap in 0..self.taps {
                    weights[ci * self.taps + tap] += packed[co / LANES * k + tap * self.tap_stride + ci].0[co % LANES];
                }
            }
        });
    }
}

/// Depthwise weights `[c][taps]` as `dst[c/16][taps][16]`; taps in reverse order if asked.
pub(crate) fn pack_depthwise(weights: &[f32], taps: usize, reversed: bool, dst: &mut [V16]) {
    dst.fill(V16::ZERO);
    for (i, &w) in weights.iter().enumerate() {
        let (c, tap) = (i / taps, i % taps);
        let tap = if reversed { taps - 1 - tap } else { tap };
        dst[c / LANES * taps + tap].0[c % LANES] = w;
    }
}

/// Adds packed depthwise gradients to `[c][taps]`.
pub(crate) fn unpack_depthwise_add(packed: &[V16], taps: usize, weights: &mut [f32]) {
    for (i, w) in weights.iter_mut().enumerate() {
        let (c, tap) = (i / taps, i % taps);
        *w += packed[c / LANES * taps + tap].0[c % LANES];
    }
}

/// The windows of some output rows of a convolution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patches {
    pub kernel: usize,
    pub stride: usize,
    pub padding: usize,
    pub dilation: usize,
    pub in_h: usize,
    pub in_w: usize,
    pub out_w: usize,
    /// First output row and number of rows.
    pub row: usize,
    pub rows: usize,
}

impl Patches {
    /// Output pixels.
    pub fn pixels(&self) -> usize {
        self.rows * self.out_w
    }

    /// (tap, output pixel, input pixel or `None` in the padding) of every tap of every output pixel.
    #[inline(always)]
    fn each(&self, mut f: impl FnMut(usize, usize, Option<usize>)) {
        for kh in 0..self.kernel {
            for kw in 0..self.kernel {
                for row in 0..self.rows {
                    let ih = ((self.row + row) * self.stride + kh * self.dilation).wrapping_sub(self.padding);
                    for column in 0..self.out_w {
                        let iw = (column * self.stride + kw * self.dilation).wrapping_sub(self.padding);
                        // A coordinate left of or above the picture has wrapped to a huge number.
                        let inside = ih < self.in_h && iw < self.in_w;
                        f(
                            kh * self.kernel + kw,
                            row * self.out_w + column,
                            inside.then_some(ih.wrapping_mul(self.in_w).wrapping_add(iw)),
                        );
                    }
                }
            }
        }
    }

    /// `patch[tap][block][pixel]` from planes `x[block]`, `x_stride` vectors apart.
    ///
    /// # Safety
    /// Pointers must be valid for these shapes.
    pub unsafe fn gather(&self, x: Ptr, x_stride: usize, blocks: usize, patch: Ptr) {
        let pixels = self.pixels();
        self.each(|tap, px, from| {
            for b in 0..blocks {
                // SAFETY: promised by the caller.
                unsafe {
                    let to = patch.at((tap * blocks + b) * pixels + px).cast::<V16>();
                    *to = from.map_or(V16::ZERO, |from| *x.at(b * x_stride + from).cast());
                }
            }
        });
    }

    /// Adds `patch[tap][block][pixel]` to the planes it was gathered from.
    ///
    /// # Safety
    /// Pointers must be valid for these shapes.
    pub unsafe fn scatter_add(&self, patch: Ptr, x: Ptr, x_stride: usize, blocks: usize) {
        let pixels = self.pixels();
        self.each(|tap, px, to| {
            let Some(to) = to else { return };
            for b in 0..blocks {
                // SAFETY: promised by the caller.
                unsafe {
                    let from: &V16 = &*patch.at((tap * blocks + b) * pixels + px).cast();
                    let to: &mut V16 = &mut *x.at(b * x_stride + to).cast();
                    for lane in 0..LANES {
                        to.0[lane] += from.0[lane];
                    }
                }
            }
        });
    }
}
