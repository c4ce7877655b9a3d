//! Steps that need nothing but their inputs: products, pools, hard sigmoid, dropout.

use super::forward::Tape;
use super::gradients::Gradients;
use super::{Plan, Simple, ValueId};
use crate::ops::pool::{self, PoolWindow};
use crate::ops::rows;
use crate::ops::{for_parts, with_scratch};
use crate::simd::{LANES, V16};

/// A plane as a slice of vectors.
///
/// # Safety
/// `p` must be valid for `len` vectors that are not written meanwhile.
unsafe fn vectors<'a>(p: *const f32, len: usize) -> &'a [V16] {
    // SAFETY: promised by the caller.
    unsafe { std::slice::from_raw_parts(p.cast(), len) }
}

/// A plane as a slice of vectors to write.
///
/// # Safety
/// `p` must be valid for `len` vectors that are not used elsewhere meanwhile.
unsafe fn vectors_mut<'a>(p: *mut f32, len: usize) -> &'a mut [V16] {
    // SAFETY: promised by the caller.
    unsafe { std::slice::from_raw_parts_mut(p.cast(), len) }
}

impl Plan {
    /// Computes a step.
    pub(super) fn simple_forward(&self, tape: &Tape, step: &Simple) {
        match step {
            Simple::Mul { x, factor, y } => self.mul_forward(tape, *x, *factor, *y),
            Simple::MaxPool { x, y, kernel, stride } => self.max_pool_forward(tape, *x, *y, *kernel, *stride),
            Simple::GlobalAvgPool { x, y } => self.global_avg_pool_forward(tape, *x, *y),
            Simple::HardSigmoid { x, y } => self.hard_sigmoid_forward(tape, *x, *y),
            Simple::Dropout { x, y, p, index } => self.dropout_forward(tape, *x, *y, *p, *index),
        }
    }

    /// The gradients of what such a step reads.
    pub(super) fn simple_backward(&self, tape: &Tape, grads: &mut Gradients, step: &Simple) {
        match step {
            Simple::Mul { x, factor, y } => self.mul_backward(tape, grads, *x, *factor, *y),
            Simple::MaxPool { x, y, kernel, stride } => self.max_pool_backward(tape, grads, *x, *y, *kernel, *stride),
            Simple::GlobalAvgPool { x, y } => self.global_avg_pool_backward(tape, grads, *x, *y),
            Simple::HardSigmoid { x, y } => self.hard_sigmoid_backward(tape, grads, *x, *y),
            Simple::Dropout { x, y, p, index } => self.dropout_backward(tape, grads, *x, *y, *p, *index),
        }
    }

    /// Runs `work` with what readers see of each plane of `x`: block, image, plane.
    fn for_planes(&self, tape: &Tape, x: ValueId, work: impl Fn(usize, usize, &[V16]) + Send + Sync) {
        let input = self.view(tape, x);
        for_parts(tape.n, |_, images| {
            with_scratch([input.pixels, 0, 0], |[plane, ..]| {
                for image in images {
                    for b in 0..input.blocks {
                        // SAFETY: the scratch holds a plane, block and image are inside the value.
                        let z = unsafe {
                            rows::read(self.level, input.plane(b, image), plane.0, input.pixels, &input.reading(b));
                            vectors(plane.0, input.pixels)
                        };
                        work(b, image, z);
                    }
                }
            });
        });
    }

    /// Like [`Plan::for_planes`] over the same planes of `y` to be written.
    fn map_planes(&self, tape: &Tape, x: ValueId, y: ValueId, work: impl Fn(usize, usize, &[V16], &mut [V16]) + Send + Sync) {
        let out = self.view(tape, y);
        self.for_planes(tape, x, |b, image, z| {
            // SAFETY: block and image are inside the value, parts have different images.
            work(b, image, z, unsafe { vectors_mut(out.plane(b, image), out.pixels) });
        });
    }

