//! Whole networks over a search space: the PFLD trunk, the supernet, a chosen subnet, and the pose net.
//!
//! The trunk's pieces are small graphs of their own as well, because the profiler measures each of them. Both forms come
//! from the same builder functions. Structure and names follow NNI 2.5, `examples/nas/…/pfld/lib/{supernet,subnet}.py`.

use crate::graph::{Builder, Conv, Graph, NodeId};
use crate::measurable::FIXED_PREFIX;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::space::Space;
use crate::trunk::{HEAD, HEAD_WIDE, Piece, STEM, STEM_STRIDE, TrunkPiece};

/// How many landmarks a network may have. Files say their number, and are not believed beyond it.
pub const POINTS: std::ops::RangeInclusive<usize> = 1..=10_000;

/// The pose net's angles: pitch, yaw and roll.
pub const ANGLES: usize = 3;

impl Space {
    /// The trunk's pieces as graphs of their own, for `points` landmarks; none for a space without a trunk.
    pub fn trunk_pieces(&self, points: usize) -> Vec<Piece> {
        let Some(trunk) = self.trunk() else { return Vec::new() };
        let last = self.layers()[self.layers().len() - 1].layer.output();
        let input = self.input();
        let stem_1 = Shape::new(STEM, input.h / 2, input.w / 2);
        let stem = Shape::new(STEM, input.h / STEM_STRIDE, input.w / STEM_STRIDE);
        let side = self.layers()[trunk.side_layer].layer.output();
        let at_end = |c| Shape { c, ..last };
        let piece = |piece: TrunkPiece| {
            let shapes = match piece {
                TrunkPiece::Stem => vec![input],
                TrunkPiece::Block4_1 => vec![stem],
                TrunkPiece::AvgPool1 => vec![stem_1],
                TrunkPiece::AvgPool2 => vec![side],
                TrunkPiece::Block6_1 => vec![last, at_end(side.c), at_end(STEM)],
                TrunkPiece::Block6_2 | TrunkPiece::Block6_3 => vec![at_end(HEAD)],
                TrunkPiece::Conv7 => vec![at_end(HEAD_WIDE)],
                TrunkPiece::Fc => vec![Shape::new(HEAD_WIDE, 1, 1)],
            };
            let (input_names, output_names) = piece.ports();
            let mut g = Builder::new(format!("{FIXED_PREFIX}{piece}"));
            let inputs: Vec<_> = std::iter::zip(input_names, shapes).map(|(name, shape)| g.input(name, shape)).collect();
            let outputs = piece.build(&mut g, &inputs, points);
            let outputs: Vec<_> = std::iter::zip(output_names.iter().copied(), outputs).collect();
            Piece { piece, graph: g.finish(&outputs) }
        };
        TrunkPiece::ALL.map(piece).into()
    }

    /// The network of one choice a layer.
    ///
    /// Input `input`; outputs `landmarks` `[2·points,1,1]` and, with a trunk, `features`, the stem's output, for the pose
    /// net (training only: [`Space::deployed`] leaves it out). A space without a trunk gives a plain chain with output `y`.
    pub fn subnet(&self, choice: &[Primitive], points: usize) -> Graph {
        self.network(format!("{self}-subnet"), points, true, &mut |g, i, x| {
            choice[i].build(g, &format!("blocks.{i}.op"), x, &self.layers()[i].layer)
        })
    }

    /// The network of one choice a layer as an app ships it: without the training output `features`.
    pub fn deployed(&self, choice: &[Primitive], points: usize) -> Graph {
        self.network(format!("{self}-subnet"), points, false, &mut |g, i, x| {
            choice[i].build(g, &format!("blocks.{i}.op"), x, &self.layers()[i].layer)
        })
    }

    /// The network of all candidates, mixed in each layer by a mask; inputs and outputs as in [`Space::subnet`].
    pub fn supernet(&self, points: usize) -> Graph {
        self.network(format!("{self}-supernet"), points, true, &mut |g, i, x| {
            let layer = &self.layers()[i];
            let outputs: Vec<_> =
                layer.primitives.iter().enumerate().map(|(k, p)| p.build(g, &format!("blocks.{i}.{k}"), x, &layer.layer)).collect();
            g.mixture(&outputs, i)
        })
    }

    fn network(
        &self,
        name: String,
        points: usize,
        features: bool,
        searched: &mut dyn FnMut(&mut Builder, usize, NodeId) -> NodeId,
    ) -> Graph {
        let mut g = Builder::new(name);
        let input = g.input("input", self.input());
        let Some(trunk) = self.trunk() else {
            let y = (0..self.layers().len()).fold(input, |x, i| searched(&mut g, i, x));
            return g.finish(&[("y", y)]);
        };
        let stem = TrunkPiece::Stem.build(&mut g, &[input], points);
        let (stem, stem_1) = (stem[0], stem[1]);
        let one = |g: &mut Builder, piece: TrunkPiece, inputs: &[NodeId]| piece.build(g, inputs, points)[0];
        let mut x = one(&mut g, TrunkPiece::Block4_1, &[stem]);
        let mut side = x;
        for i in 0..self.layers().len() {
            x = searched(&mut g, i, x);
            if i == trunk.side_layer {
                side = x;
            }
        }
        let side_stem = one(&mut g, TrunkPiece::AvgPool1, &[stem_1]);
        let side_layer = one(&mut g, TrunkPiece::AvgPool2, &[side]);
        x = one(&mut g, TrunkPiece::Block6_1, &[x, side_layer, side_stem]);
        for piece in [TrunkPiece::Block6_2, TrunkPiece::Block6_3, TrunkPiece::Conv7, TrunkPiece::Fc] {
            x = one(&mut g, piece, &[x]);
        }
        if features { g.finish(&[("landmarks", x), ("features", stem)]) } else { g.finish(&[("landmarks", x)]) }
    }

    /// The auxiliary net that estimates the head's pose from the stem's output while training ([`pose_net`]); none without a trunk.
    pub fn pose_net(&self) -> Option<Graph> {
        self.trunk()?;
        let input = self.input();
        Some(pose_net(Shape::new(STEM, input.h / STEM_STRIDE, input.w / STEM_STRIDE)))
    }
}

/// PFLD's auxiliary net: input `features` of that shape, output `angles` `[3,1,1]`: pitch, yaw, roll.
pub fn pose_net(features: Shape) -> Graph {
    let mut g = Builder::new("pose");
    let x = g.input("features", features);
    let x = g.conv_bn_relu(x, "conv1", Conv::dense(features.c, 64, 3).stride(2).padding(1));
    let x = g.conv_bn_relu(x, "conv2", Conv::dense(64, 64, 3).padding(1));
    let x = g.conv_bn_relu(x, "conv3", Conv::dense(64, 32, 3).stride(2).padding(1));
    let x = g.conv_bn_relu(x, "conv4", Conv::dense(32, 64, 7).padding(1));
    let x = g.max_pool(x, 3, 3);
    let x = g.linear(x, "fc1", 32);
    let x = g.linear(x, "fc2", ANGLES);
    g.finish(&[("angles", x)])
}
