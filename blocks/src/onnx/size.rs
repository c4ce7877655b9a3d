//! How many parts an ONNX file has, counted before any is kept: a part of two bytes takes two hundred in memory.

use super::error::{InspectError, PART_LIMIT};

/// The messages that are kept, as far as others lie in them.
#[derive(Clone, Copy)]
enum Message {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Other,
}

impl Message {
    /// The message in a field of this one.
    fn inner(self, field: u64) -> Option<Self> {
        Some(match (self, field) {
            (Self::Model, 7) => Self::Graph,
            (Self::Model, 8 | 14) | (Self::Shape, 1) => Self::Other,
            (Self::Graph, 1) => Self::Node,
            (Self::Graph, 5) | (Self::Attribute, 5) => Self::Tensor,
            (Self::Graph, 11..=13) => Self::Value,
            (Self::Node, 5) => Self::Attribute,
            (Self::Value, 2) => Self::Type,
            (Self::Type, 1) => Self::TensorType,
            (Self::TensorType, 2) => Self::Shape,
            _ => return None,
        })
    }

    /// Whether a field of this one holds whole numbers, one behind the other, which take up to eight times their length.
    fn is_packed(self, field: u64) -> bool {
        matches!((self, field), (Self::Tensor, 1 | 7) | (Self::Attribute, 8))
    }
}

/// Refuses files of too many parts.
///
/// # Errors
/// [`InspectError::TooManyParts`], or [`InspectError::Decode`] where it is no protobuf.
pub fn check(bytes: &[u8]) -> Result<(), InspectError> {
    count(bytes, Message::Model, &mut 0)
}

fn count(mut bytes: &[u8], message: Message, parts: &mut usize) -> Result<(), InspectError> {
    let damaged = || InspectError::Decode("a field is cut off".to_string());
    while !bytes.is_empty() {
        *parts += 1;
        let tag = varint(&mut bytes).ok_or_else(damaged)?;
        let (field, length) = (
            tag >> 3,
            match tag & 7 {
                0 => varint(&mut bytes).map(|_| 0),
                1 => Some(8),
                2 => varint(&mut bytes),
                5 => Some(4),
                // Marks without contents; whoever reads the file knows whether they are in order.
                _ => Some(0),
            },
        );
        let length = length.and_then(|n| usize::try_from(n).ok()).ok_or_else(damaged)?;
        let (contents, rest) = bytes.split_at_checked(length).ok_or_else(damaged)?;
        bytes = rest;
        if message.is_packed(field) {
            *parts += length;
        }
        if *parts > PART_LIMIT {
            return Err(InspectError::TooManyParts);
        }
        if let (2, Some(inner)) = (tag & 7, message.inner(field)) {
            count(contents, inner, parts)?;
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
