//! How many parts an ONNX file has, counted before any is kept: a part of two bytes takes two hundred in memory.

use super::error::InspectError;

/// Deepest nesting that is followed; protobuf's own limit in most languages.
pub(super) const DEPTH: usize = 100;

/// The messages that others lie in, or numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    Model,
    Training,
    Function,
    Graph,
    Node,
    NodeConfiguration,
    Sharding,
    ShardedDim,
    Group,
    Attribute,
    Tensor,
    SparseTensor,
    Annotation,
    Value,
    Type,
    Wrapped,
    Map,
    TensorType,
    Shape,
    Other,
}

impl Message {
    /// The message in a field of this one. Numbers are those of `onnx.proto3`.
    pub fn inner(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) | (Self::Training, 1 | 2) | (Self::Attribute, 6 | 11) => Self::Graph,
            (Self::Model, 20) => Self::Training,
            (Self::Model, 25) => Self::Function,
            (Self::Graph, 1) | (Self::Function, 7) => Self::Node,
            (Self::Node, 5) | (Self::Function, 11) => Self::Attribute,
            (Self::Node, 10) => Self::NodeConfiguration,
            (Self::NodeConfiguration, 2) => Self::Sharding,
            (Self::Sharding, 3) => Self::Group,
            (Self::Sharding, 4) => Self::ShardedDim,
            (Self::Graph, 5) | (Self::Attribute, 5 | 10) | (Self::SparseTensor, 1 | 2) => Self::Tensor,
            (Self::Graph, 15) | (Self::Attribute, 22 | 23) => Self::SparseTensor,
            (Self::Graph, 14) => Self::Annotation,
            (Self::Graph, 11..=13) | (Self::Function, 12) => Self::Value,
            (Self::Value, 2) | (Self::Attribute, 14 | 15) | (Self::Wrapped, 1) | (Self::Map, 2) => Self::Type,
            (Self::Type, 1 | 8) => Self::TensorType,
            (Self::Type, 4 | 9) => Self::Wrapped,
            (Self::Type, 5) => Self::Map,
            (Self::TensorType, 2) => Self::Shape,
            (Self::Model, 8 | 14 | 26)
            | (Self::Training, 3 | 4)
            | (Self::Function, 9 | 14)
            | (Self::Graph, 16)
            | (Self::Node, 9)
            | (Self::ShardedDim | Self::Annotation, 2)
            | (Self::Tensor, 3 | 13 | 16)
            | (Self::Value, 4)
            | (Self::Shape, 1) => Self::Other,
            _ => return None,
        })
    }

    /// Whether tensors may lie in it, or it is one.
    pub fn leads_to_tensors(self) -> bool {
        matches!(
            self,
            Self::Model
                | Self::Training
                | Self::Function
                | Self::Graph
                | Self::Node
                | Self::Attribute
                | Self::SparseTensor
                | Self::Tensor
        )
    }

    /// Whether a field of this one holds whole numbers, one behind the other, which take up to eight times their length.
    fn is_packed(self, field: u64) -> bool {
        matches!(
            (self, field),
            (Self::Tensor, 1 | 5 | 7 | 11) | (Self::Attribute, 8) | (Self::SparseTensor, 3) | (Self::Sharding | Self::Group, 2)
        )
    }
}

/// Refuses files of more parts than `limit`.
///
/// # Errors
/// [`InspectError::TooManyParts`], or [`InspectError::Decode`] where it is no protobuf.
pub fn check(bytes: &[u8], limit: usize) -> Result<(), InspectError> {
    count(bytes, Message::Model, DEPTH, &mut limit.saturating_add(1))
}

/// Takes the parts of a message from those that are `left`.
fn count(mut bytes: &[u8], message: Message, depth: usize, left: &mut usize) -> Result<(), InspectError> {
    let damaged = || InspectError::Decode("a field is truncated".to_string());
    let depth = depth.checked_sub(1).ok_or_else(|| InspectError::Decode("its parts are nested too deep".to_string()))?;
    while !bytes.is_empty() {
        let tag = varint(&mut bytes).ok_or_else(damaged)?;
        let (field, length) = (
            tag >> 3,
            match tag & 7 {
                0 => varint(&mut bytes).map(|_| 0),
                1 => Some(8),
                2 => varint(&mut bytes),
                5 => Some(4),
                // Marks without contents; the reader of the file checks their order.
                _ => Some(0),
            },
        );
        let length = length.and_then(|n| usize::try_from(n).ok()).ok_or_else(damaged)?;
        let (contents, rest) = bytes.split_at_checked(length).ok_or_else(damaged)?;
        bytes = rest;
        let parts = if message.is_packed(field) { 1 + length } else { 1 };
        *left = left.checked_sub(parts).filter(|&left| left > 0).ok_or(InspectError::TooManyParts)?;
        if let (2, Some(inner)) = (tag & 7, message.inner(field)) {
            count(contents, inner, depth, left)?;
        }
    }
    Ok(())
}

/// A number of up to ten bytes, the lowest seven bits first.
fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let (number, rest) = bytes.split_at(length);
    *bytes = rest;
    Some(number.iter().rev().fold(0, |n, byte| n << 7 | u64::from(byte & 0x7f)))
}
