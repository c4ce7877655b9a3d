//! What numpy leaves in a pickle: types, numbers, strings, arrays.

use std::borrow::Cow;

use crate::heap::Heap;
use crate::object::{Array, Bytes, Dtype, Id, NAME, Object};

impl<'a> Heap<'a> {
    /// A string, Python's or numpy's.
    pub fn text(&self, id: Id) -> Option<Cow<'a, str>> {
        if let &Object::Text(text) = self.get(id) {
            return Some(Cow::Borrowed(text));
        }
        let (dtype, bytes) = self.item(id)?;
        let characters = dtype.code.strip_prefix('U')?.parse().ok().filter(|_| bytes.len().is_multiple_of(4))?;
        let code = |four: &[u8; 4]| if dtype.big_endian { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
        let text =
            bytes.as_chunks().0.iter().take(characters).map(|four| char::from_u32(code(four))).collect::<Option<String>>()?;
        Some(Cow::Owned(text.trim_end_matches('\0').to_string()))
    }

    /// A number, Python's or numpy's; that of an array of one item too.
    pub fn number(&self, id: Id) -> Option<f64> {
        match *self.get(id) {
            Object::Float(x) => Some(x),
            Object::Int(n) => Some(n as f64),
            _ => {
                let (dtype, mut bytes) = self.item(id)?;
                if dtype.big_endian {
                    bytes.to_mut().reverse();
                }
                match (dtype.code, bytes.len()) {
                    ("f8", 8) => Some(f64::from_le_bytes(bytes.first_chunk().copied()?)),
                    ("f4", 4) => Some(f32::from_le_bytes(bytes.first_chunk().copied()?).into()),
                    ("f2", 2) => Some(half(u16::from_le_bytes(bytes.first_chunk().copied()?))),
                    _ => whole(dtype, &bytes).map(|n| n as f64),
                }
            }
        }
    }

    /// A whole number, Python's or numpy's.
    pub fn int(&self, id: Id) -> Option<i64> {
        if let Object::Int(n) = *self.get(id) {
            return Some(n);
        }
        let (dtype, mut bytes) = self.item(id)?;
        if dtype.big_endian {
            bytes.to_mut().reverse();
        }
        whole(dtype, &bytes)?.try_into().ok()
    }

    /// The type and the bytes of numpy's number or string, or of an array's only item.
    fn item(&self, id: Id) -> Option<(Dtype<'a>, Cow<'a, [u8]>)> {
        let (dtype, bytes) = match *self.get(id) {
            Object::Scalar(dtype, bytes) => (dtype, bytes),
            Object::Array(Some(Array { shape, dtype, items })) => {
                let Object::Tuple(sides) = self.get(shape) else { return None };
                sides.iter().all(|&side| *self.get(side) == Object::Int(1)).then_some((dtype, items))?
            }
            _ => return None,
        };
        let (&Object::Dtype(dtype), &Object::Bytes(bytes)) = (self.get(dtype), self.get(bytes)) else { return None };
        // One item is short. What is longer is not worth its copies.
        let bytes = match bytes {
            Bytes::Plain(bytes) => Cow::Borrowed(bytes),
            Bytes::Latin1(text) if text.len() > NAME => return None,
            Bytes::Latin1(text) => text.chars().map(|c| u8::try_from(c).ok()).collect::<Option<Vec<_>>>()?.into(),
        };
        (bytes.len() <= NAME).then_some((dtype, bytes))
    }
}

/// A whole number of a type, its lowest byte first.
fn whole(dtype: Dtype, bytes: &[u8]) -> Option<i128> {
    let signed = match dtype.code {
        "i1" | "i2" | "i4" | "i8" => true,
        "u1" | "u2" | "u4" | "u8" => false,
        _ => return None,
    };
    if dtype.code[1..].parse() != Ok(bytes.len()) {
        return None;
    }
    let start = if signed && bytes.last().is_some_and(|&b| b >= 0x80) { -1 } else { 0 };
    Some(bytes.iter().rev().fold(start, |n, &byte| n << 8 | i128::from(byte)))
}

/// A number of half precision.
fn half(bits: u16) -> f64 {
    let (sign, exponent, fraction) = (bits >> 15, i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
    };
    if sign == 1 { -size } else { size }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_ieees() {
        for (bits, value) in
            [(0x3c00, 1.0), (0xc000, -2.0), (0x3555, 0.333_251_953_125), (0x0001, 2f64.powi(-24)), (0x7bff, 65504.0)]
        {
            assert_eq!(half(bits), value);
        }
        assert!(half(0x7e00).is_nan() && half(0xfc00) == f64::NEG_INFINITY);
    }
}
