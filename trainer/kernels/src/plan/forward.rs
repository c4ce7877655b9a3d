//! The forward pass.

use rayon::prelude::*;

use super::{Affine, Mode, Plan, Step, Value, ValueId};
use crate::buffer::{Buffer, Ptr};
use crate::ops::layout::{pack_block, unpack_block};
use crate::ops::rows::{self, Reading};
use crate::ops::{for_parts, with_scratch};
use crate::simd::LANES;

/// What a forward pass leaves for the backward pass.
#[derive(Debug)]
pub struct Tape {
    pub(super) n: usize,
    pub(super) mode: Mode,
    pub(super) dropout_seed: u64,
    pub(super) raw: Vec<Option<Buffer>>,
    pub(super) affine: Vec<Option<Affine>>,
    /// Inputs that are read in place, by value.
    pub(super) planar: Vec<Option<Vec<f32>>>,
    pub(super) masks: Vec<f32>,
    pub(super) params: Vec<f32>,
}

impl Tape {
    /// Bytes of the stored values.
    pub fn bytes(&self) -> usize {
        self.raw.iter().flatten().map(|b| b.len() * size_of::<crate::simd::V16>()).sum()
    }
}

/// A stored value during a pass: where its rows lie and how they are read.
#[derive(Clone, Copy)]
pub(super) struct View {
    y: Ptr,
    scale: Option<Ptr>,
    shift: Option<Ptr>,
    relu: bool,
    n: usize,
    pub pixels: usize,
    pub blocks: usize,
}

impl View {
    pub fn is_plain(&self) -> bool {
        self.scale.is_none() && !self.relu
    }

    /// Vectors from one block to the next.
    pub fn stride(&self) -> usize {
        self.n * self.pixels
    }

    /// The raw plane of one block of one image.
    ///
    /// # Safety
    /// `block` and `image` must be inside the value.
    pub unsafe fn plane(&self, block: usize, image: usize) -> *mut f32 {
        unsafe { self.y.at((block * self.n + image) * self.pixels) }
    }

    /// How readers see rows of a block.
    pub fn reading(&self, block: usize) -> Reading {
        // SAFETY: scale and shift have a vector a block.
        let of = |p: Option<Ptr>| p.map_or(std::ptr::null(), |p| unsafe { p.at(block) }.cast_const());
        Reading { scale: of(self.scale), shift: of(self.shift), relu: self.relu }
    }
}

impl Plan {
    pub(super) fn view(&self, tape: &Tape, v: ValueId) -> View {
        let value: &Value = &self.values[v];
        let affine = tape.affine[v].as_ref();
        View {
            y: tape.raw[v].as_ref().expect("a value is kept until its last reader has run").ptr(),
            scale: affine.map(|a| a.scale.ptr()),
            shift: affine.map(|a| a.shift.ptr()),
            relu: value.relu,
            n: tape.n,
            pixels: value.shape.pixels(),
            blocks: value.blocks(),
        }
    }

    /// Runs the graph on a batch of `n`.
    ///
    /// `inputs` are `[n][c][h][w]` each; `masks` is `[layers][width]` ([`Plan::mask_shape`]), empty for a graph without
    /// mixtures; `stats` are the running statistics, moved in [`Mode::Train`]. Returns the outputs, `[n][c][h][w]` each, and
    /// the tape for [`Plan::backward`], which is empty unless the mode [is one of training](Mode::is_training).
    ///
    /// # Panics
    /// Where a slice has another length than the plan's shapes ask for.
    pub fn forward(
        &self,
        inputs: &[&[f32]],
        params: &[f32],
        stats: &mut [f32],
        masks: &[f32],
        mode: Mode,
        dropout_seed: u64,
    ) -> (Vec<Vec<f32>>, Tape) {
        assert_eq!(inputs.len(), self.inputs.len(), "inputs");
        assert_eq!(params.len(), self.params, "parameters");
        assert_eq!(stats.len(), self.stats, "running statistics");
        assert_eq!(masks.len(), self.mask_layers * self.mask_width, "masks");
        let n = inputs[0].len() / self.values[self.inputs[0]].shape.volume();
        for (input, &v) in std::iter::zip(inputs, &self.inputs) {
            assert_eq!(input.len(), n * self.values[v].shape.volume(), "input of shape {}", self.values[v].shape);
        }
        let mut tape = Tape {
            n,
            mode,
            dropout_seed,
            raw: (0..self.values.len()).map(|_| None).collect(),
            affine: (0..self.values.len()).map(|_| None).collect(),
            planar: vec![None; self.values.len()],
            masks: masks.to_vec(),
            params: params.to_vec(),
        };
        for (input, &v) in std::iter::zip(inputs, &self.inputs) {
            if self.values[v].planar {
                tape.planar[v] = Some(input.to_vec());
            }
        }
        for (i, step) in self.steps.iter().enumerate() {
            let y = step.makes();
            tape.raw[y] = Some(self.pool.take(self.values[y].len(n)));
            self.run(&mut tape, step, inputs);
            if let Some(norm) = &self.values[y].norm {
                let affine = self.normalise(&tape, y, norm, stats);
                tape.affine[y] = Some(affine);
            }
            if !mode.is_training() {
                for x in step.reads() {
                    if self.values[x].last_use == i {
                        tape.raw[x] = None;
                    }
                }
            }
        }
        let outputs = self.outputs.iter().map(|&v| self.unpack(&tape, v)).collect();
        if !mode.is_training() {
            tape.raw.fill_with(|| None);
        }
        (outputs, tape)
    }

