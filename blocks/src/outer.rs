//! Blocks of a network's outer layers, before and behind those that the reference searches: stem, side branches, head.
//!
//! PFLD's trunk is made of the same functions, so that each of its pieces is also a candidate.

use crate::graph::{Builder, Conv, NodeId};
use crate::layer::Layer;
use crate::misfit::Misfit;
use crate::parts::{ghost, separable};

/// What an outer block is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Outer {
    /// Dense k×k, batch norm, ReLU.
    Dense { kernel: usize },
    /// Half of the channels from a dense 3×3, the other half from a cheap depthwise 3×3 of those.
    DenseGhost,
    /// The stem's second half: a branch of convolutions and one that takes the largest values, joined. The first branch has the output's
    /// channels divided by `divisor`.
    TwoBranches { divisor: usize },
    /// Of these the second branch alone: the largest values, 1×1, batch norm, ReLU.
    MaxConv,
    /// Depthwise k×k, nothing behind it: a mean with trained weights.
    Window { kernel: usize },
    /// The largest value of each window.
    Max,
    /// The mean of the whole map.
    Mean,
    /// 1×1, nothing behind it.
    Linear,
    /// Two of these in place of one, a quarter of the output's channels in between.
    LowRank,
}

/// Channels between the two convolutions of [`Outer::LowRank`] are the output's divided by this.
const RANK_DIVISOR: usize = 4;

impl Outer {
    /// Whether it only makes a map smaller, by any stride.
    pub(crate) fn is_pool(self) -> bool {
        matches!(self, Self::Window { .. } | Self::Max | Self::Mean)
    }

    /// Appends the block to a graph; weights are called `scope.…`.
    pub(crate) fn build(self, g: &mut Builder, scope: &str, x: NodeId, layer: &Layer) -> NodeId {
        let &Layer { c_in, c_out, stride, .. } = layer;
        let conv = format!("{scope}.conv");
        match self {
            Self::Dense { kernel } => dense(g, &conv, x, c_out, kernel, stride),
            Self::DenseGhost => ghost(g, scope, x, Conv::dense(c_in, c_out / 2, 3).padding(1).stride(stride), 3),
            Self::TwoBranches { divisor } => two_branches(g, scope, x, c_out / divisor, c_out),
            Self::MaxConv => {
                let y = g.max_pool(x, stride, stride);
                g.conv_bn_relu(y, &conv, Conv::pointwise(c_in, c_out))
            }
            Self::Window { kernel } => g.conv(x, conv, window(c_in, kernel, stride)),
            Self::Max => g.max_pool(x, stride, stride),
            Self::Mean => g.global_avg_pool(x),
            Self::Linear => g.conv(x, conv, Conv::pointwise(c_in, c_out).stride(stride)),
            Self::LowRank => {
                let rank = c_out / RANK_DIVISOR;
                let y = g.conv(x, format!("{conv}.0"), Conv::pointwise(c_in, rank).stride(stride));
                g.conv(y, format!("{conv}.1"), Conv::pointwise(rank, c_out))
            }
        }
    }

    /// Why the block cannot stand at that layer, if it cannot.
    pub(crate) fn misfit(self, layer: &Layer) -> Option<Misfit> {
        let &Layer { c_in, c_out, stride, h, w } = layer;
        let expected = (layer.out_h(), layer.out_w());
        let divides = |divisor: usize| (!c_out.is_multiple_of(divisor)).then_some(Misfit::Divisor { divisor, c_out });
        let keeps_channels = || (c_in != c_out).then_some(Misfit::Channels { c_in, c_out });
        let whole_windows = || {
            let is_whole = stride > 1 && h.is_multiple_of(stride) && w.is_multiple_of(stride);
            (!is_whole).then_some(Misfit::Windows { stride, h, w })
        };
        let size = |gives: (usize, usize)| (gives != expected).then_some(Misfit::Size { gives, expected });
        match self {
            Self::Dense { .. } | Self::Linear => None,
            Self::DenseGhost => divides(2),
            Self::TwoBranches { .. } if stride != 2 => Some(Misfit::Halves { stride }),
            Self::TwoBranches { divisor } => divides(divisor).or_else(whole_windows),
            Self::MaxConv => whole_windows(),
            Self::Max => keeps_channels().or_else(whole_windows),
            Self::LowRank => divides(RANK_DIVISOR),
            Self::Mean => size((1, 1)).or_else(keeps_channels),
            Self::Window { kernel } => keeps_channels().or_else(|| {
                let conv = window(c_in, kernel, stride);
                size((conv.out_side(h), conv.out_side(w)))
            }),
        }
    }
}

/// Dense k×k, batch norm, ReLU.
pub(crate) fn dense(g: &mut Builder, scope: &str, x: NodeId, c_out: usize, kernel: usize, stride: usize) -> NodeId {
    let c_in = g.shape(x).c;
    g.conv_bn_relu(x, scope, Conv::dense(c_in, c_out, kernel).stride(stride).padding(kernel / 2))
}

/// The stem's second half, which halves the map: 1×1, depthwise 1×1 with stride 2 and 1×1 beside the largest of each four values; both are
/// joined and mixed by a 1×1.
pub(crate) fn two_branches(g: &mut Builder, scope: &str, x: NodeId, c_branch: usize, c_out: usize) -> NodeId {
    let c_in = g.shape(x).c;
    let a = g.conv_bn_relu(x, &format!("{scope}.stem_2a"), Conv::pointwise(c_in, c_branch));
    let a = separable(g, &format!("{scope}.stem_2b"), a, c_branch, c_branch, 2, 1);
    let b = g.max_pool(x, 2, 2);
    let both = g.concat(&[a, b]);
    g.conv_bn_relu(both, &format!("{scope}.stem_3"), Conv::pointwise(c_branch + c_in, c_out))
}

/// A depthwise convolution: windows larger than `stride` pixels are padded to stand in the middle of these, smaller ones stand at their beginning.
pub(crate) const fn window(c: usize, kernel: usize, stride: usize) -> Conv {
    Conv::depthwise(c, kernel).stride(stride).padding(kernel.saturating_sub(stride).div_ceil(2))
}
