//! An ONNX file's bytes with its tensors replaced, all else byte for byte as it was.
//!
//! A file of other people's holds what no schema of ours knows: newer fields, other operator sets, notes. Decoded and encoded again, that
//! would be lost without a word. So only the way to the tensors is known here, and only the lengths on that way are written
//! again.

use std::ops::Range;

use prost::{decode_length_delimiter, encode_length_delimiter};

use super::size::{DEPTH, Message};

/// The number of a tensor's field of values as they lie in memory.
pub const RAW_DATA: usize = 9;

/// A part of the new file; `D` stands for bytes that lie somewhere else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Segment<D> {
    /// As it is in the old one.
    Kept(Range<usize>),
    /// New.
    Made(Vec<u8>),
    /// That many bytes from elsewhere.
    Data(D, u64),
}

/// Parts in their order, and their length together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rope<D> {
    /// The parts.
    pub segments: Vec<Segment<D>>,
    /// In bytes.
    pub len: u64,
}

impl<D> Default for Rope<D> {
    fn default() -> Self {
        Self { segments: Vec::new(), len: 0 }
    }
}

impl<D> Rope<D> {
    fn push(&mut self, segment: Segment<D>) {
        self.len += match &segment {
            Segment::Kept(range) => range.len() as u64,
            Segment::Made(bytes) => bytes.len() as u64,
            Segment::Data(_, len) => *len,
        };
        match (self.segments.last_mut(), segment) {
            (Some(Segment::Kept(last)), Segment::Kept(range)) if last.end == range.start => last.end = range.end,
            (_, segment) => self.segments.push(segment),
        }
    }

    fn extend(&mut self, other: Self) {
        other.segments.into_iter().for_each(|segment| self.push(segment));
    }
}

/// Why a file cannot be taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {at}: {reason}")]
pub struct WireError {
    /// Where.
    pub at: usize,
    /// What is wrong there.
    pub reason: &'static str,
}

/// One field of a message.
struct Field {
    number: usize,
    /// All of it.
    whole: Range<usize>,
    /// Its content, where it is a message or bytes.
    content: Option<Range<usize>>,
}

/// The field that begins at `at`.
fn field(bytes: &[u8], at: usize, end: usize) -> Result<Field, WireError> {
    let fault = |reason| WireError { at, reason };
    let mut next = at;
    let varint = |next: &mut usize| {
        let mut rest = &bytes[*next..end];
        let value = decode_length_delimiter(&mut rest).map_err(|_| fault("a number is truncated or too long"))?;
        *next = end - rest.len();
        Ok(value)
    };
    let key = varint(&mut next)?;
    let size = match key & 7 {
        0 => varint(&mut next).map(|_| 0)?,
        1 => 8,
        2 => varint(&mut next)?,
        5 => 4,
        _ => return Err(fault("a field of an unknown kind")),
    };
    let until = next.checked_add(size).filter(|&until| until <= end).ok_or_else(|| fault("a field reaches beyond the end"))?;
    match key >> 3 {
        0 => Err(fault("a field without a number")),
        number => Ok(Field { number, whole: at..until, content: (key & 7 == 2).then_some(next..until) }),
    }
}

/// The file with each tensor replaced for which `replace` gives something else; `None` from it leaves the tensor as it is. It is given
/// the tensor's place in the file.
///
/// # Errors
/// [`WireError`] where the bytes are no protobuf; what `replace` says.
pub fn replace_tensors<D, E: From<WireError>>(
    bytes: &[u8],
    replace: &mut dyn FnMut(Range<usize>) -> Result<Option<Rope<D>>, E>,
) -> Result<Rope<D>, E> {
    walk(bytes, Message::Model, 0..bytes.len(), DEPTH, replace)
}

