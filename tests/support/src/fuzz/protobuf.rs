//! Damage to protobuf that leaves it protobuf: fields are removed, repeated and moved, numbers become extreme, names become those of
//! others, and all lengths are right afterwards.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

/// Ends of the ranges of numbers, and what multiplies badly.
const NUMBERS: [u64; 12] =
    [0, 1, 2, 1_000_000_000, i32::MAX as u64, 1 << 31, u32::MAX as u64, 1 << 32, i64::MAX as u64, 1 << 63, u64::MAX - 1, u64::MAX];
/// Highest number of a field in a message that is taken for one.
const FIELDS: u64 = 40;
/// Deepest message that is looked into.
const DEPTH: usize = 8;

/// A message's fields, in order.
#[derive(Clone, Debug, Default)]
pub struct Message(Vec<(u64, Value)>);

#[derive(Clone, Debug)]
enum Value {
    Number(u64),
    Fixed(Vec<u8>),
    Bytes(Vec<u8>),
    Message(Message),
}

impl Message {
    /// The fields of `bytes`, where they are a message.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        Self::parse_at(bytes, 0)
    }

    fn parse_at(mut bytes: &[u8], depth: usize) -> Option<Self> {
        let mut fields = Vec::new();
        while !bytes.is_empty() {
            let tag = number(&mut bytes)?;
            let (field, kind) = (tag >> 3, tag & 7);
            if !(1..=FIELDS).contains(&field) {
                return None;
            }
            let value = match kind {
                0 => Value::Number(number(&mut bytes)?),
                1 => Value::Fixed(take(&mut bytes, 8)?.to_vec()),
                2 => {
                    let length = number(&mut bytes)?;
                    let inner = take(&mut bytes, usize::try_from(length).ok()?)?;
                    match (depth < DEPTH && !inner.is_empty()).then(|| Self::parse_at(inner, depth + 1)).flatten() {
                        Some(message) => Value::Message(message),
                        None => Value::Bytes(inner.to_vec()),
                    }
                }
                5 => Value::Fixed(take(&mut bytes, 4)?.to_vec()),
                _ => return None,
            };
            fields.push((field, value));
        }
        Some(Self(fields))
    }

    /// The message as bytes.
    pub fn write(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for (field, value) in &self.0 {
            let (kind, inner) = match value {
                Value::Number(n) => {
                    put(&mut bytes, field << 3);
                    put(&mut bytes, *n);
                    continue;
                }
                Value::Fixed(inner) => (if inner.len() == 8 { 1 } else { 5 }, inner.clone()),
                Value::Bytes(inner) => (2, inner.clone()),
                Value::Message(message) => (2, message.write()),
            };
            put(&mut bytes, field << 3 | kind);
            if kind == 2 {
                put(&mut bytes, inner.len() as u64);
            }
            bytes.extend(inner);
        }
        bytes
    }

    /// Damages one place; what is put there may come from `other`.
    pub fn damage(&mut self, random: &mut ChaCha8Rng, other: &Self) {
        if self.0.is_empty() {
            return;
        }
        let at = random.random_range(0..self.0.len());
        if let (_, Value::Message(inner)) = &mut self.0[at]
            && random.random_range(0..4) > 0
        {
            return inner.damage(random, other);
        }
        match random.random_range(0..7) {
            0 => drop(self.0.remove(at)),
            1 => {
                let times = 1 << random.random_range(0..8);
                let copies = vec![self.0[at].clone(); times];
                self.0.splice(at..at, copies);
            }
            2 => {
                let to = random.random_range(0..self.0.len());
                self.0.swap(at, to);
            }
            3 => self.0[at].0 = random.random_range(1..=20),
            4 => {
                if let Some(field) = other.any(random) {
                    self.0.insert(at, field);
                }
            }
            _ => match &mut self.0[at].1 {
                Value::Number(n) => *n = NUMBERS[random.random_range(0..NUMBERS.len())],
                Value::Fixed(bytes) => bytes.fill([0, 0x7f, 0x80, 0xff][random.random_range(0..4)]),
                // A name that stands elsewhere, or numbers one behind the other.
                value => {
                    *value = match other.any(random) {
                        Some((_, Value::Bytes(bytes))) => Value::Bytes(bytes),
                        _ => {
                            let mut bytes = Vec::new();
                            (0..random.random_range(0..64))
                                .for_each(|_| put(&mut bytes, NUMBERS[random.random_range(0..NUMBERS.len())]));
                            Value::Bytes(bytes)
                        }
                    }
                }
            },
        }
    }

    /// Some field of some message in it.
    fn any(&self, random: &mut ChaCha8Rng) -> Option<(u64, Value)> {
        let field = self.0.get(random.random_range(0..self.0.len().max(1)))?;
        match &field.1 {
            Value::Message(inner) if random.random_range(0..4) > 0 => inner.any(random).or_else(|| Some(field.clone())),
            _ => Some(field.clone()),
        }
    }
}

fn number(bytes: &mut &[u8]) -> Option<u64> {
    let length = bytes.iter().take(10).position(|byte| byte & 0x80 == 0)? + 1;
    let value = bytes[..length].iter().rev().fold(0u64, |n, byte| n << 7 | u64::from(byte & 0x7f));
    *bytes = &bytes[length..];
    Some(value)
}

fn put(bytes: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        bytes.push(n as u8 | 0x80);
        n >>= 7;
    }
    bytes.push(n as u8);
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    /// Field 1: 300; field 2: a message with field 3: "name"; field 4: four bytes.
    const FILE: &[u8] = b"\x08\xac\x02\x12\x06\x1a\x04name\x25\x01\x02\x03\x04";

    #[test]
    fn what_was_read_is_written_again() {
        assert_eq!(Message::parse(FILE).unwrap().write(), FILE);
        assert!(Message::parse(&FILE[..FILE.len() - 1]).is_none());
        assert!(Message::parse(b"text").is_none());
    }

    #[test]
    fn what_is_damaged_is_a_message_still() {
        let mut kinds = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut message = Message::parse(FILE).unwrap();
            message.damage(&mut ChaCha8Rng::seed_from_u64(seed), &Message::parse(FILE).unwrap());
            let bytes = message.write();
            assert!(Message::parse(&bytes).is_some(), "{seed}: {bytes:?}");
            kinds.insert(bytes);
        }
        assert!(kinds.len() > 30 && kinds.contains(b"\x08\xac\x02\x12\x06\x1a\x04name".as_slice()), "{}", kinds.len());
    }
}