    /// Adds to the gradient of `x` plane by plane: block, image, what readers see of `x`, gradient of `y`, gradient of `x`.
    fn map_gradient(
        &self,
        tape: &Tape,
        grads: &mut Gradients,
        x: ValueId,
        y: ValueId,
        work: impl Fn(usize, usize, &[V16], &[V16], &mut [V16]) + Send + Sync,
    ) {
        self.settle(tape, grads, y);
        self.own_gradient(tape, grads, y);
        let out = self.view(tape, y);
        let target = self.zeroed_gradient_target(tape, grads, x);
        let g = grads.view(y, &out);
        let pixels = self.values[x].shape.pixels();
        self.for_planes(tape, x, |b, image, z| {
            // SAFETY: block and image are inside the values, parts have different images.
            unsafe {
                let g = vectors(g.plane(b, image), out.pixels);
                work(b, image, z, g, vectors_mut(target.plane(b, image), pixels));
            }
        });
        self.set_gradient(grads, x, target);
    }

    pub(super) fn mul_forward(&self, tape: &Tape, x: ValueId, factor: ValueId, y: ValueId) {
        let by = self.view(tape, factor);
        self.map_planes(tape, x, y, |b, image, z, out| {
            let mut read = V16::ZERO;
            for (px, (out, z)) in std::iter::zip(out, z).enumerate() {
                if px < by.pixels {
                    // SAFETY: the factor has one pixel, or as many as x.
                    unsafe { rows::read(self.level, by.plane(b, image).add(px * LANES), read.0.as_mut_ptr(), 1, &by.reading(b)) };
                }
                for lane in 0..LANES {
                    out.0[lane] = z.0[lane] * read.0[lane];
                }
            }
        });
    }

    pub(super) fn mul_backward(&self, tape: &Tape, grads: &mut Gradients, x: ValueId, factor: ValueId, y: ValueId) {
        self.settle(tape, grads, y);
        self.own_gradient(tape, grads, y);
        let (by, out) = (self.view(tape, factor), self.view(tape, y));
        let g = grads.view(y, &out);
        let dx = self.zeroed_gradient_target(tape, grads, x);
        self.for_planes(tape, factor, |b, image, f| {
            // SAFETY: block and image are inside the values, parts have different images.
            let (g, dx) = unsafe { (vectors(g.plane(b, image), out.pixels), vectors_mut(dx.plane(b, image), out.pixels)) };
            for (px, (dx, g)) in std::iter::zip(dx, g).enumerate() {
                let f = f[px.min(by.pixels - 1)];
                for lane in 0..LANES {
                    dx.0[lane] += g.0[lane] * f.0[lane];
                }
            }
        });
        self.set_gradient(grads, x, dx);
        let df = self.zeroed_gradient_target(tape, grads, factor);
        self.for_planes(tape, x, |b, image, z| {
            // SAFETY: as above.
            let (g, df) = unsafe { (vectors(g.plane(b, image), out.pixels), vectors_mut(df.plane(b, image), by.pixels)) };
            for (px, (z, g)) in std::iter::zip(z, g).enumerate() {
                let df = &mut df[px.min(by.pixels - 1)];
                for lane in 0..LANES {
                    df.0[lane] += g.0[lane] * z.0[lane];
                }
            }
        });
        self.set_gradient(grads, factor, df);
    }

    fn pool_window(&self, x: ValueId, y: ValueId, kernel: usize, stride: usize) -> PoolWindow {
        let (from, to) = (self.values[x].shape, self.values[y].shape);
        PoolWindow { kernel, stride, in_w: from.w, out_h: to.h, out_w: to.w }
    }

    pub(super) fn max_pool_forward(&self, tape: &Tape, x: ValueId, y: ValueId, kernel: usize, stride: usize) {
        let window = self.pool_window(x, y, kernel, stride);
        self.map_planes(tape, x, y, |_, _, z, out| {
            // SAFETY: the planes have the window's shapes.
            unsafe { pool::forward(self.level, z.as_ptr().cast(), out.as_mut_ptr().cast(), &window) };
        });
    }

    pub(super) fn max_pool_backward(
        &self,
        tape: &Tape,
        grads: &mut Gradients,
        x: ValueId,
        y: ValueId,
        kernel: usize,
        stride: usize,
    ) {
        let window = self.pool_window(x, y, kernel, stride);
        self.map_gradient(tape, grads, x, y, |_, _, z, g, dx| {
            // SAFETY: the planes have the window's shapes.
            unsafe { pool::backward(self.level, z.as_ptr().cast(), g.as_ptr().cast(), dx.as_mut_ptr().cast(), &window) };
        });
    }