fn walk<D, E: From<WireError>>(
    bytes: &[u8],
    message: Message,
    range: Range<usize>,
    depth: usize,
    replace: &mut dyn FnMut(Range<usize>) -> Result<Option<Rope<D>>, E>,
) -> Result<Rope<D>, E> {
    if message == Message::Tensor
        && let Some(new) = replace(range.clone())?
    {
        return Ok(new);
    }
    if depth == 0 {
        return Err(WireError { at: range.start, reason: "nested too deep" }.into());
    }
    let mut rope = Rope::default();
    let mut at = range.start;
    while at < range.end {
        let field = field(bytes, at, range.end)?;
        at = field.whole.end;
        let child = message.inner(field.number as u64).filter(|child| child.leads_to_tensors());
        let (Some(child), Some(content)) = (child, field.content) else {
            rope.push(Segment::Kept(field.whole));
            continue;
        };
        let inner = walk(bytes, child, content.clone(), depth - 1, replace)?;
        if matches!(inner.segments[..], [] | [Segment::Kept(_)]) && inner.len == content.len() as u64 {
            rope.push(Segment::Kept(field.whole));
        } else {
            rope.push(Segment::Made(head(field.number, inner.len)));
            rope.extend(inner);
        }
    }
    Ok(rope)
}

/// A tensor's fields except for those of the given numbers, and behind them one of bytes that lie elsewhere.
///
/// # Errors
/// [`WireError`].
pub fn with_data<D>(
    bytes: &[u8],
    tensor: Range<usize>,
    without: &[usize],
    number: usize,
    data: (D, u64),
) -> Result<Rope<D>, WireError> {
    let mut rope = Rope::default();
    let mut at = tensor.start;
    while at < tensor.end {
        let field = field(bytes, at, tensor.end)?;
        at = field.whole.end;
        if !without.contains(&field.number) {
            rope.push(Segment::Kept(field.whole));
        }
    }
    rope.push(Segment::Made(head(number, data.1)));
    rope.push(Segment::Data(data.0, data.1));
    Ok(rope)
}

/// Places of the weights in a file: the raw data of its tensors, in the file's order.
///
/// # Errors
/// [`WireError`] where the bytes are no protobuf.
pub fn raw_data(bytes: &[u8]) -> Result<Vec<Range<usize>>, WireError> {
    let mut found = Vec::new();
    replace_tensors::<(), WireError>(bytes, &mut |tensor| {
        let mut at = tensor.start;
        while at < tensor.end {
            let field = field(bytes, at, tensor.end)?;
            at = field.whole.end;
            found.extend(field.content.filter(|_| field.number == RAW_DATA));
        }
        Ok(None)
    })?;
    Ok(found)
}

