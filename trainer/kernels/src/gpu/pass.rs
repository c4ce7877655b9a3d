//! A plan on a GPU, a pass over it while it runs, and what all steps need.

use super::arguments::{Reading, Window, args};
use super::machine::{Address, Result};
use super::memory::{Gpu, Memory};
use crate::plan::{Mode, Plan, ValueId};

/// A graph ready to run on a GPU.
#[derive(Clone, Debug)]
pub struct GpuPlan {
    pub(super) plan: Plan,
    pub(super) gpu: Gpu,
    /// Values of the patches that a dense convolution writes out at once.
    pub(super) patches: usize,
}

/// Of patches, where nothing else is asked for: 256 MiB.
const PATCHES: usize = 1 << 26;

/// What a forward pass leaves on the GPU for the backward pass.
#[derive(Debug)]
pub struct GpuKept(pub(super) Tape);

/// A value's batch norm in numbers: scale, shift, mean and 1/deviation, `[4][channel]`.
#[derive(Debug)]
pub(super) struct Affine {
    pub memory: Memory,
    pub channels: usize,
}

impl Affine {
    /// Where one of the four begins.
    pub fn row(&self, i: usize) -> Address {
        self.memory.float(i * self.channels)
    }
}

/// A pass while it runs.
#[derive(Debug)]
pub(super) struct Tape {
    pub n: usize,
    pub mode: Mode,
    pub dropout_seed: u64,
    pub raw: Vec<Option<Memory>>,
    pub affine: Vec<Option<Affine>>,
    pub params: Memory,
    pub masks: Vec<f32>,
}

/// A stored value during a pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub at: Address,
    pub how: Reading,
    pub channels: usize,
    /// Values a channel: images × pixels.
    pub per: usize,
    pub pixels: usize,
    pub is_plain: bool,
}

impl View {
    /// Values.
    pub fn len(&self) -> usize {
        self.channels * self.per
    }
}

impl GpuPlan {
    /// Prepares a plan for a GPU. One of a [group](Plan::in_group) runs this process's share.
    pub fn new(plan: Plan, gpu: &Gpu) -> Self {
        Self { plan, gpu: gpu.clone(), patches: PATCHES }
    }

    /// The same with other room for the patches of a dense convolution, in values: less room needs more launches.
    #[must_use]
    pub fn with_patches(mut self, values: usize) -> Self {
        self.patches = values;
        self
    }

    /// What it computes.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    pub(super) fn view(&self, tape: &Tape, v: ValueId) -> View {
        let value = &self.plan.values[v];
        let affine = tape.affine[v].as_ref();
        let row = |i| affine.map_or(0, |affine| affine.row(i));
        View {
            at: tape.raw[v].as_ref().expect("a value is kept until its last reader has run").at(),
            how: Reading { scale: row(0), shift: row(1), relu: i32::from(value.relu) },
            channels: value.shape.c,
            per: tape.n * value.shape.pixels(),
            pixels: value.shape.pixels(),
            is_plain: value.is_plain(),
        }
    }

    /// Values of `v` for the pass's batch.
    pub(super) fn len(&self, tape: &Tape, v: ValueId) -> usize {
        tape.n * self.plan.values[v].shape.volume()
    }

    /// The window of a step from `x` to `y`.
    pub(super) fn window(&self, tape: &Tape, x: ValueId, y: ValueId, kernel: usize, stride: usize) -> Window {
        let (from, to) = (self.plan.values[x].shape, self.plan.values[y].shape);
        let [images, kernel, stride, in_h, in_w, out_h, out_w] =
            [tape.n, kernel, stride, from.h, from.w, to.h, to.w].map(|side| side as u32);
        Window { images, kernel, stride, dilation: 1, padding: 0, in_h, in_w, out_h, out_w }
    }

    /// `[n][c][h][w]` on the host into `[c][n][h][w]` on the GPU.
    pub(super) fn pack(&self, values: &[f32], n: usize, channels: usize) -> Result<Memory> {
        let (from, to) = (self.gpu.upload(values)?, self.gpu.floats(values.len())?);
        self.swap_planes(&from, &to, values.len(), n, channels)?;
        Ok(to)
    }

    /// The way back.
    pub(super) fn unpack(&self, from: &Memory, len: usize, n: usize, channels: usize) -> Result<Vec<f32>> {
        let (to, mut values) = (self.gpu.floats(len)?, vec![0.0; len]);
        self.swap_planes(from, &to, len, channels, n)?;
        self.gpu.download(&to, &mut values)?;
        Ok(values)
    }

    /// `[a][b][pixels]` into `[b][a][pixels]`.
    fn swap_planes(&self, from: &Memory, to: &Memory, len: usize, a: usize, b: usize) -> Result<()> {
        self.gpu.each("swap_planes", len, args![from.at(), to.at(), len, a, b, len / (a * b)])
    }

    /// What readers of a value see, written out; none where that is the value itself.
    pub(super) fn seen(&self, view: &View) -> Result<Option<Memory>> {
        if view.is_plain {
            return Ok(None);
        }
        let memory = self.gpu.floats(view.len())?;
        self.add_seen(view.at, view.how, memory.at(), view.len(), view.per, 1.0, false)?;
        Ok(Some(memory))
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn add_seen(
        &self,
        from: Address,
        how: Reading,
        to: Address,
        len: usize,
        per: usize,
        factor: f32,
        accumulate: bool,
    ) -> Result<()> {
        self.gpu.each("add_seen", len, args![from, how, to, len, per, factor, accumulate])
    }
}
