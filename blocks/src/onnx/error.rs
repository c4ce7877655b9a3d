//! Why an ONNX file cannot be read.

/// Largest file that is read: 512 MiB.
pub const SIZE_LIMIT: usize = 1 << 29;
/// Most parts of a file: fields of messages, and numbers that are packed. A network of 100,000 operations has about a million.
pub const PART_LIMIT: usize = 4_000_000;

/// Why a file cannot be inspected.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum InspectError {
    /// An empty file.
    #[error("the ONNX file is empty")]
    Empty,
    /// More bytes than this program reads.
    #[error("the ONNX file has {0} bytes; at most {SIZE_LIMIT} are read")]
    TooLarge(usize),
    /// More parts (operations, names, dimensions) than this program reads.
    #[error("the ONNX file has more than {PART_LIMIT} parts (operations, names, dimensions); more are not read")]
    TooManyParts,
    /// Not protobuf, or cut off.
    #[error("not an ONNX file, or damaged: {0}")]
    Decode(String),
    /// Protobuf, but without a graph or operators.
    #[error("not an ONNX file: it does not contain a graph")]
    NoGraph,
}
