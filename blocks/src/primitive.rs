//! The kinds of blocks a searched layer may choose from: NNI's 26, with its names for them and for their weights, and 14 for the layers
//! before and behind those that NNI searches.
//!
//! Definitions of NNI's follow NNI 2.5, `examples/nas/legacy/oneshot/pfld/lib/ops.py`, including the paddings and the order of
//! squeeze-and-excitation (after the depthwise batch norm, before the ReLU).

use crate::family::Family;
use crate::graph::{Builder, Conv, NodeId};
use crate::layer::Layer;
use crate::misfit::Misfit;
use crate::outer::Outer;
use crate::parts::{Inverted, InvertedShape, ghost, inverted, separable};

/// What a primitive is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// Nothing (dropout 0.5 in training), or 1×1 convolution, batch norm and ReLU where the shape changes.
    Skip,
    /// 1×1 convolution with bias, ReLU.
    Conv1x1,
    /// Depthwise 3×3 with bias, ReLU, 1×1 with bias, ReLU.
    DepthConv,
    /// Depthwise k×k, batch norm, ReLU, 1×1, batch norm, ReLU.
    Separable { kernel: usize },
    /// Half of the channels from a 1×1, the other half from a cheap depthwise k×k of those.
    Ghost { kernel: usize },
    /// MobileNetV2's inverted residual, optionally with eSE.
    Inverted(Inverted),
    /// A block of an outer layer.
    Outer(Outer),
}

const fn mb(kernel: usize, expand: usize, residual: bool) -> Kind {
    Kind::Inverted(Inverted { kernel, expand, residual, dilation: 1, se: false })
}

const fn mb_dilated(dilation: usize, residual: bool) -> Kind {
    Kind::Inverted(Inverted { kernel: 3, expand: 2, residual, dilation, se: false })
}

const fn mb_se(kernel: usize, expand: usize) -> Kind {
    Kind::Inverted(Inverted { kernel, expand, residual: true, dilation: 1, se: true })
}

/// How many are NNI's: the first ones.
const NNI: usize = 26;

const PRIMITIVES: [(&str, Kind); NNI + 14] = [
    ("skip", Kind::Skip),
    ("conv1x1", Kind::Conv1x1),
    ("depth_conv", Kind::DepthConv),
    ("sep_k3", Kind::Separable { kernel: 3 }),
    ("sep_k5", Kind::Separable { kernel: 5 }),
    ("gh_k3", Kind::Ghost { kernel: 3 }),
    ("gh_k5", Kind::Ghost { kernel: 5 }),
    ("mb_k3", mb(3, 1, false)),
    ("mb_k3_e2", mb(3, 2, false)),
    ("mb_k3_e4", mb(3, 4, false)),
    ("mb_k3_res", mb(3, 1, true)),
    ("mb_k3_e2_res", mb(3, 2, true)),
    ("mb_k3_e4_res", mb(3, 4, true)),
    ("mb_k3_d2", mb_dilated(2, false)),
    ("mb_k3_d3", mb_dilated(3, false)),
    ("mb_k3_res_d2", mb_dilated(2, true)),
    ("mb_k3_res_d3", mb_dilated(3, true)),
    ("mb_k3_res_se", mb_se(3, 1)),
    ("mb_k3_e2_res_se", mb_se(3, 2)),
    ("mb_k3_e4_res_se", mb_se(3, 4)),
    ("mb_k5", mb(5, 1, false)),
    ("mb_k5_e2", mb(5, 2, false)),
    ("mb_k5_res", mb(5, 1, true)),
    ("mb_k5_e2_res", mb(5, 2, true)),
    ("mb_k5_res_se", mb_se(5, 1)),
    ("mb_k5_e2_res_se", mb_se(5, 2)),
    ("conv_k3", Kind::Outer(Outer::Dense { kernel: 3 })),
    ("conv_k5", Kind::Outer(Outer::Dense { kernel: 5 })),
    ("gh_conv_k3", Kind::Outer(Outer::DenseGhost)),
    ("stem2", Kind::Outer(Outer::TwoBranches { divisor: 1 })),
    ("stem2_half", Kind::Outer(Outer::TwoBranches { divisor: 2 })),
    ("max_conv1x1", Kind::Outer(Outer::MaxConv)),
    ("pool_k3", Kind::Outer(Outer::Window { kernel: 3 })),
    ("pool_k5", Kind::Outer(Outer::Window { kernel: 5 })),
    ("pool_k7", Kind::Outer(Outer::Window { kernel: 7 })),
    ("pool_k9", Kind::Outer(Outer::Window { kernel: 9 })),
    ("pool_max", Kind::Outer(Outer::Max)),
    ("pool_avg", Kind::Outer(Outer::Mean)),
    ("linear", Kind::Outer(Outer::Linear)),
    ("linear_r4", Kind::Outer(Outer::LowRank)),
];

