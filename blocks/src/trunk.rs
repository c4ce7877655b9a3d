//! The fixed part of a network: what stands before and behind the searched layers.

use std::fmt;

use crate::graph::{Builder, Conv, Graph, NodeId};
use crate::layer::Layer;
use crate::primitive::{Inverted, InvertedShape, inverted, separable};
use crate::shape::Shape;

/// Channels of the stem.
pub(crate) const STEM: usize = 16;
/// Channels after the trunk's first inverted residual.
const FIRST: usize = 32;
/// Channels of the head's inverted residual, and of its middle and last layers.
pub(crate) const HEAD: usize = 64;
pub(crate) const HEAD_WIDE: usize = 128;
/// The stem's output is this much smaller than the input, along a side.
pub(crate) const STEM_STRIDE: usize = 4;
/// Kernel, stride and padding of the side branch from the stem's first layer.
const STEM_SIDE: (usize, usize, usize) = (9, 8, 1);
/// Channels of a picture.
const COLOURS: usize = 3;
/// The head joins three branches at a sixteenth of the input's side, which must divide it for them to be of one size.
const SIDE_STEP: usize = 16;
/// The least such side at which the pose net's last convolution leaves its pool a whole window.
const LEAST_SIDE: usize = 112;

/// The fixed part of a PFLD network: what stands before and behind the searched layers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trunk {
    /// Index (from 0) of the searched layer whose output also goes to the head.
    pub(crate) side_layer: usize,
}

/// A fixed piece of the trunk; `trunk:NAME` in tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TrunkPiece {
    /// From the picture to 16 channels at a quarter of the side.
    Stem,
    /// Inverted residual, 16 → 32 channels, halves the side.
    Block4_1,
    /// Depthwise 9×9, stride 8, on the stem's first layer.
    AvgPool1,
    /// Depthwise 3×3, stride 2, on the side layer's output.
    AvgPool2,
    /// Concatenation of the three branches and 1×1 convolution to 64 channels.
    Block6_1,
    /// Inverted residual with eSE, 64 → 64.
    Block6_2,
    /// Separable convolution, 64 → 128.
    Block6_3,
    /// Depthwise convolution over the whole map.
    Conv7,
    /// 1×1 convolution to the landmarks' coordinates.
    Fc,
}

impl TrunkPiece {
    /// All, in execution order.
    pub const ALL: [Self; 9] = [
        Self::Stem,
        Self::Block4_1,
        Self::AvgPool1,
        Self::AvgPool2,
        Self::Block6_1,
        Self::Block6_2,
        Self::Block6_3,
        Self::Conv7,
        Self::Fc,
    ];

    /// NNI's name of the module.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stem => "stem",
            Self::Block4_1 => "block4_1",
            Self::AvgPool1 => "avg_pool1",
            Self::AvgPool2 => "avg_pool2",
            Self::Block6_1 => "block6_1",
            Self::Block6_2 => "block6_2",
            Self::Block6_3 => "block6_3",
            Self::Conv7 => "conv7",
            Self::Fc => "fc",
        }
    }

    /// The piece of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.name() == name)
    }

    /// Appends the piece to a graph: its inputs in order, its outputs in order.
    pub(crate) fn build(self, g: &mut Builder, inputs: &[NodeId], points: usize) -> Vec<NodeId> {
        let x = inputs[0];
        let name = self.name();
        match self {
            Self::Stem => {
                let c_in = g.shape(x).c;
                let first = g.conv_bn_relu(x, "stem.stem_1", Conv::dense(c_in, STEM, 3).stride(2).padding(1));
                let a = g.conv_bn_relu(first, "stem.stem_2a", Conv::pointwise(STEM, STEM));
                let a = separable(g, "stem.stem_2b", a, STEM, STEM, 2, 1);
                let b = g.max_pool(first, 2, 2);
                let both = g.concat(&[a, b]);
                let y = g.conv_bn_relu(both, "stem.stem_3", Conv::pointwise(2 * STEM, STEM));
                vec![y, first]
            }
            Self::Block4_1 => {
                let block = Inverted { kernel: 3, expand: 2, residual: false, dilation: 1, se: false };
                let shape = InvertedShape { c_in: STEM, c_mid: FIRST, c_out: FIRST, stride: 2 };
                vec![inverted(g, name, x, block, shape)]
            }
            Self::AvgPool1 => {
                let (kernel, stride, padding) = STEM_SIDE;
                vec![g.conv(x, name, Conv::depthwise(STEM, kernel).stride(stride).padding(padding))]
            }
            Self::AvgPool2 => {
                let c = g.shape(x).c;
                vec![g.conv(x, name, Conv::depthwise(c, 3).stride(2).padding(1))]
            }
            Self::Block6_1 => {
                let joined = g.concat(inputs);
                let c = g.shape(joined).c;
                vec![g.conv(joined, name, Conv::pointwise(c, HEAD))]
            }
            Self::Block6_2 => {
                let block = Inverted { kernel: 3, expand: 2, residual: true, dilation: 1, se: true };
                let shape = InvertedShape { c_in: HEAD, c_mid: 2 * HEAD, c_out: HEAD, stride: 1 };
                vec![inverted(g, name, x, block, shape)]
            }
            Self::Block6_3 => vec![separable(g, name, x, HEAD, HEAD_WIDE, 1, 3)],
            Self::Conv7 => {
                let s = g.shape(x);
                vec![g.conv(x, name, Conv::depthwise(s.c, s.h))]
            }
            Self::Fc => vec![g.conv(x, name, Conv::pointwise(HEAD_WIDE, 2 * points).with_bias())],
        }
    }

    /// Names of its inputs and outputs as a graph of its own.
    pub(crate) fn ports(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Stem => (&["x"], &["y", "stem_1"]),
            Self::Block6_1 => (&["layers", "side_layer", "side_stem"], &["y"]),
            _ => (&["x"], &["y"]),
        }
    }
}

