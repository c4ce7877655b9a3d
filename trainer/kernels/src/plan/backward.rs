//! The backward pass.

use std::sync::Arc;

use rayon::prelude::*;

use super::forward::Tape;
use super::forward::View;
use super::gradients::{Gradient, GradientView, Gradients, RawGradient, Target};
use super::times::Direction;
use super::{Arguments, Kept, Plan, Step, ValueId};
use crate::buffer::Ptr;
use crate::ops::layout::{pack_block, unpack_block};
use crate::ops::rows::{self, Reading};
use crate::ops::{clear, for_parts};
use crate::simd::LANES;

impl Plan {
    /// Gradients from those of the outputs (`[n][c][h][w]`, `None` for an output that the loss does not use).
    ///
    /// `args` are the forward pass's. Gradients of the parameters and of the inputs are computed only where asked for; those of
    /// the masks always.
    ///
    /// # Panics
    /// After an evaluation, or where a slice has another length than the plan's shapes and the forward pass ask for.
    pub fn backward(
        &self,
        kept: Kept,
        args: Arguments<'_>,
        outputs: &[Option<&[f32]>],
        want_params: bool,
        want_inputs: &[bool],
    ) -> Gradients {
        self.on_pool(|| {
            let mut tape = Tape::new(kept, args);
            assert!(tape.mode.is_training(), "an evaluation has no gradients");
            assert_eq!(tape.n, self.batch(&args), "the batch of the forward pass");
            assert_eq!(outputs.len(), self.outputs.len(), "output gradients");
            let mut grads = Gradients {
                params: want_params.then(|| vec![0.0; self.params]),
                inputs: Vec::new(),
                masks: vec![0.0; tape.masks.len()],
                values: vec![None; self.values.len()],
                sums: vec![None; self.values.len()],
            };
            for (g, &v) in std::iter::zip(outputs, &self.outputs) {
                if let Some(g) = g {
                    self.add_output_gradient(&tape, &mut grads, v, g);
                }
            }
            for (i, step) in self.steps.iter().enumerate().rev() {
                let y = step.makes();
                if grads.values[y].is_some() {
                    self.time(i, Direction::Backward, || {
                        for x in step.reads() {
                            self.restore(&mut tape, x);
                        }
                        self.run_backward(&tape, &mut grads, step, want_inputs);
                    });
                }
                let is_input = matches!(step, Step::Pack { .. });
                if !is_input {
                    grads.values[y] = None;
                }
                tape.raw[y] = None;
            }
            grads.inputs = std::iter::zip(&self.inputs, want_inputs)
                .map(|(&v, &want)| (want && !self.values[v].planar).then(|| self.unpack_gradient(&tape, &grads, v)))
                .collect();
            grads.values.clear();
            grads
        })
    }

    /// Whether the gradient of a value that a step reads is asked for.
    pub(crate) fn wants(&self, x: ValueId, want_inputs: &[bool]) -> bool {
        match self.inputs.iter().position(|&v| v == x) {
            Some(i) => want_inputs[i] && !self.values[x].planar,
            None => true,
        }
    }

    fn run_backward(&self, tape: &Tape, grads: &mut Gradients, step: &Step, want_inputs: &[bool]) {
        let wanted = |x: ValueId| self.wants(x, want_inputs);
        match step {
            Step::Pack { y, .. } => self.settle(tape, grads, *y),
            Step::Conv(convolution) => self.conv_backward(tape, grads, convolution, wanted(convolution.x)),
            Step::Depthwise(convolution) => self.depthwise_backward(tape, grads, convolution, wanted(convolution.x)),
            Step::Add { a, b, y } => self.add_backward(tape, grads, &[*a, *b], *y),
            Step::Concat { parts, y } => self.concat_backward(tape, grads, parts, *y),
            Step::Mixture { layer, terms, y } => self.mixture_backward(tape, grads, *layer, terms, *y),
            Step::Simple(step) => self.simple_backward(tape, grads, step),
        }
    }

