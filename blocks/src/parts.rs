//! What blocks and trunk are made of: separable convolution, ghost block, inverted residual.

use crate::graph::{Builder, Conv, NodeId};

/// An inverted residual: 1×1 expand, depthwise k×k, optional eSE, 1×1 project, optional residual.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Inverted {
    pub kernel: usize,
    pub expand: usize,
    pub residual: bool,
    pub dilation: usize,
    pub se: bool,
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

/// Half of the channels from the convolution `primary`, the other half from a cheap depthwise k×k of those, each with batch norm and ReLU.
pub(crate) fn ghost(g: &mut Builder, scope: &str, x: NodeId, primary: Conv, kernel: usize) -> NodeId {
    let cheap = Conv::depthwise(primary.c_out, kernel).padding(kernel / 2);
    let primary = g.conv_bn_relu(x, &format!("{scope}.primary_conv"), primary);
    let cheap = g.conv_bn_relu(primary, &format!("{scope}.cheap_operation"), cheap);
    g.concat(&[primary, cheap])
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
