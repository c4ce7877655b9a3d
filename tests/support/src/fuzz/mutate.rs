//! Damage to files.

use std::ops::Range;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::protobuf::Message;

/// How a format's files are damaged, beyond what is done to any bytes.
#[derive(Clone, Copy)]
pub enum Form {
    /// Not at all.
    Bytes,
    /// Two of three stay protobuf: their fields are damaged, not their bytes.
    Protobuf,
    /// Half of them are mended in what a reader looks at first, lengths and checksums, so that it reads on.
    Mended(fn(&mut Vec<u8>)),
}

/// Longest damaged file.
const LENGTH: usize = 32 << 10;

/// What stands where a number stood.
const NUMBERS: [&str; 24] = [
    "0",
    "-0",
    "-1",
    "1",
    "3",
    "255",
    "65536",
    "2147483647",
    "-2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "99999999999999999999999999999999999999999",
    "1e308",
    "1e309",
    "-1e-400",
    "5e-324",
    "nan",
    "inf",
    "-inf",
    "0x10",
];

/// Damages files, the same way for the same case.
pub struct Mutator<'a> {
    random: ChaCha8Rng,
    words: &'a [&'a [u8]],
}

impl<'a> Mutator<'a> {
    /// The damage of one case.
    pub fn new(case: u64, words: &'a [&'a [u8]]) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(case), words }
    }

    /// A file of the pool, damaged in one to eight places.
    pub fn damage(&mut self, pool: &[Vec<u8>], form: Form) -> Vec<u8> {
        let mut bytes = self.one_of(pool).clone();
        if let Form::Protobuf = form
            && self.random.random_range(0..3) > 0
            && let Some(message) = Message::parse(&bytes)
            && let Some(other) = Message::parse(self.one_of::<Vec<u8>>(pool))
        {
            return self.damage_message(message, &other);
        }
        for _ in 0..1 << self.random.random_range(0..4) {
            self.hurt(&mut bytes, pool);
            bytes.truncate(LENGTH);
        }
        if let Form::Mended(mend) = form
            && self.random.random()
        {
            mend(&mut bytes);
        }
        bytes
    }

    fn damage_message(&mut self, mut message: Message, other: &Message) -> Vec<u8> {
        let mut bytes = message.write();
        for _ in 0..1 << self.random.random_range(0..4) {
            message.damage(&mut self.random, other);
            let longer = message.write();
            if longer.len() > LENGTH {
                break;
            }
            bytes = longer;
        }
        bytes
    }

    fn hurt(&mut self, bytes: &mut Vec<u8>, pool: &[Vec<u8>]) {
        match self.random.random_range(0..14) {
            0 => {
                let bit = 1 << self.random.random_range(0..8);
                self.byte(bytes, |byte| byte ^ bit);
            }
            1 => {
                let value = self.random.random_range(0..=255);
                self.byte(bytes, |_| value);
            }
            // The ends of a binary number's range.
            2 => {
                let value = [0, 0x7f, 0x80, 0xff][self.random.random_range(0..4)];
                let range = self.range(bytes, 8);
                bytes[range].fill(value);
            }
            3 => {
                let range = self.range(bytes, bytes.len());
                bytes.drain(range);
            }
            4 => {
                let length = self.place(bytes);
                bytes.truncate(length);
            }
            // A part again, once or many times, elsewhere or behind itself.
            5 => {
                let range = self.range(bytes, bytes.len());
                let times = 1 << self.random.random_range(0..8);
                let times = (LENGTH / range.len().max(1)).min(times);
                let part = bytes[range.clone()].repeat(times);
                let at = if self.random.random() { range.end } else { self.place(bytes) };
                bytes.splice(at..at, part);
            }
            // Beginning of one, end of another.
            6 => {
                let other = self.one_of(pool);
                let (at, from) = (self.place(bytes), self.place(other));
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            7 => {
                let other = self.one_of(pool);
                let part = self.range(other, 64);
                let at = self.place(bytes);
                bytes.splice(at..at, other[part].iter().copied());
            }
            8 if !self.words.is_empty() => {
                let word = *self.one_of(self.words);
                let range = if self.random.random() { self.range(bytes, word.len()) } else { self.place(bytes)..0 };
                bytes.splice(range.start..range.end.max(range.start), word.iter().copied());
            }
            9 | 10 => {
                let range = self.run(bytes, |byte| byte.is_ascii_digit() || b"+-.".contains(&byte));
                let number = *self.one_of(&NUMBERS);
                bytes.splice(range, number.bytes());
            }
            11 => self.swap(bytes, |byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            12 => self.swap(bytes, |byte| byte != b'\n'),
            _ => {
                let range = self.run(bytes, |byte| byte != b'\n');
                bytes.drain(range);
            }
        }
    }

    fn one_of<'b, T>(&mut self, values: &'b [T]) -> &'b T {
        &values[self.random.random_range(0..values.len())]
    }

    fn byte(&mut self, bytes: &mut [u8], change: impl Fn(u8) -> u8) {
        if !bytes.is_empty() {
            let at = self.random.random_range(0..bytes.len());
            bytes[at] = change(bytes[at]);
        }
    }

    /// A place in the file, its end included.
    fn place(&mut self, bytes: &[u8]) -> usize {
        self.random.random_range(0..=bytes.len())
    }

    /// A part, rather short than long.
    fn range(&mut self, bytes: &[u8], longest: usize) -> Range<usize> {
        let start = self.place(bytes);
        let longest = longest.min(bytes.len() - start);
        let length = self.random.random_range(0..=longest) >> self.random.random_range(0..8);
        start..start + length.max(1).min(longest)
    }

    /// The run of such bytes that begins at or after a random place; empty where there is none.
    fn run(&mut self, bytes: &[u8], inside: impl Fn(u8) -> bool) -> Range<usize> {
        let at = self.place(bytes);
        let start = bytes[at..].iter().position(|&byte| inside(byte)).map_or(bytes.len(), |i| at + i);
        let length = bytes[start..].iter().take_while(|&&byte| inside(byte)).count();
        start..start + length
    }

    /// Two runs change places.
    fn swap(&mut self, bytes: &mut Vec<u8>, inside: impl Fn(u8) -> bool) {
        let (a, b) = (self.run(bytes, &inside), self.run(bytes, &inside));
        let (a, b) = if a.start < b.start { (a, b) } else { (b, a) };
        if a.end <= b.start {
            let swapped = [&bytes[b.clone()], &bytes[a.end..b.start], &bytes[a.clone()]].concat();
            bytes.splice(a.start..b.end, swapped);
        }
    }
}
