//! Why searched layers do not fit a trunk.

use crate::shape::Shape;

/// Channels of a picture.
pub(crate) const COLOURS: usize = 3;
/// PFLD's head joins three branches at a sixteenth of the input's side, which must divide it for them to be of one size.
pub(crate) const SIDE_STEP: usize = 16;
/// The least such side at which the pose network's last convolution leaves its pool a whole window.
pub(crate) const LEAST_SIDE: usize = 112;

/// Why searched layers do not fit a trunk. Layers are counted from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrunkFault {
    /// The input is no picture.
    #[error("the input must be a picture of {COLOURS} channels, not {0}")]
    Channels(usize),
    /// A setting names no layer.
    #[error("{setting} {layer} is not one of the {layers} layers, counted from 1")]
    NoLayer {
        /// The setting's name.
        setting: &'static str,
        /// The layer that it names.
        layer: usize,
        /// How many layers there are.
        layers: usize,
    },
    /// A kind without its own setting, or with another's.
    #[error("kind '{kind}' needs {needs}, and nothing else")]
    Settings {
        /// The kind.
        kind: &'static str,
        /// Name of its setting.
        needs: &'static str,
    },
    /// No such kind.
    #[error("kind '{0}' is unknown; known are 'pfld' and 'fc'")]
    Kind(String),
    /// The branches that the head joins would be of different sizes, or too small.
    #[error("the input's sides must be multiples of {SIDE_STEP}, and at least {LEAST_SIDE} for the pose network, not {}x{}", .0.h, .0.w)]
    Sides(Shape),
    /// The first layer's input is not what the stem gives.
    #[error("outputs {gives} to the first layer, which expects {expects}")]
    First {
        /// What the stem gives.
        gives: Shape,
        /// The first layer's input.
        expects: Shape,
    },
    /// The last layer's map is not square.
    #[error("its head needs a square feature map, not {}x{}", .0.h, .0.w)]
    NotSquare(Shape),
    /// The side branch reads a layer that does not fit the last one.
    #[error("side_layer {layer} outputs {}x{}, which must be twice the last layer's {}x{}", .gives.h, .gives.w, .last.h, .last.w)]
    SideLayer {
        /// The layer.
        layer: usize,
        /// Its output.
        gives: Shape,
        /// Output of the last layer.
        last: Shape,
    },
    /// The side branch from the stem does not fit the last layer.
    #[error("its side branch outputs {}x{}, but the last layer outputs {}x{}", .gives.0, .gives.1, .last.h, .last.w)]
    SideBranch {
        /// Height and width that the branch gives.
        gives: (usize, usize),
        /// Output of the last layer.
        last: Shape,
    },
    /// The last layer leaves more than one pixel.
    #[error("its last layer must output one pixel, not {}x{}", .0.h, .0.w)]
    Pixels(Shape),
    /// The features are too small for the pose network.
    #[error("features_layer {layer} outputs {}x{}; the pose network needs at least {least}x{least}", .gives.h, .gives.w)]
    Features {
        /// The layer that gives them.
        layer: usize,
        /// Its output.
        gives: Shape,
        /// Least height and width.
        least: usize,
    },
}
