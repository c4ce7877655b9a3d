//! Whole networks over a search space: the PFLD trunk, the supernet, a chosen subnet, and the pose network.
//!
//! The trunk's pieces are small graphs of their own as well, because the profiler measures each of them. Both forms come
//! from the same builder functions. Structure and names follow NNI 2.5, `examples/nas/…/pfld/lib/{supernet,subnet}.py`.

use crate::graph::{Builder, Conv, Graph, NodeId};
use crate::measurable::fixed_key;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::space::Space;
use crate::trunk::Trunk;
use crate::trunk_piece::{HEAD, HEAD_WIDE, Piece, STEM, STEM_STRIDE, TrunkPiece};

/// How many landmarks a network may have. Files say their number, and are not believed beyond it.
pub const POINTS: std::ops::RangeInclusive<usize> = 1..=10_000;

/// The pose network's angles: pitch, yaw and roll.
pub const ANGLES: usize = 3;

impl Space {
    /// The fixed pieces, in execution order: the join of layers, where one reads several, and the trunk's.
    pub(crate) fn fixed_pieces(&self) -> Vec<TrunkPiece> {
        let join = self.joining_layer().map(|_| TrunkPiece::Join);
        let trunk = self.trunk().map_or(&[][..], |trunk| trunk.pieces());
        join.into_iter().chain(trunk.iter().copied()).collect()
    }

    /// The fixed pieces as graphs of their own, for `points` landmarks.
    pub fn trunk_pieces(&self, points: usize) -> Vec<Piece> {
        let piece = |piece: TrunkPiece| {
            let shapes = self.input_shapes(piece);
            let (input_names, output_names) = piece.ports(shapes.len());
            let mut g = Builder::new(fixed_key(piece));
            let inputs: Vec<_> = std::iter::zip(input_names, shapes).map(|(name, shape)| g.input(&name, shape)).collect();
            let outputs = piece.build(&mut g, &inputs, points);
            let outputs: Vec<_> = std::iter::zip(output_names.iter().copied(), outputs).collect();
            Piece { piece, graph: g.finish(&outputs) }
        };
        self.fixed_pieces().into_iter().map(piece).collect()
    }

    /// The shapes that a fixed piece reads.
    fn input_shapes(&self, piece: TrunkPiece) -> Vec<Shape> {
        let output = |layer: usize| self.layers()[layer].layer.output();
        let last = output(self.layers().len() - 1);
        let input = self.input();
        let at_end = |c| Shape { c, ..last };
        let side_layer = || match self.trunk() {
            Some(Trunk::Pfld { side_layer }) => output(*side_layer),
            _ => last,
        };
        match piece {
            TrunkPiece::Stem => vec![input],
            TrunkPiece::Block4_1 => vec![Shape::new(STEM, input.h / STEM_STRIDE, input.w / STEM_STRIDE)],
            TrunkPiece::AvgPool1 => vec![Shape::new(STEM, input.h / 2, input.w / 2)],
            TrunkPiece::AvgPool2 => vec![side_layer()],
            TrunkPiece::Block6_1 => vec![last, at_end(side_layer().c), at_end(STEM)],
            TrunkPiece::Block6_2 | TrunkPiece::Block6_3 => vec![at_end(HEAD)],
            TrunkPiece::Conv7 => vec![at_end(HEAD_WIDE)],
            TrunkPiece::Fc if matches!(self.trunk(), Some(Trunk::Fc { .. })) => vec![last],
            TrunkPiece::Fc => vec![Shape::new(HEAD_WIDE, 1, 1)],
            TrunkPiece::Join => self.joining_layer().map_or(vec![], |layer| layer.inputs.iter().map(|&i| output(i)).collect()),
        }
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

    fn network(&self, name: String, points: usize, features: bool, searched: &mut Searched<'_>) -> Graph {
        let mut g = Builder::new(name);
        let input = g.input("input", self.input());
        let (landmarks, seen) = match self.trunk() {
            None => {
                let y = self.build_layers(&mut g, input, searched).1;
                return g.finish(&[("y", y)]);
            }
            Some(Trunk::Fc { features_layer }) => {
                let (outputs, last) = self.build_layers(&mut g, input, searched);
                (TrunkPiece::Fc.build(&mut g, &[last], points)[0], outputs[*features_layer])
            }
            Some(Trunk::Pfld { side_layer }) => self.build_pfld(&mut g, input, points, *side_layer, searched),
        };
        if features { g.finish(&[("landmarks", landmarks), ("features", seen)]) } else { g.finish(&[("landmarks", landmarks)]) }
    }

    /// Appends all layers: their outputs, and the last one's.
    fn build_layers(&self, g: &mut Builder, entry: NodeId, searched: &mut Searched<'_>) -> (Vec<NodeId>, NodeId) {
        let mut outputs: Vec<NodeId> = Vec::new();
        for (i, layer) in self.layers().iter().enumerate() {
            let read: Vec<NodeId> = layer.inputs.iter().map(|&input| outputs[input]).collect();
            let x = match read[..] {
                [] => entry,
                [one] => one,
                _ => TrunkPiece::Join.build(g, &read, 0)[0],
            };
            outputs.push(searched(g, i, x));
        }
        let last = outputs[outputs.len() - 1];
        (outputs, last)
    }

    /// Appends PFLD's trunk with the layers in it: landmarks and features.
    fn build_pfld(
        &self,
        g: &mut Builder,
        input: NodeId,
        points: usize,
        side_layer: usize,
        searched: &mut Searched<'_>,
    ) -> (NodeId, NodeId) {
        let stem = TrunkPiece::Stem.build(g, &[input], points);
        let (stem, stem_1) = (stem[0], stem[1]);
        let one = |g: &mut Builder, piece: TrunkPiece, inputs: &[NodeId]| piece.build(g, inputs, points)[0];
        let entry = one(g, TrunkPiece::Block4_1, &[stem]);
        let (outputs, last) = self.build_layers(g, entry, searched);
        let side_stem = one(g, TrunkPiece::AvgPool1, &[stem_1]);
        let side_layer = one(g, TrunkPiece::AvgPool2, &[outputs[side_layer]]);
        let mut x = one(g, TrunkPiece::Block6_1, &[last, side_layer, side_stem]);
        for piece in [TrunkPiece::Block6_2, TrunkPiece::Block6_3, TrunkPiece::Conv7, TrunkPiece::Fc] {
            x = one(g, piece, &[x]);
        }
        (x, stem)
    }

    /// The auxiliary net that estimates the head's pose from an early map while training ([`pose_net`]); none without a trunk.
    pub fn pose_net(&self) -> Option<Graph> {
        let input = self.input();
        Some(pose_net(match self.trunk()? {
            Trunk::Pfld { .. } => Shape::new(STEM, input.h / STEM_STRIDE, input.w / STEM_STRIDE),
            Trunk::Fc { features_layer } => self.layers()[*features_layer].layer.output(),
        }))
    }
}

/// Appends what stands in a searched layer: the layer's place from 0, its input.
type Searched<'a> = dyn FnMut(&mut Builder, usize, NodeId) -> NodeId + 'a;

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