    pub(super) fn global_avg_pool_forward(&self, tape: &Tape, x: ValueId, y: ValueId) {
        self.map_planes(tape, x, y, |_, _, z, out| {
            let mut sum = [0.0; LANES];
            for v in z {
                for lane in 0..LANES {
                    sum[lane] += v.0[lane];
                }
            }
            out[0] = V16(sum.map(|s| s / z.len() as f32));
        });
    }

    pub(super) fn global_avg_pool_backward(&self, tape: &Tape, grads: &mut Gradients, x: ValueId, y: ValueId) {
        self.map_gradient(tape, grads, x, y, |_, _, z, g, dx| {
            for v in dx {
                for lane in 0..LANES {
                    v.0[lane] += g[0].0[lane] / z.len() as f32;
                }
            }
        });
    }

    pub(super) fn hard_sigmoid_forward(&self, tape: &Tape, x: ValueId, y: ValueId) {
        self.map_planes(tape, x, y, |_, _, z, out| {
            for (out, z) in std::iter::zip(out, z) {
                out.0 = z.0.map(|v| (v + 3.0).clamp(0.0, 6.0) / 6.0);
            }
        });
    }

    pub(super) fn hard_sigmoid_backward(&self, tape: &Tape, grads: &mut Gradients, x: ValueId, y: ValueId) {
        self.map_gradient(tape, grads, x, y, |_, _, z, g, dx| {
            for ((z, g), dx) in std::iter::zip(std::iter::zip(z, g), dx) {
                for lane in 0..LANES {
                    let inside = z.0[lane] > -3.0 && z.0[lane] < 3.0;
                    dx.0[lane] += if inside { g.0[lane] / 6.0 } else { 0.0 };
                }
            }
        });
    }

    /// What a dropped or kept vector is multiplied with: 0 or 1/(1-p), from a hash of seed and place: pixel `px` of a plane, of which
    /// an image has `blocks`.
    fn dropout_factors(&self, tape: &Tape, p: f32, index: usize, blocks: usize, plane: usize, px: usize) -> V16 {
        let keep = 1.0 / (1.0 - p);
        let threshold = (f64::from(p) * 2f64.powi(32)) as u64;
        // A share's images are told from those of the others by their place in the whole batch.
        let before = self.group.as_ref().map_or(0, |g| g.rank() * tape.n * blocks);
        let place = ((before + plane) << 16) + px;
        V16(std::array::from_fn(|lane| {
            let at = ((index as u64) << 48) ^ (place * LANES + lane) as u64;
            let drop = hash(tape.dropout_seed ^ hash(at)) >> 32 < threshold;
            if drop { 0.0 } else { keep }
        }))
    }

    pub(super) fn dropout_forward(&self, tape: &Tape, x: ValueId, y: ValueId, p: f32, index: usize) {
        let drops = p > 0.0 && tape.mode.drops();
        let blocks = self.values[y].blocks();
        self.map_planes(tape, x, y, |b, image, z, out| {
            for (px, (out, z)) in std::iter::zip(out, z).enumerate() {
                *out = *z;
                if drops {
                    let factors = self.dropout_factors(tape, p, index, blocks, image * blocks + b, px);
                    for lane in 0..LANES {
                        out.0[lane] *= factors.0[lane];
                    }
                }
            }
        });
    }

    pub(super) fn dropout_backward(&self, tape: &Tape, grads: &mut Gradients, x: ValueId, y: ValueId, p: f32, index: usize) {
        if p == 0.0 {
            self.settle(tape, grads, y);
            return self.pass_on(tape, grads, y, x, 0, 1.0);
        }
        let blocks = self.values[y].blocks();
        self.map_gradient(tape, grads, x, y, |b, image, _, g, dx| {
            for (px, (dx, g)) in std::iter::zip(dx, g).enumerate() {
                let factors = self.dropout_factors(tape, p, index, blocks, image * blocks + b, px);
                for lane in 0..LANES {
                    dx.0[lane] += g.0[lane] * factors.0[lane];
                }
            }
        });
    }
}

/// SplitMix64's output function (Steele, Lea, Flood 2014).
fn hash(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