    /// The gradient of `y`'s raw output; computes the gradients of its batch norm's weights on the way.
    pub(super) fn raw_gradient(&self, tape: &Tape, grads: &mut Gradients, y: ValueId) -> RawGradient {
        let abc = self.norm_backward(tape, grads, y);
        let view = self.view(tape, y);
        RawGradient { y: view, g: grads.view(y, &view), factor: grads.factor(y), abc }
    }

    /// Takes a value's gradient out to be written or added to; [`Plan::set_gradient`] puts it back.
    pub(super) fn gradient_target(&self, tape: &Tape, grads: &mut Gradients, v: ValueId) -> Target {
        let value = &self.values[v];
        let (n, pixels) = (tape.n, value.shape.pixels());
        // Sums taken before are of the gradient as it was.
        grads.sums[v] = None;
        let target = |buffer, accumulate| Target { buffer, accumulate, n, pixels };
        let Some(Gradient { buffer, offset, factor }) = grads.values[v].take() else {
            return target(self.pool.take(value.len(n)), false);
        };
        let whole = offset == 0 && factor == 1.0 && buffer.len() == value.len(n);
        match Arc::try_unwrap(buffer) {
            Ok(buffer) if whole => target(buffer, true),
            other => {
                // Shared with another value, or only a part of it: continue on an own copy.
                let shared = other.map_or_else(|shared| shared, Arc::new);
                let from = GradientView { g: shared.ptr(), offset, n, pixels };
                let own = target(self.pool.take(value.len(n)), true);
                for_parts(n, |_, images| {
                    for b in 0..value.blocks() {
                        for image in images.clone() {
                            // SAFETY: block and image are inside the value; parts have different images.
                            unsafe {
                                let (src, dst) = (from.plane(b, image), own.plane(b, image));
                                rows::add_scaled(self.level, src, dst, pixels, &Reading::PLAIN, factor, false);
                            }
                        }
                    }
                });
                own
            }
        }
    }

    /// The same with zeros instead of unspecified contents, for kernels that only add.
    pub(super) fn zeroed_gradient_target(&self, tape: &Tape, grads: &mut Gradients, v: ValueId) -> Target {
        let mut target = self.gradient_target(tape, grads, v);
        if !target.accumulate {
            clear(&mut target.buffer);
            target.accumulate = true;
        }
        target
    }

    pub(super) fn set_gradient(&self, grads: &mut Gradients, v: ValueId, target: Target) {
        grads.values[v] = Some(Gradient { buffer: Arc::new(target.buffer), offset: 0, factor: 1.0 });
    }

    /// Makes the gradient of `y` a buffer of its own with factor 1.
    pub(super) fn own_gradient(&self, tape: &Tape, grads: &mut Gradients, y: ValueId) {
        let target = self.gradient_target(tape, grads, y);
        self.set_gradient(grads, y, target);
    }

    /// Turns the gradient of `y` into that of its raw output, for steps that know nothing of batch norm and ReLU.
    pub(super) fn settle(&self, tape: &Tape, grads: &mut Gradients, y: ValueId) {
        if self.values[y].is_plain() {
            return;
        }
        let raw = self.raw_gradient(tape, grads, y);
        let (n, pixels) = (tape.n, raw.y.pixels);
        let target = Target { buffer: self.pool.take(self.values[y].len(n)), accumulate: false, n, pixels };
        for_parts(n, |_, images| {
            for b in 0..raw.y.blocks {
                for image in images.clone() {
                    // SAFETY: block and image are inside the value; parts have different images.
                    unsafe { raw.row(self, b, image, 0, pixels, target.plane(b, image)) };
                }
            }
        });
        self.set_gradient(grads, y, target);
    }

