//! What may be wrong with a search space of primitives.

use std::fmt;

use crate::misfit::Misfit;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::trunk_fault::TrunkFault;

/// Largest side, channel count or number of layers a space may have: far beyond any phone's network, and small enough
/// that no product of shapes overflows.
pub(crate) const LIMIT: usize = 4096;
/// Longest file of a space, in bytes: enough for as many layers.
pub(crate) const FILE_LIMIT: usize = 1 << 20;
/// Faults after which reading ends.
pub(crate) const LISTED: usize = 100;

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}{kind}")]
pub struct SpaceFault {
    /// Where.
    pub place: SpacePlace,
    /// What.
    pub kind: SpaceFaultKind,
}

/// A place in a search space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpacePlace {
    /// The file as a whole.
    File,
    /// Its name.
    Name,
    /// The network's input.
    Input,
    /// The trunk.
    Trunk,
    /// A stage, from 1.
    Stage(usize),
    /// A layer.
    Layer {
        /// Which, from 1.
        layer: usize,
        /// Its stage, from 1.
        stage: usize,
    },
}

impl SpacePlace {
    /// Adds what is wrong here.
    pub(crate) fn fault(self, kind: impl Into<SpaceFaultKind>) -> SpaceFault {
        SpaceFault { place: self, kind: kind.into() }
    }
}

/// With what separates it from the fault; the file as a whole is not named.
impl fmt::Display for SpacePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => Ok(()),
            Self::Name => f.write_str("name: "),
            Self::Input => f.write_str("input: "),
            Self::Trunk => f.write_str("trunk: "),
            Self::Stage(stage) => write!(f, "stage {stage}: "),
            Self::Layer { layer, stage } => write!(f, "layer {layer} (stage {stage}): "),
        }
    }
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpaceFaultKind {
    /// The file is too long.
    #[error("it is longer than {FILE_LIMIT} bytes")]
    TooLong,
    /// The name has other characters.
    #[error("{0:?} is not made of letters, digits, '-', '_' and '.'")]
    Name(String),
    /// A side of the input is 0 or too large.
    #[error("{0}: channels, height and width must be from 1 to {LIMIT}")]
    Sides(Shape),
    /// The input is not what the first layer reads.
    #[error("without the trunk 'pfld' the input {input} must be the first layer's, {first}")]
    First {
        /// The space's input.
        input: Shape,
        /// The first layer's.
        first: Shape,
    },
    /// The trunk does not fit.
    #[error(transparent)]
    Trunk(#[from] TrunkFault),
    /// There is no stage.
    #[error("[[stage]] is missing")]
    NoStages,
    /// A stage has no candidates or no layers.
    #[error("has no candidates or no layers")]
    EmptyStage,
    /// No primitive has this name.
    #[error("unknown primitive '{name}'{}", suggestion(*.near))]
    Unknown {
        /// The name.
        name: String,
        /// A primitive with nearly that name.
        near: Option<Primitive>,
    },
    /// A stage names a candidate twice.
    #[error("'{0}' is listed twice")]
    Twice(Primitive),
    /// There are too many layers.
    #[error("more than {LIMIT} layers")]
    TooManyLayers,
    /// A layer's shapes are impossible.
    #[error("channels, height and width must be from 1 to {LIMIT}")]
    Shapes,
    /// Another stride than 1 and 2.
    #[error("stride {0} is neither 1 nor 2")]
    Stride(usize),
    /// A layer does not read what the layers before it give.
    #[error("its input {input} is not the output {given} of the {}", if *.is_chained { "layer before it" } else { "layers it reads" })]
    Chain {
        /// What the layer states.
        input: Shape,
        /// What it is given.
        given: Shape,
        /// Whether it reads the layer before it, and no other.
        is_chained: bool,
    },
    /// A primitive cannot stand at a layer.
    #[error("'{primitive}' {misfit}")]
    Misfit {
        /// The primitive.
        primitive: Primitive,
        /// Why not.
        misfit: Misfit,
    },
    /// A layer reads layers that are not before it.
    #[error("inputs {0:?} are not layers before it, counted from 1")]
    Inputs(Vec<usize>),
    /// A second layer reads several.
    #[error("reads several layers, which only one layer of a space may do")]
    SecondJoin,
    /// The layers that a layer reads give maps of different sides, which cannot be joined.
    #[error("the layers it reads output feature maps of different sizes")]
    Join,
    /// A layer's output goes nowhere.
    #[error("no layer reads its output")]
    Unread,
    /// More faults are not listed.
    #[error("and more; only the first {LISTED} are listed")]
    More,
}

/// What to write instead of an unknown name.
fn suggestion(near: Option<Primitive>) -> String {
    match near {
        Some(near) => format!("; did you mean '{near}'?"),
        None => format!("; known are {}", Primitive::all().map(|p| p.name()).collect::<Vec<_>>().join(", ")),
    }
}
