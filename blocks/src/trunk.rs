//! The fixed part of a network: what stands before and behind the searched layers.

use std::fmt;

use crate::layer::Layer;
use crate::shape::Shape;
use crate::trunk_piece::{FIRST, STEM_SIDE, STEM_STRIDE, TrunkPiece};

/// Channels of a picture.
const COLOURS: usize = 3;
/// PFLD's head joins three branches at a sixteenth of the input's side, which must divide it for them to be of one size.
const SIDE_STEP: usize = 16;
/// The least such side at which the pose net's last convolution leaves its pool a whole window.
const LEAST_SIDE: usize = 112;

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
        /// Index (from 0) of the layer whose output the pose net reads while training.
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
    ) -> Result<Self, String> {
        if input.c != COLOURS {
            return Err(format!("the input must be a picture of {COLOURS} channels, not {}", input.c));
        }
        let place = |name: &str, layer: usize| {
            let place = layer.checked_sub(1).filter(|&i| i < layers.len());
            place.ok_or_else(|| format!("{name} {layer} is not one of the {} layers, counted from 1", layers.len()))
        };
        match (kind, side_layer, features_layer) {
            ("pfld", Some(side_layer), None) => pfld(place("side_layer", side_layer)?, input, layers),
            ("fc", None, Some(features_layer)) => fc(place("features_layer", features_layer)?, layers),
            ("pfld", ..) => Err("kind 'pfld' needs side_layer, and nothing else".to_string()),
            ("fc", ..) => Err("kind 'fc' needs features_layer, and nothing else".to_string()),
            _ => Err(format!("kind '{kind}' is unknown; known are 'pfld' and 'fc'")),
        }
    }
}

/// PFLD's trunk, if the layers fit between its two ends.
fn pfld(side_layer: usize, input: Shape, layers: &[Layer]) -> Result<Trunk, String> {
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
    let side = layers[side_layer].output();
    if (side.h.div_ceil(2), side.w.div_ceil(2)) != (last.h, last.w) {
        return Err(format!(
            "side_layer {} gives {}x{}, which must be twice the last layer's {}x{}",
            side_layer + 1,
            side.h,
            side.w,
            last.h,
            last.w
        ));
    }
    let pooled = (STEM_SIDE.out_side(input.h / 2), STEM_SIDE.out_side(input.w / 2));
    if pooled != (last.h, last.w) {
        return Err(format!("its side branch gives {}x{}, the last layer {}x{}", pooled.0, pooled.1, last.h, last.w));
    }
    Ok(Trunk::Pfld { side_layer })
}

/// The trunk that is the last convolution alone, if the layers end in one pixel and the pose net can read the features.
fn fc(features_layer: usize, layers: &[Layer]) -> Result<Trunk, String> {
    let last = layers[layers.len() - 1].output();
    if (last.h, last.w) != (1, 1) {
        return Err(format!("its last layer must leave one pixel, not {}x{}", last.h, last.w));
    }
    let features = layers[features_layer].output();
    let least = LEAST_SIDE / STEM_STRIDE;
    if features.h < least || features.w < least {
        return Err(format!(
            "features_layer {} gives {}x{}; the pose net needs {least}x{least} at least",
            features_layer + 1,
            features.h,
            features.w
        ));
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
