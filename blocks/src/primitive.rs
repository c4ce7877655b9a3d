//! The 26 block families a searched layer may choose from, with NNI's names for them and for their weights.
//!
//! Definitions follow NNI 2.5, `examples/nas/legacy/oneshot/pfld/lib/ops.py`, including the paddings and the order of
//! squeeze-and-excitation (after the depthwise batch norm, before the ReLU).

use crate::graph::{Builder, Conv, NodeId};
use crate::layer::Layer;

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
}

/// An inverted residual: 1×1 expand, depthwise k×k, optional eSE, 1×1 project, optional residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Inverted {
    pub kernel: usize,
    pub expand: usize,
    pub residual: bool,
    pub dilation: usize,
    pub se: bool,
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

const PRIMITIVES: [(&str, Kind); 26] = [
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
];

/// A named block family.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Primitive {
    name: &'static str,
    kind: Kind,
}

impl Primitive {
    /// All 26, in a fixed order.
    pub fn all() -> impl Iterator<Item = Self> {
        PRIMITIVES.iter().map(|&(name, kind)| Self { name, kind })
    }

    /// The primitive of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|p| p.name == name)
    }

    /// NNI's name: `mb_k3_e2_res_se`.
    pub fn name(self) -> &'static str {
        self.name
    }

    /// Whether it does nothing at that layer, so that it takes no time at all: `skip` between equal shapes.
    pub fn is_identity(self, layer: &Layer) -> bool {
        self.kind == Kind::Skip && layer.c_in == layer.c_out && layer.stride == 1
    }

    /// Whether its output is multiplied by a gate, squeeze-and-excitation. Such a block costs more in a network than alone.
    pub fn is_gated(self) -> bool {
        matches!(self.kind, Kind::Inverted(Inverted { se: true, .. }))
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
            Kind::Ghost { kernel } => {
                let half = c_out / 2;
                let primary = g.conv_bn_relu(x, &format!("{scope}.primary_conv"), Conv::pointwise(c_in, half).stride(stride));
                let cheap = Conv::depthwise(half, kernel).padding(kernel / 2);
                let cheap = g.conv_bn_relu(primary, &format!("{scope}.cheap_operation"), cheap);
                g.concat(&[primary, cheap])
            }
            Kind::Inverted(block) => {
                let shape = InvertedShape { c_in, c_mid: c_in * block.expand, c_out, stride };
                inverted(g, scope, x, block, shape)
            }
        }
    }

    /// Why the primitive cannot stand at that layer, if it cannot.
    pub(crate) fn misfit(self, layer: &Layer) -> Option<String> {
        match self.kind {
            Kind::Ghost { .. } if !layer.c_out.is_multiple_of(2) => {
                Some(format!("needs an even number of output channels, not {}", layer.c_out))
            }
            Kind::Inverted(Inverted { residual: true, .. }) if layer.stride == 1 && layer.c_in != layer.c_out => Some(format!(
                "adds its input to its output and so needs as many channels in as out, not {} and {}",
                layer.c_in, layer.c_out
            )),
            Kind::Inverted(Inverted { se: true, .. }) if layer.out_h() != layer.out_w() => {
                Some(format!("needs a square feature map, not {}x{}", layer.out_h(), layer.out_w()))
            }
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

/// Depthwise k×k and 1×1, each with batch norm and ReLU; also part of the stem (k = 1) and of the trunk.
pub(crate) fn separable(
    g: &mut Builder,
    scope: &str,
    x: NodeId,
    c_in: usize,
    c_out: usize,
    stride: usize,
    kernel: usize,
) -> NodeId {
    let depthwise = Conv::depthwise(c_in, kernel).padding(kernel / 2).stride(stride);
    let y = g.conv_bn_relu(x, &format!("{scope}.conv.0"), depthwise);
    g.conv_bn_relu(y, &format!("{scope}.conv.1"), Conv::pointwise(c_in, c_out))
}

/// Channels and stride of an inverted residual.
pub(crate) struct InvertedShape {
    pub c_in: usize,
    pub c_mid: usize,
    pub c_out: usize,
    pub stride: usize,
}

/// An inverted residual with any middle width; the trunk uses it too.
pub(crate) fn inverted(g: &mut Builder, scope: &str, x: NodeId, block: Inverted, shape: InvertedShape) -> NodeId {
    let InvertedShape { c_in, c_mid, c_out, stride } = shape;
    let at = |i: usize| format!("{scope}.ir_block.{i}");
    let y = g.conv(x, at(0), Conv::pointwise(c_in, c_mid));
    let y = g.batch_norm(y, at(1));
    let y = g.relu(y);
    let depthwise =
        Conv::depthwise(c_mid, block.kernel).padding(block.kernel / 2 + block.dilation - 1).dilation(block.dilation).stride(stride);
    let y = g.conv(y, at(4), depthwise);
    let mut y = g.batch_norm(y, at(5));
    if block.se {
        y = squeeze_excite(g, &at(6), y);
    }
    let y = g.relu(y);
    let y = g.conv(y, at(8), Conv::pointwise(c_mid, c_out));
    let y = g.batch_norm(y, at(9));
    if block.residual && stride == 1 { g.add(x, y) } else { y }
}

/// NNI's effective squeeze-and-excitation: a depthwise convolution over the whole map in place of the mean, a 1×1
/// convolution, hard sigmoid, and the product with the input.
fn squeeze_excite(g: &mut Builder, scope: &str, x: NodeId) -> NodeId {
    let s = g.shape(x);
    let y = g.conv(x, format!("{scope}.avg_pool"), Conv::depthwise(s.c, s.h));
    let y = g.conv(y, format!("{scope}.fc"), Conv::pointwise(s.c, s.c).with_bias());
    let y = g.hard_sigmoid(y);
    g.mul(x, y)
}