    fn run(&self, tape: &mut Tape, step: &Step, inputs: &[&[f32]]) {
        match step {
            Step::Pack { input, y } => self.pack(tape, inputs[*input], *y),
            Step::Conv { x, y, conv, weight, bias } => {
                let bias = bias.clone().map(|r| &tape.params[r]);
                self.conv_forward(tape, *x, *y, conv, &tape.params[weight.clone()], bias);
            }
            Step::Depthwise { x, y, conv, weight, bias } => {
                let bias = bias.clone().map(|r| &tape.params[r]);
                self.depthwise_forward(tape, *x, *y, conv, &tape.params[weight.clone()], bias);
            }
            Step::Add { a, b, y } => self.add_forward(tape, &[*a, *b], *y),
            Step::Mul { x, factor, y } => self.mul_forward(tape, *x, *factor, *y),
            Step::Concat { parts, y } => self.concat_forward(tape, parts, *y),
            Step::Mixture { layer, terms, y } => self.mixture_forward(tape, *layer, terms, *y),
            Step::MaxPool { x, y, kernel, stride } => self.max_pool_forward(tape, *x, *y, *kernel, *stride),
            Step::GlobalAvgPool { x, y } => self.global_avg_pool_forward(tape, *x, *y),
            Step::HardSigmoid { x, y } => self.hard_sigmoid_forward(tape, *x, *y),
            Step::Dropout { x, y, p, index } => self.dropout_forward(tape, *x, *y, *p, *index),
        }
    }

    fn pack(&self, tape: &Tape, input: &[f32], y: ValueId) {
        let view = self.view(tape, y);
        let c = self.values[y].shape.c;
        for_parts(tape.n, |_, images| {
            for image in images {
                let planes = &input[image * c * view.pixels..(image + 1) * c * view.pixels];
                for (b, src) in planes.chunks(LANES * view.pixels).enumerate() {
                    // SAFETY: block and image are inside the value.
                    unsafe { pack_block(src, view.pixels, view.plane(b, image)) };
                }
            }
        });
    }

    /// What readers of a value see, `[n][c][h][w]`.
    fn unpack(&self, tape: &Tape, v: ValueId) -> Vec<f32> {
        if let Some(input) = &tape.planar[v] {
            return input.clone();
        }
        let view = self.view(tape, v);
        let c = self.values[v].shape.c;
        let mut out = vec![0.0; tape.n * c * view.pixels];
        out.par_chunks_exact_mut(c * view.pixels).enumerate().for_each(|(image, planes)| {
            for (b, dst) in planes.chunks_mut(LANES * view.pixels).enumerate() {
                with_scratch([view.pixels, 0, 0], |[scratch, ..]| {
                    // SAFETY: block and image are inside the value; the scratch holds a plane.
                    unsafe {
                        rows::read(self.level, view.plane(b, image), scratch.0, view.pixels, &view.reading(b));
                        unpack_block(scratch.0, view.pixels, dst);
                    }
                });
            }
        });
        out
    }
}
