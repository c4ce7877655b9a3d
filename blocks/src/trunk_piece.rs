//! The fixed pieces of a network, each a graph of its own as well.

use std::fmt;

use crate::graph::{Builder, Conv, Graph, NodeId};
use crate::outer::{dense, two_branches, window};
use crate::parts::{Inverted, InvertedShape, inverted, separable};

/// Channels of the stem.
pub(crate) const STEM: usize = 16;
/// Channels after the trunk's first inverted residual.
pub(crate) const FIRST: usize = 32;
/// Channels of the head's inverted residual, and of its middle and last layers.
pub(crate) const HEAD: usize = 64;
pub(crate) const HEAD_WIDE: usize = 128;
/// The stem's output is this much smaller than the input, along a side.
pub(crate) const STEM_STRIDE: usize = 4;
/// The side branch from the stem's first layer.
pub(crate) const STEM_SIDE: Conv = window(STEM, 9, 8);

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
    /// Concatenation of the layers that a layer reads, where it reads several; no piece of PFLD's own trunk.
    Join,
}

impl TrunkPiece {
    /// Those of PFLD's trunk, in execution order.
    pub const PFLD: [Self; 9] = [
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
            Self::Join => "join",
        }
    }

    /// Appends the piece to a graph: its inputs in order, its outputs in order.
    pub(crate) fn build(self, g: &mut Builder, inputs: &[NodeId], points: usize) -> Vec<NodeId> {
        let x = inputs[0];
        let name = self.name();
        match self {
            Self::Stem => {
                let first = dense(g, "stem.stem_1", x, STEM, 3, 2);
                vec![two_branches(g, name, first, STEM, STEM), first]
            }
            Self::Block4_1 => {
                let block = Inverted { kernel: 3, expand: 2, residual: false, dilation: 1, se: false };
                let shape = InvertedShape { c_in: STEM, c_mid: FIRST, c_out: FIRST, stride: 2 };
                vec![inverted(g, name, x, block, shape)]
            }
            Self::AvgPool1 => vec![g.conv(x, name, STEM_SIDE)],
            Self::AvgPool2 => {
                let c = g.shape(x).c;
                vec![g.conv(x, name, window(c, 3, 2))]
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
            Self::Fc => {
                let c = g.shape(x).c;
                vec![g.conv(x, name, Conv::pointwise(c, 2 * points).with_bias())]
            }
            Self::Join => vec![g.concat(inputs)],
        }
    }

    /// Names of its `count` inputs and of its outputs as a graph of its own.
    pub(crate) fn ports(self, count: usize) -> (Vec<String>, &'static [&'static str]) {
        let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        match self {
            Self::Stem => (names(&["x"]), &["y", "stem_1"]),
            Self::Block6_1 => (names(&["layers", "side_layer", "side_stem"]), &["y"]),
            Self::Join => ((1..=count).map(|i| format!("x{i}")).collect(), &["y"]),
            _ => (names(&["x"]), &["y"]),
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
