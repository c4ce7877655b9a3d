//! The forward pass.

use rayon::prelude::*;

use super::times::Direction;
use super::{Affine, Mode, Plan, Step, Value, ValueId};
use crate::buffer::{Buffer, Ptr};
use crate::ops::layout::{pack_block, unpack_block};
use crate::ops::rows::{self, Reading};
use crate::ops::{for_parts, with_scratch};
use crate::simd::LANES;

/// What a pass reads: the same values, in the same places, forward and backward.
#[derive(Clone, Copy, Debug)]
pub struct Arguments<'a> {
    /// `[n][c][h][w]` each, in the graph's order.
    pub inputs: &'a [&'a [f32]],
    /// Trained parameters, in the plan's order.
    pub params: &'a [f32],
    /// `[layers][width]` ([`Plan::mask_shape`]), empty for a graph without mixtures.
    pub masks: &'a [f32],
}

/// What a forward pass leaves for the backward pass.
#[derive(Debug)]
pub struct Kept {
    n: usize,
    mode: Mode,
    dropout_seed: u64,
    raw: Vec<Option<Buffer>>,
    affine: Vec<Option<Affine>>,
}

impl Kept {
    /// Bytes of the stored values.
    pub fn bytes(&self) -> usize {
        self.raw.iter().flatten().map(|b| b.len() * size_of::<crate::simd::V16>()).sum()
    }
}

/// A pass while it runs: what it reads, and what is stored so far.
#[derive(Debug)]
pub(super) struct Tape<'a> {
    pub n: usize,
    pub mode: Mode,
    pub dropout_seed: u64,
    pub raw: Vec<Option<Buffer>>,
    pub affine: Vec<Option<Affine>>,
    pub inputs: &'a [&'a [f32]],
    pub masks: &'a [f32],
    pub params: &'a [f32],
}

impl<'a> Tape<'a> {
    /// A pass that goes on from what was kept, with the same arguments.
    pub fn new(kept: Kept, args: Arguments<'a>) -> Self {
        let Kept { n, mode, dropout_seed, raw, affine } = kept;
        let Arguments { inputs, params, masks } = args;
        Self { n, mode, dropout_seed, raw, affine, inputs, masks, params }
    }

    fn keep(self) -> Kept {
        let Self { n, mode, dropout_seed, raw, affine, .. } = self;
        Kept { n, mode, dropout_seed, raw, affine }
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

    /// The values of an input that is read in place.
    pub(super) fn planar<'a>(&self, tape: &Tape<'a>, v: ValueId) -> Option<&'a [f32]> {
        let number = self.inputs.iter().position(|&input| input == v)?;
        self.values[v].planar.then(|| tape.inputs[number])
    }

    /// The batch size that the arguments imply.
    ///
    /// # Panics
    /// Where a slice has another length than the plan's shapes ask for.
    pub(crate) fn batch(&self, args: &Arguments<'_>) -> usize {
        assert_eq!(args.inputs.len(), self.inputs.len(), "inputs");
        assert_eq!(args.params.len(), self.params, "parameters");
        assert_eq!(args.masks.len(), self.mask_layers * self.mask_width, "masks");
        let n = args.inputs[0].len() / self.values[self.inputs[0]].shape.volume();
        for (input, &v) in std::iter::zip(args.inputs, &self.inputs) {
            assert_eq!(input.len(), n * self.values[v].shape.volume(), "input of shape {}", self.values[v].shape);
        }
        n
    }

    /// Runs the graph on a batch.
    ///
    /// `stats` are the running statistics, moved where the [mode](Mode::moves_statistics) says so. Returns the outputs, `[n][c][h][w]` each, and
    /// what [`Plan::backward`] needs, which is empty unless the mode [is one of training](Mode::is_training).
    ///
    /// # Panics
    /// Where a slice has another length than the plan's shapes ask for.
    pub fn forward(&self, args: Arguments<'_>, stats: &mut [f32], mode: Mode, dropout_seed: u64) -> (Vec<Vec<f32>>, Kept) {
        self.on_pool(|| {
            assert_eq!(stats.len(), self.stats, "running statistics");
            let n = self.batch(&args);
            let nothing = Kept {
                n,
                mode,
                dropout_seed,
                raw: (0..self.values.len()).map(|_| None).collect(),
                affine: (0..self.values.len()).map(|_| None).collect(),
            };
            let mut tape = Tape::new(nothing, args);
            let needed = self.needed(args.masks, mode);
            for (i, step) in self.steps.iter().enumerate().filter(|(i, _)| needed[*i]) {
                let y = step.makes();
                tape.raw[y] = Some(self.pool.take(self.values[y].len(n)));
                tape.affine[y] = self.time(i, Direction::Forward, || {
                    self.run(&tape, step);
                    self.values[y].norm.as_ref().map(|norm| self.normalise(&tape, y, norm, stats))
                });
                for x in step.reads() {
                    if self.values[x].last_use == i && (!mode.is_training() || self.values[x].again.is_some()) {
                        tape.raw[x] = None;
                    }
                }
            }
            let outputs = self.outputs.iter().map(|&v| self.unpack(&tape, v)).collect();
            if !mode.is_training() {
                tape.raw.fill_with(|| None);
            }
            (outputs, tape.keep())
        })
    }

    /// The steps that the outputs depend on: all, but in [`Mode::TrainPath`] without those of candidates that are left out.
    fn needed(&self, masks: &[f32], mode: Mode) -> Vec<bool> {
        if mode != Mode::TrainPath {
            return vec![true; self.steps.len()];
        }
        let mut is_read = vec![false; self.values.len()];
        self.outputs.iter().for_each(|&v| is_read[v] = true);
        let mut needed = vec![false; self.steps.len()];
        for (i, step) in self.steps.iter().enumerate().rev() {
            needed[i] = is_read[step.makes()];
            if !needed[i] {
                continue;
            }
            match step {
                Step::Mixture { layer, terms, .. } => {
                    let read = terms.iter().filter(|term| self.coefficient(masks, *layer, term) != 0.0);
                    read.for_each(|term| is_read[term.value] = true);
                }
                _ => step.reads().into_iter().for_each(|x| is_read[x] = true),
            }
        }
        needed
    }

    /// Makes a value once more that was not kept: the same numbers, since step and inputs are the same.
    pub(super) fn restore(&self, tape: &mut Tape, v: ValueId) {
        if let (None, Some(step)) = (&tape.raw[v], self.values[v].again) {
            tape.raw[v] = Some(self.pool.take(self.values[v].len(tape.n)));
            self.run(tape, &self.steps[step]);
        }
    }

    fn run(&self, tape: &Tape, step: &Step) {
        match step {
            Step::Pack { input, y } => self.pack(tape, tape.inputs[*input], *y),
            Step::Conv(convolution) => self.conv_forward(tape, convolution),
            Step::Depthwise(convolution) => self.depthwise_forward(tape, convolution),
            Step::Add { a, b, y } => self.add_forward(tape, &[*a, *b], *y),
            Step::Concat { parts, y } => self.concat_forward(tape, parts, *y),
            Step::Mixture { layer, terms, y } => self.mixture_forward(tape, *layer, terms, *y),
            Step::Simple(step) => self.simple_forward(tape, step),
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
        if let Some(input) = self.planar(tape, v) {
            return input.to_vec();
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