/// A kind of block with a name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Primitive {
    name: &'static str,
    kind: Kind,
}

impl Primitive {
    /// All, in a fixed order, NNI's first.
    pub fn all() -> impl Iterator<Item = Self> {
        PRIMITIVES.iter().map(|&(name, kind)| Self { name, kind })
    }

    /// NNI's 26.
    pub fn nni() -> impl Iterator<Item = Self> {
        Self::all().take(NNI)
    }

    /// The others, of outer layers.
    pub fn outer() -> impl Iterator<Item = Self> {
        Self::all().skip(NNI)
    }

    /// The primitive of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|p| p.name == name)
    }

    /// Its name, NNI's where it is NNI's: `mb_k3_e2_res_se`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether it does nothing at that layer, so that it takes no time at all: `skip` between equal shapes.
    pub fn is_identity(self, layer: &Layer) -> bool {
        self.kind == Kind::Skip && layer.c_in == layer.c_out && layer.stride == 1
    }

    /// What it does beside computing. None moves values only.
    pub fn family(self) -> Family {
        Family::Block { is_gated: matches!(self.kind, Kind::Inverted(Inverted { se: true, .. })), moves: false }
    }

    /// Whether it only makes a map smaller. Such a block may stand at a layer of any stride.
    pub fn is_pool(self) -> bool {
        matches!(self.kind, Kind::Outer(outer) if outer.is_pool())
    }

    /// Appends the block to a graph.
    ///
    /// `x` has the layer's input shape; weights are called `scope.…`. Returns the node of the block's output.
    pub fn build(self, g: &mut Builder, scope: &str, x: NodeId, layer: &Layer) -> NodeId {
        let &Layer { c_in, c_out, stride, .. } = layer;
        let pointwise = Conv::pointwise(c_in, c_out);
        match self.kind {
            Kind::Skip if self.is_identity(layer) => g.dropout(x, 0.5),
            Kind::Skip => g.conv_bn_relu(x, &format!("{scope}.conv"), pointwise.stride(stride)),
            Kind::Conv1x1 => {
                let y = g.conv(x, format!("{scope}.conv.0"), pointwise.stride(stride).with_bias());
                g.relu(y)
            }
            Kind::DepthConv => {
                let y = g.conv(x, format!("{scope}.conv.0"), Conv::depthwise(c_in, 3).padding(1).stride(stride).with_bias());
                let y = g.relu(y);
                let y = g.conv(y, format!("{scope}.conv.2"), pointwise.with_bias());
                g.relu(y)
            }
            Kind::Separable { kernel } => separable(g, scope, x, c_in, c_out, stride, kernel),
            Kind::Ghost { kernel } => ghost(g, scope, x, Conv::pointwise(c_in, c_out / 2).stride(stride), kernel),
            Kind::Inverted(block) => {
                let shape = InvertedShape { c_in, c_mid: c_in * block.expand, c_out, stride };
                inverted(g, scope, x, block, shape)
            }
            Kind::Outer(outer) => outer.build(g, scope, x, layer),
        }
    }

    /// Why the primitive cannot stand at that layer, if it cannot.
    pub fn misfit(self, layer: &Layer) -> Option<Misfit> {
        let &Layer { c_in, c_out, stride, .. } = layer;
        let (h, w) = (layer.out_h(), layer.out_w());
        match self.kind {
            Kind::Ghost { .. } if !c_out.is_multiple_of(2) => Some(Misfit::Divisor { divisor: 2, c_out }),
            Kind::Inverted(Inverted { residual: true, .. }) if stride == 1 && c_in != c_out => {
                Some(Misfit::Residual { c_in, c_out })
            }
            Kind::Inverted(Inverted { se: true, .. }) if h != w => Some(Misfit::NotSquare { h, w }),
            Kind::Outer(outer) => outer.misfit(layer),
            _ => None,
        }
    }
}

impl std::fmt::Debug for Primitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

impl std::fmt::Display for Primitive {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name)
    }
}
