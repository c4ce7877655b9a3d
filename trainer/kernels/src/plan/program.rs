//! What a graph becomes: stored values, and the steps that compute them.

use std::ops::Range;
use std::sync::Arc;

use blocks::Shape;

use super::step::{Step, ValueId};
use super::times::Times;
use crate::buffer::{Buffer, Pool};
use crate::group::Group;
use crate::ops::layout::blocks as blocks_of;
use crate::simd::Level;

/// How batch norm and dropout behave in a forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Statistics of the batch; running statistics are moved (momentum 0.1, unbiased variance). Dropout drops.
    Train,
    /// The same, and of each mixture only candidates with a mask above 0 are computed and trained: with one a layer, a path. On the CPU
    /// only.
    TrainPath,
    /// Statistics of the batch; running statistics stay as they are. Dropout drops.
    TrainFrozenStats,
    /// Running statistics, no dropout.
    Eval,
    /// Running statistics, and dropout drops all the same.
    EvalDropping,
}

impl Mode {
    /// Whether batch norm uses the batch's statistics, and a backward pass can follow.
    pub fn is_training(self) -> bool {
        matches!(self, Self::Train | Self::TrainPath | Self::TrainFrozenStats)
    }

    /// Whether running statistics are moved.
    pub fn moves_statistics(self) -> bool {
        matches!(self, Self::Train | Self::TrainPath)
    }

    /// Whether dropout drops.
    pub fn drops(self) -> bool {
        self != Self::Eval
    }
}

/// Where a batch norm's weights lie in the flat slices.
#[derive(Clone, Debug)]
pub(crate) struct Norm {
    pub(crate) gamma: Range<usize>,
    pub(crate) beta: Range<usize>,
    /// In the running statistics.
    pub(crate) mean: Range<usize>,
    pub(crate) var: Range<usize>,
}

/// A stored value: a raw output, and how its readers see it.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) shape: Shape,
    pub(crate) norm: Option<Norm>,
    pub(crate) relu: bool,
    /// An input that is read as it comes, `[n][c][h][w]`.
    pub(crate) planar: bool,
    /// Last step that reads it.
    pub(crate) last_use: usize,
    /// Not kept for the backward pass, but made once more there, by this step.
    pub(crate) again: Option<usize>,
}

impl Value {
    pub(crate) fn blocks(&self) -> usize {
        blocks_of(self.shape.c)
    }

    /// Vectors of the whole value for a batch of `n`.
    pub(crate) fn len(&self, n: usize) -> usize {
        self.blocks() * n * self.shape.pixels()
    }

    /// Whether readers see the raw output itself.
    pub(crate) fn is_plain(&self) -> bool {
        self.norm.is_none() && !self.relu
    }
}

/// A graph ready to run on the CPU.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) values: Vec<Value>,
    pub(crate) steps: Vec<Step>,
    /// The value of each input; planar ones are read in place.
    pub(crate) inputs: Vec<ValueId>,
    pub(crate) outputs: Vec<ValueId>,
    pub(crate) params: usize,
    pub(crate) stats: usize,
    pub(crate) mask_layers: usize,
    pub(crate) mask_width: usize,
    pub(crate) level: Level,
    pub(crate) pool: Pool,
    pub(crate) group: Option<Arc<dyn Group>>,
    pub(crate) times: Option<Arc<Times>>,
}

impl Plan {
    /// The same plan for one of several processes that share each batch: [`Plan::forward`] is given this process's share, and
    /// [`Plan::backward`] gives the gradients of the share, whose mean over the processes is that of the whole batch.
    #[must_use]
    pub fn in_group(mut self, group: Arc<dyn Group>) -> Self {
        self.group = Some(group);
        self
    }

    /// Runs a pass, which holds hundreds of parallel loops, on a thread of the pool: from any other thread each loop wakes the pool and waits
    /// to be woken, tens of microseconds each.
    pub(super) fn on_pool<R: Send>(&self, pass: impl FnOnce() -> R + Send) -> R {
        if self.group.as_ref().is_some_and(|g| g.shares_pool()) { pass() } else { rayon::scope(|_| pass()) }
    }

    /// The instruction set that it runs with on the CPU.
    pub fn level(&self) -> Level {
        self.level
    }

    /// Searched layers and the width of a row of masks: the mask slice is `[layers][width]`.
    pub fn mask_shape(&self) -> (usize, usize) {
        (self.mask_layers, self.mask_width)
    }

    /// Shapes of the outputs for one image.
    pub fn output_shapes(&self) -> Vec<Shape> {
        self.outputs.iter().map(|&v| self.values[v].shape).collect()
    }

    /// Shapes of the inputs for one image.
    pub fn input_shapes(&self) -> Vec<Shape> {
        self.inputs.iter().map(|&v| self.values[v].shape).collect()
    }
}

/// A stored value's batch norm in numbers: one vector a block each.
#[derive(Debug)]
pub(crate) struct Affine {
    pub(crate) scale: Buffer,
    pub(crate) shift: Buffer,
    pub(crate) mean: Buffer,
    pub(crate) istd: Buffer,
}