impl fmt::Display for TrunkPiece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A trunk piece with its shapes, ready to measure.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Which.
    pub piece: TrunkPiece,
    /// The piece alone.
    pub graph: Graph,
}

impl Trunk {
    /// Index (from 0) of the searched layer whose output also goes to the head.
    pub fn side_layer(&self) -> usize {
        self.side_layer
    }

    /// Checks that the searched layers fit between the trunk's two ends.
    pub(crate) fn check(kind: &str, side_layer: usize, input: Shape, layers: &[Layer]) -> Result<Self, String> {
        if kind != "pfld" {
            return Err(format!("kind '{kind}' is unknown; the only one is 'pfld'"));
        }
        if !(1..=layers.len()).contains(&side_layer) {
            return Err(format!("side_layer {side_layer} is not one of the {} layers, counted from 1", layers.len()));
        }
        if input.c != COLOURS {
            return Err(format!("the input must be a picture of {COLOURS} channels, not {}", input.c));
        }
        if [input.h, input.w].iter().any(|&side| !side.is_multiple_of(SIDE_STEP) || side < LEAST_SIDE) {
            return Err(format!(
                "the input's sides must be multiples of {SIDE_STEP}, and at least {LEAST_SIDE} for the pose net, not {}x{}",
                input.h, input.w
            ));
        }
        let entry = Shape::new(FIRST, input.h / (2 * STEM_STRIDE), input.w / (2 * STEM_STRIDE));
        let first = layers[0].input();
        if first != entry {
            return Err(format!("gives the first layer {entry}, which expects {first}"));
        }
        let last = layers[layers.len() - 1].output();
        if last.h != last.w {
            return Err(format!("its head needs a square map, not {}x{}", last.h, last.w));
        }
        let side = layers[side_layer - 1].output();
        if (side.h.div_ceil(2), side.w.div_ceil(2)) != (last.h, last.w) {
            return Err(format!(
                "side_layer {side_layer} gives {}x{}, which must be twice the last layer's {}x{}",
                side.h, side.w, last.h, last.w
            ));
        }
        let (kernel, stride, padding) = STEM_SIDE;
        let from_stem = Conv::depthwise(STEM, kernel).stride(stride).padding(padding);
        let pooled = (from_stem.out_side(input.h / 2), from_stem.out_side(input.w / 2));
        if pooled != (last.h, last.w) {
            return Err(format!("its side branch gives {}x{}, the last layer {}x{}", pooled.0, pooled.1, last.h, last.w));
        }
        Ok(Self { side_layer: side_layer - 1 })
    }
}

impl fmt::Display for Trunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pfld side_layer {}", self.side_layer + 1)
    }
}
