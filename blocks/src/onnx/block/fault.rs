//! Why a file is no block that can be measured.

/// Most parts of a block's file: fields of messages, and numbers that are packed. An operation has about forty.
pub const PART_LIMIT: usize = 200_000;

/// One fault of a block's file. All texts go behind the file's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockFault {
    /// Not protobuf, or without a graph.
    #[error("is not an ONNX file, or is damaged: {0}")]
    Damaged(String),
    /// More parts than any block has.
    #[error("has more than {PART_LIMIT} parts (operations, names, dimensions): too many for a block of a network")]
    TooManyParts,
    /// Local functions.
    #[error("contains local functions; export it with optimize=True")]
    Functions,
    /// No version of the standard operators.
    #[error("does not state which version of the standard operators it uses")]
    NoOpset,
    /// Operators that not every engine has.
    #[error("uses the operator set '{0}'; only standard ONNX operators are supported")]
    Domain(String),
    /// An operation that runs others.
    #[error("contains '{0}'; control flow is not supported")]
    ControlFlow(String),
    /// Integer arithmetic.
    #[error("contains '{0}'; quantised blocks are not supported")]
    Quantised(String),
    /// Constants that are mostly zeros.
    #[error("contains sparse constants, which not every engine reads")]
    Sparse,
    /// Constants of numbers other than weights, which are compared byte by byte.
    #[error("contains more than 32 MiB of constants that are not weights: too many for a block of a network")]
    Constants,
    /// A constant whose values are more or fewer than its shape has, or whose shape is none.
    #[error("the constant '{name}' has the shape {shape}, but its values do not fit that; export the block again")]
    Values {
        /// Its name.
        name: String,
        /// Its dimensions.
        shape: String,
    },
    /// Batch norm that computes statistics, dropout that drops.
    #[error("was exported in training mode ({}): call .eval() first", .0.join("; "))]
    Training(Vec<String>),
    /// No operation gives a value that is read.
    #[error("'{reader}' reads '{value}', which no operation before it outputs")]
    Unknown {
        /// The operation, or `the output`.
        reader: String,
        /// The value.
        value: String,
    },
    /// Two operations give one value.
    #[error("outputs the value '{0}' twice")]
    Twice(String),
    /// No input, or no output.
    #[error("has no {0}")]
    NoPort(Side),
    /// An input or output that is no tensor, or whose number of dimensions is open.
    #[error("{side} '{name}' does not state its shape")]
    NoShape {
        /// Which kind of port.
        side: Side,
        /// Its name.
        name: String,
    },
    /// Another element type.
    #[error("{side} '{name}' is {element}; only float32 is measured")]
    Element {
        /// Which kind of port.
        side: Side,
        /// Its name.
        name: String,
        /// Its type.
        element: String,
    },
    /// An open dimension.
    #[error("{side} '{name}' leaves dimension {dim} open ('{label}'); only the batch may be open")]
    Open {
        /// Which kind of port.
        side: Side,
        /// Its name.
        name: String,
        /// Which dimension, from 0.
        dim: usize,
        /// What the file calls it.
        label: String,
    },
    /// Another batch than 1.
    #[error("{side} '{name}' has batch {batch}; only batch 1 is measured")]
    Batch {
        /// Which kind of port.
        side: Side,
        /// Its name.
        name: String,
        /// Its first dimension.
        batch: i64,
    },
    /// A dimension of 0, or far too large ones.
    #[error("{side} '{name}' has the shape {shape}, which is not possible for a feature map")]
    Shape {
        /// Which kind of port.
        side: Side,
        /// Its name.
        name: String,
        /// Its dimensions.
        shape: String,
    },
}

/// Inputs or outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// An input.
    Input,
    /// An output.
    Output,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Input => "input",
            Self::Output => "output",
        })
    }
}