    /// Adds `factor` times the gradient of `y`, from block `offset` on, to that of `x`: shared where `x` has none yet.
    ///
    /// The gradient of `y` must be [settled](Self::settle).
    pub(super) fn pass_on(&self, tape: &Tape, grads: &mut Gradients, y: ValueId, x: ValueId, offset: usize, factor: f32) {
        let Some(from) = grads.values[y].clone() else { return };
        let (offset, factor) = (from.offset + offset, from.factor * factor);
        if grads.values[x].is_none() {
            grads.values[x] = Some(Gradient { buffer: from.buffer, offset, factor });
            return;
        }
        let target = self.gradient_target(tape, grads, x);
        let pixels = self.values[x].shape.pixels();
        let from = GradientView { g: from.buffer.ptr(), offset, n: tape.n, pixels };
        for_parts(tape.n, |_, images| {
            for b in 0..self.values[x].blocks() {
                for image in images.clone() {
                    // SAFETY: block and image are inside both values; parts have different images.
                    unsafe {
                        let (src, dst) = (from.plane(b, image), target.plane(b, image));
                        rows::add_scaled(self.level, src, dst, pixels, &Reading::PLAIN, factor, target.accumulate);
                    }
                }
            }
        });
        self.set_gradient(grads, x, target);
    }

    fn add_output_gradient(&self, tape: &Tape, grads: &mut Gradients, v: ValueId, g: &[f32]) {
        let shape = self.values[v].shape;
        assert_eq!(g.len(), tape.n * shape.volume(), "gradient of an output of shape {shape}");
        let target = self.gradient_target(tape, grads, v);
        assert!(!target.accumulate, "a value is one output");
        g.par_chunks_exact(shape.volume()).enumerate().for_each(|(image, planes)| {
            for (b, src) in planes.chunks(LANES * shape.pixels()).enumerate() {
                // SAFETY: block and image are inside the value, threads have different images.
                unsafe { pack_block(src, shape.pixels(), target.plane(b, image)) };
            }
        });
        self.set_gradient(grads, v, target);
    }

    fn unpack_gradient(&self, tape: &Tape, grads: &Gradients, v: ValueId) -> Vec<f32> {
        let shape = self.values[v].shape;
        let mut out = vec![0.0; tape.n * shape.volume()];
        let Some(gradient) = &grads.values[v] else { return out };
        let from = GradientView { g: gradient.buffer.ptr(), offset: gradient.offset, n: tape.n, pixels: shape.pixels() };
        out.par_chunks_exact_mut(shape.volume()).enumerate().for_each(|(image, planes)| {
            for (b, dst) in planes.chunks_mut(LANES * shape.pixels()).enumerate() {
                // SAFETY: block and image are inside the value.
                unsafe { unpack_block(from.plane(b, image), shape.pixels(), dst) };
            }
        });
        if gradient.factor != 1.0 {
            out.iter_mut().for_each(|x| *x *= gradient.factor);
        }
        out
    }
}

/// Scratch rows of a raw gradient for all blocks of some pixels, or the gradient itself where it is plain.
///
/// Returns the first vector and the vectors from one block to the next.
///
/// # Safety
/// `scratch` must be valid for blocks × pixels vectors, and the pixels be inside the value.
pub(super) unsafe fn raw_rows(
    plan: &Plan,
    g: &RawGradient,
    image: usize,
    first: usize,
    pixels: usize,
    scratch: Ptr,
) -> (Ptr, usize) {
    // SAFETY: promised by the caller.
    unsafe {
        if g.is_plain() {
            return (Ptr(g.g.plane(0, image).add(first * LANES)), g.y.stride());
        }
        for b in 0..g.y.blocks {
            g.row(plan, b, image, first, pixels, scratch.at(b * pixels));
        }
        (scratch, pixels)
    }
}

/// Scratch rows of what readers of a value see, for all blocks of some pixels, or the value itself where it is plain.
///
/// # Safety
/// As [`raw_rows`].
pub(super) unsafe fn read_rows(plan: &Plan, x: &View, image: usize, first: usize, pixels: usize, scratch: Ptr) -> (Ptr, usize) {
    // SAFETY: promised by the caller.
    unsafe {
        if x.is_plain() {
            return (Ptr(x.plane(0, image).add(first * LANES)), x.stride());
        }
        for b in 0..x.blocks {
            let src = x.plane(b, image).add(first * LANES);
            rows::read(plan.level, src, scratch.at(b * pixels), pixels, &x.reading(b));
        }
        (scratch, pixels)
    }
}
