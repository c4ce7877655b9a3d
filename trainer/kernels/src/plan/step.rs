//! The steps of a program: calls of kernels.

use std::ops::Range;

use blocks::{Conv, Op};

/// Index of a stored value.
pub(crate) type ValueId = usize;

/// One value that a mixture adds, with the candidates whose masks weigh it.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) value: ValueId,
    /// First output block that it covers.
    pub(crate) offset: usize,
    pub(crate) candidates: Vec<usize>,
}

/// A convolution of a stored value.
#[derive(Clone, Debug)]
pub(crate) struct Convolution {
    pub(crate) x: ValueId,
    pub(crate) y: ValueId,
    pub(crate) conv: Conv,
    /// Where its weights lie among the parameters.
    pub(crate) weight: Range<usize>,
    pub(crate) bias: Option<Range<usize>>,
}

/// A call of a kernel.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// Input number → blocked value.
    Pack {
        input: usize,
        y: ValueId,
    },
    /// Dense convolution, pointwise and fully connected included.
    Conv(Convolution),
    Depthwise(Convolution),
    Add {
        a: ValueId,
        b: ValueId,
        y: ValueId,
    },
    Concat {
        parts: Vec<ValueId>,
        y: ValueId,
    },
    Mixture {
        layer: usize,
        terms: Vec<Term>,
        y: ValueId,
    },
    /// A step of one of the operators that need nothing but their inputs.
    Simple(Simple),
}

impl Step {
    /// The values it reads.
    pub(crate) fn reads(&self) -> Vec<ValueId> {
        match self {
            Self::Pack { .. } => vec![],
            Self::Conv(Convolution { x, .. }) | Self::Depthwise(Convolution { x, .. }) => vec![*x],
            Self::Add { a, b, .. } => vec![*a, *b],
            Self::Simple(step) => step.reads(),
            Self::Concat { parts, .. } => parts.clone(),
            Self::Mixture { terms, .. } => terms.iter().map(|t| t.value).collect(),
        }
    }

    /// The value it makes.
    pub(crate) fn makes(&self) -> ValueId {
        match self {
            Self::Pack { y, .. }
            | Self::Conv(Convolution { y, .. })
            | Self::Depthwise(Convolution { y, .. })
            | Self::Add { y, .. }
            | Self::Concat { y, .. }
            | Self::Mixture { y, .. } => *y,
            Self::Simple(step) => step.makes(),
        }
    }
}

/// Steps that read their inputs and make one value, whatever stands around them; `simple.rs` computes them.
#[derive(Clone, Debug)]
pub(crate) enum Simple {
    Mul {
        x: ValueId,
        factor: ValueId,
        y: ValueId,
    },
    MaxPool {
        x: ValueId,
        y: ValueId,
        kernel: usize,
        stride: usize,
    },
    GlobalAvgPool {
        x: ValueId,
        y: ValueId,
    },
    HardSigmoid {
        x: ValueId,
        y: ValueId,
    },
    /// Dropout, or with p = 0 a copy of what readers of `x` see.
    Dropout {
        x: ValueId,
        y: ValueId,
        p: f32,
        index: usize,
    },
}

impl Simple {
    /// The step of an operator; `index` is the node's number. `None` for operators whose step depends on their neighbours or weights:
    /// `compile` makes those.
    pub(crate) fn of(op: &Op, inputs: &[ValueId], y: ValueId, index: usize) -> Option<Self> {
        let x = *inputs.first()?;
        match op {
            Op::Mul => Some(Self::Mul { x, factor: inputs[1], y }),
            Op::MaxPool { kernel, stride } => Some(Self::MaxPool { x, y, kernel: *kernel, stride: *stride }),
            Op::GlobalAvgPool => Some(Self::GlobalAvgPool { x, y }),
            Op::HardSigmoid => Some(Self::HardSigmoid { x, y }),
            Op::Dropout { p } => Some(Self::Dropout { x, y, p: *p, index }),
            Op::Input | Op::Conv(_) | Op::Linear { .. } | Op::BatchNorm | Op::Relu | Op::Add | Op::Concat | Op::Mixture { .. } => {
                None
            }
        }
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Mul { .. } => "mul",
            Self::MaxPool { .. } => "max pool",
            Self::GlobalAvgPool { .. } => "global average",
            Self::HardSigmoid { .. } => "hard sigmoid",
            Self::Dropout { .. } => "dropout",
        }
    }

    fn reads(&self) -> Vec<ValueId> {
        match self {
            Self::MaxPool { x, .. } | Self::GlobalAvgPool { x, .. } | Self::HardSigmoid { x, .. } | Self::Dropout { x, .. } => {
                vec![*x]
            }
            Self::Mul { x, factor, .. } => vec![*x, *factor],
        }
    }

    fn makes(&self) -> ValueId {
        match self {
            Self::Mul { y, .. }
            | Self::MaxPool { y, .. }
            | Self::GlobalAvgPool { y, .. }
            | Self::HardSigmoid { y, .. }
            | Self::Dropout { y, .. } => *y,
        }
    }
}