/// What stands before a message or bytes: number and length.
fn head(number: usize, len: u64) -> Vec<u8> {
    let mut head = Vec::with_capacity(12);
    for value in [number << 3 | 2, usize::try_from(len).unwrap_or(usize::MAX)] {
        // A vector takes any number.
        let _ = encode_length_delimiter(value, &mut head);
    }
    head
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A field of bytes.
    fn bytes(number: usize, content: &[u8]) -> Vec<u8> {
        [&head(number, content.len() as u64)[..], content].concat()
    }

    /// The file put together, `Data` from the letters that it names.
    fn whole(old: &[u8], rope: &Rope<u8>) -> Vec<u8> {
        let segment = |segment: &Segment<u8>| match segment {
            Segment::Kept(range) => old[range.clone()].to_vec(),
            Segment::Made(bytes) => bytes.clone(),
            Segment::Data(letter, len) => vec![*letter; *len as usize],
        };
        let whole: Vec<u8> = rope.segments.iter().flat_map(segment).collect();
        assert_eq!(whole.len() as u64, rope.len);
        whole
    }

    /// A file with tensors wherever ONNX has them, each of the content given, between unknown fields.
    fn everywhere(tensor: &[u8]) -> Vec<u8> {
        let unknown = [
            bytes(900, b"\xff\x01 not for us"),
            vec![0x98, 0x7d, 0x05],
            vec![0x9d, 0x7d, 1, 2, 3, 4],
            vec![0x99, 0x7d, 1, 2, 3, 4, 5, 6, 7, 8],
        ]
        .concat();
        let sparse = [bytes(1, tensor), bytes(2, tensor), vec![0x18, 0x02]].concat();
        let leaf = [bytes(5, tensor), unknown.clone()].concat();
        let attribute = |graph: &[u8]| {
            let parts = [bytes(1, b"value"), bytes(5, tensor), bytes(10, tensor), bytes(22, &sparse), bytes(23, &sparse)];
            [parts.concat(), bytes(6, graph), bytes(11, graph), bytes(7, b"\0\0\x80\x3f"), unknown.clone()].concat()
        };
        let node = |graph: &[u8]| [bytes(4, b"If"), bytes(5, &attribute(graph)), bytes(7, b"my.domain")].concat();
        let graph = [bytes(1, &node(&leaf)), bytes(2, b"g"), bytes(5, tensor), bytes(15, &sparse), unknown.clone()].concat();
        let function = [bytes(1, b"f"), bytes(7, &node(&leaf)), bytes(11, &attribute(&leaf))].concat();
        let training = [bytes(1, &leaf), bytes(2, &leaf)].concat();
        [vec![0x08, 0x08], bytes(2, b"x"), bytes(7, &graph), bytes(20, &training), bytes(25, &function), unknown].concat()
    }

    #[test]
    fn tensors_are_replaced_wherever_they_are_and_all_else_stays() {
        // Long enough for the lengths around to take more bytes than before.
        let (old, new) = (everywhere(b"\x42\x01w"), everywhere(&[&b"\x42\x01w"[..], &bytes(9, &[b'z'; 300])].concat()));
        let mut count = 0;
        let rope = replace_tensors::<u8, WireError>(&old, &mut |range| {
            count += 1;
            assert_eq!(&old[range.clone()], b"\x42\x01w");
            with_data(&old, range, &[9, 13, 14], 9, (b'z', 300)).map(Some)
        });
        assert_eq!(whole(&old, &rope.unwrap()), new);
        // Graph: own, sparse 2; its node: 2 + 2 × 2 sparse, 2 graphs. Function: that node, and an attribute of its own. Training: 2.
        assert_eq!(count, 3 + 8 + 8 + 8 + 2);
        let same = replace_tensors::<u8, WireError>(&new, &mut |_| Ok(None)).unwrap();
        assert_eq!(same.segments, [Segment::Kept(0..new.len())]);
    }

    #[test]
    fn weights_are_found_wherever_they_are() {
        let file = everywhere(&[&b"\x42\x01w"[..], &bytes(9, b"data")].concat());
        let found = raw_data(&file).unwrap();
        assert_eq!(found.len(), 3 + 8 + 8 + 8 + 2);
        assert!(found.is_sorted_by_key(|range| range.start) && found.iter().all(|range| &file[range.clone()] == b"data"));
        assert!(raw_data(b"no model").is_err());
    }

    #[test]
    fn data_take_the_place_of_the_note_on_them() {
        let tensor = [vec![0x08, 3], bytes(13, b"location"), bytes(8, b"w"), vec![0x70, 1]].concat();
        let rope = with_data(&tensor, 0..tensor.len(), &[9, 13, 14], 9, (b'd', 2)).unwrap();
        assert_eq!(whole(&tensor, &rope), [vec![0x08, 3], bytes(8, b"w"), bytes(9, b"dd")].concat());
    }

    #[test]
    fn what_is_no_protobuf_is_refused() {
        let deep = (0..200).fold(b"\x42\x01w".to_vec(), |inner, i| bytes([5, 1, 6][i % 3], &inner));
        let deep = bytes(7, &deep);
        for wrong in [
            &b"no model"[..],
            b"\x3a",
            b"\x3a\x05abc",
            b"\x02\x01a",
            b"\x0b\x0c",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
            &deep,
        ] {
            assert!(replace_tensors::<u8, WireError>(wrong, &mut |_| Ok(None)).is_err(), "{:?}", &wrong[..wrong.len().min(20)]);
        }
    }
}
