//! The fixed part of a network: what stands before and behind the searched layers.

use std::fmt;

use crate::layer::Layer;
use crate::shape::Shape;
use crate::trunk_fault::{COLOURS, LEAST_SIDE, SIDE_STEP, TrunkFault};
use crate::trunk_piece::{FIRST, STEM_SIDE, STEM_STRIDE, TrunkPiece};

/// The fixed part of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trunk {
    /// All of a PFLD network but the layers that NNI searches: stem and first block before them, side branches and head behind them.
    Pfld {
        /// Index (from 0) of the searched layer whose output also goes to the head.
        side_layer: usize,
    },
    /// Only the last convolution, which gives the landmarks' coordinates: everything else is searched.
    Fc {
        /// Index (from 0) of the layer whose output the pose network reads while training.
        features_layer: usize,
    },
}

impl Trunk {
    /// Its pieces, in execution order.
    pub(crate) fn pieces(self) -> &'static [TrunkPiece] {
        match self {
            Self::Pfld { .. } => &TrunkPiece::PFLD,
            Self::Fc { .. } => &[TrunkPiece::Fc],
        }
    }

    /// The trunk of that kind, if the searched layers fit into it. Layers are counted from 1; a kind has one of the two settings.
    pub(crate) fn check(
        kind: &str,
        side_layer: Option<usize>,
        features_layer: Option<usize>,
        input: Shape,
        layers: &[Layer],
    ) -> Result<Self, TrunkFault> {
        if input.c != COLOURS {
            return Err(TrunkFault::Channels(input.c));
        }
        let place = |setting: &'static str, layer: usize| {
            let place = layer.checked_sub(1).filter(|&i| i < layers.len());
            place.ok_or(TrunkFault::NoLayer { setting, layer, layers: layers.len() })
        };
        match (kind, side_layer, features_layer) {
            ("pfld", Some(side_layer), None) => pfld(place("side_layer", side_layer)?, input, layers),
            ("fc", None, Some(features_layer)) => fc(place("features_layer", features_layer)?, layers),
            ("pfld", ..) => Err(TrunkFault::Settings { kind: "pfld", needs: "side_layer" }),
            ("fc", ..) => Err(TrunkFault::Settings { kind: "fc", needs: "features_layer" }),
            _ => Err(TrunkFault::Kind(kind.to_string())),
        }
    }
}

/// PFLD's trunk, if the layers fit between its two ends.
fn pfld(side_layer: usize, input: Shape, layers: &[Layer]) -> Result<Trunk, TrunkFault> {
    if [input.h, input.w].iter().any(|&side| !side.is_multiple_of(SIDE_STEP) || side < LEAST_SIDE) {
        return Err(TrunkFault::Sides(input));
    }
    let entry = Shape::new(FIRST, input.h / (2 * STEM_STRIDE), input.w / (2 * STEM_STRIDE));
    let first = layers[0].input();
    if first != entry {
        return Err(TrunkFault::First { gives: entry, expects: first });
    }
    let last = layers[layers.len() - 1].output();
    if last.h != last.w {
        return Err(TrunkFault::NotSquare(last));
    }
    let side = layers[side_layer].output();
    if (side.h.div_ceil(2), side.w.div_ceil(2)) != (last.h, last.w) {
        return Err(TrunkFault::SideLayer { layer: side_layer + 1, gives: side, last });
    }
    let pooled = (STEM_SIDE.out_side(input.h / 2), STEM_SIDE.out_side(input.w / 2));
    if pooled != (last.h, last.w) {
        return Err(TrunkFault::SideBranch { gives: pooled, last });
    }
    Ok(Trunk::Pfld { side_layer })
}

/// The trunk that is the last convolution alone, if the layers end in one pixel and the pose network can read the features.
fn fc(features_layer: usize, layers: &[Layer]) -> Result<Trunk, TrunkFault> {
    let last = layers[layers.len() - 1].output();
    if (last.h, last.w) != (1, 1) {
        return Err(TrunkFault::Pixels(last));
    }
    let features = layers[features_layer].output();
    let least = LEAST_SIDE / STEM_STRIDE;
    if features.h < least || features.w < least {
        return Err(TrunkFault::Features { layer: features_layer + 1, gives: features, least });
    }
    Ok(Trunk::Fc { features_layer })
}

impl fmt::Display for Trunk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pfld { side_layer } => write!(f, "pfld side_layer {}", side_layer + 1),
            Self::Fc { features_layer } => write!(f, "fc features_layer {}", features_layer + 1),
        }
    }
}
