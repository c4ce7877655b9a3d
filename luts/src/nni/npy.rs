//! `lut.npy`: numpy's frame around a pickled array of dicts, one a layer.

use pickle::{Array, Heap, Id, Object, PickleError};

use super::literal::Literal;

/// The first bytes of every file of `numpy.save`.
pub const MAGIC: &[u8] = b"\x93NUMPY";
/// Where numpy lets the content begin: at a multiple of this.
const ALIGNMENT: usize = 64;
/// Longest description, numpy's own limit.
const HEADER_LIMIT: usize = 10_000;
/// Most layers, as in a space; most entries of all layers.
const LAYERS: usize = 4096;
const ENTRIES: usize = 500_000;
/// Longest name of a primitive.
const NAME: usize = 256;

/// Names and values of one layer's candidates.
pub type Layer = Vec<(String, f64)>;

/// Why a `lut.npy` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NpyError {
    /// Another kind of file.
    #[error("is not a file of numpy.save: {0}")]
    Frame(String),
    /// An array of something else.
    #[error("holds an array of {0}, not one dict per layer; NNI's table is a list of dicts saved with numpy.save")]
    Array(String),
    /// The pickle in it; offsets count from the file's begin.
    #[error(transparent)]
    Pickle(#[from] PickleError),
}

/// Reads a file's content.
///
/// # Errors
/// [`NpyError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Layer>, NpyError> {
    let (shape, start) = frame(bytes)?;
    let heap = Heap::read(bytes, start)?;
    Ok(content(&heap, &shape)?)
}

/// The header of a file of `numpy.save`, a dict, and the place where its values begin.
///
/// # Errors
/// What is wrong with it, in words.
pub fn header(bytes: &[u8]) -> Result<(Literal<'_>, usize), String> {
    let rest = bytes.strip_prefix(MAGIC).ok_or("its first bytes are not '\\x93NUMPY'")?;
    let (length, begin) = match *rest {
        [1, _, a, b, ..] => (usize::from(u16::from_le_bytes([a, b])), MAGIC.len() + 4),
        [2 | 3, _, a, b, c, d, ..] => (u32::from_le_bytes([a, b, c, d]) as usize, MAGIC.len() + 6),
        _ => return Err("its version is unknown, or it is truncated".to_string()),
    };
    if length > HEADER_LIMIT {
        return Err("its header is too long".to_string());
    }
    let header = bytes[begin..].get(..length).ok_or("its header is truncated")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    let header = Literal::parse(header).map_err(|e| format!("its header is not a dict: {e}"))?;
    Ok((header, begin + length))
}

/// Checks the frame; gives the array's shape and the place where the pickle begins.
fn frame(bytes: &[u8]) -> Result<(Vec<i64>, usize), NpyError> {
    let fault = |reason: &str| NpyError::Frame(reason.to_string());
    let (header, begin) = header(bytes).map_err(NpyError::Frame)?;
    match header.get("descr") {
        Some(Literal::Text("|O" | "O")) => {}
        Some(Literal::Text(other)) => return Err(NpyError::Array(format!("type '{}'", other.escape_debug()))),
        _ => return Err(fault("its header has no 'descr'")),
    }
    match header.get("shape") {
        Some(Literal::Sequence(shape)) => match shape[..] {
            // Of no dimension is what numpy.save makes of a dict: an array that is one object.
            [] => Ok((Vec::new(), begin)),
            [Literal::Int(layers)] if (0..=LAYERS as i64).contains(&layers) => Ok((vec![layers], begin)),
            [Literal::Int(layers)] => Err(NpyError::Array(format!("{layers} items"))),
            _ => Err(NpyError::Array(format!("{} dimensions", shape.len()))),
        },
        _ => Err(fault("its header has no 'shape'")),
    }
}

fn content(heap: &Heap, shape: &[i64]) -> Result<Vec<Layer>, PickleError> {
    let &Object::Array(Some(Array { shape: sides, items, .. })) = heap.get(heap.root()) else {
        return Err(heap.unfit(heap.root(), "is not an array"));
    };
    let is_side = |(&id, &side): (&Id, &i64)| *heap.get(id) == Object::Int(side);
    if !matches!(heap.get(sides), Object::Tuple(ids) if ids.len() == shape.len() && std::iter::zip(ids, shape).all(is_side)) {
        return Err(heap.unfit(sides, "the array's shape differs from the file's header"));
    }
    let Object::List(items) = heap.get(items) else {
        return Err(heap.unfit(items, "an array's items are not a list"));
    };
    if items.len() as i64 != shape.iter().product::<i64>() {
        return Err(heap.unfit(heap.root(), "the array's number of items does not fit its shape"));
    }
    let layers = if shape.is_empty() { of_object(heap, items[0])? } else { items.clone() };
    let mut count = 0;
    let mut layer = |id| {
        let Object::Dict(entries) = heap.get(id) else {
            return Err(heap.unfit(id, "a layer is not a dict"));
        };
        count += entries.len();
        if count > ENTRIES {
            return Err(heap.unfit(id, "too many entries"));
        }
        entries.iter().map(|&(name, value)| entry(heap, name, value)).collect()
    };
    layers.iter().map(|&id| layer(id)).collect()
}

/// The layers in a list, or in a dict whose names are their numbers from 0.
fn of_object(heap: &Heap, id: Id) -> Result<Vec<Id>, PickleError> {
    let layers = match heap.get(id) {
        Object::List(items) | Object::Tuple(items) => items.clone(),
        Object::Dict(entries) => {
            let mut layers = vec![None; entries.len().min(LAYERS)];
            for &(number, layer) in entries {
                let place = heap.int(number).and_then(|n| layers.get_mut(usize::try_from(n).ok()?));
                *place.ok_or_else(|| heap.unfit(number, "a dict of layers is not numbered from 0"))? = Some(layer);
            }
            layers.into_iter().collect::<Option<_>>().ok_or_else(|| heap.unfit(id, "a layer is missing or appears twice"))?
        }
        _ => return Err(heap.unfit(id, "is neither a list of layers nor a dict of them")),
    };
    if layers.len() > LAYERS { Err(heap.unfit(id, "too many layers")) } else { Ok(layers) }
}

fn entry(heap: &Heap, name: Id, value: Id) -> Result<(String, f64), PickleError> {
    let text = heap.text(name).ok_or_else(|| heap.unfit(name, "a primitive's name is not a string"))?;
    if text.len() > NAME {
        return Err(heap.unfit(name, "a primitive's name is too long"));
    }
    let number = heap.number(value).ok_or_else(|| heap.unfit(value, "a primitive's value is not a number"))?;
    Ok((text.into_owned(), number))
}

/// The file that numpy of any version loads (`allow_pickle=True`) as an array of these dicts.
pub fn write(layers: &[Layer]) -> Vec<u8> {
    let header = format!("{{'descr': '|O', 'fortran_order': False, 'shape': ({},), }}", layers.len());
    let begin = MAGIC.len() + 4;
    let start = (begin + header.len() + 1).next_multiple_of(ALIGNMENT);
    let mut file = Vec::from(MAGIC);
    file.extend([1, 0]);
    // A few dozen digits at most: it fits.
    file.extend(((start - begin) as u16).to_le_bytes());
    file.extend(format!("{header:<width$}\n", width = start - begin - 1).bytes());
    Writer { bytes: file }.array(layers)
}

/// Writes in protocol 3, as numpy 1.17 to 1.26 do.
struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    fn array(mut self, layers: &[Layer]) -> Vec<u8> {
        self.put(b"\x80\x03");
        // numpy.core: numpy 2 still knows this name, numpy 1 does not know the newer one.
        self.put(b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n");
        self.put(b"K\0\x85C\x01b\x87R");
        // The state: version, shape, dtype, order, items.
        self.put(b"(K\x01");
        self.int(layers.len());
        self.put(b"\x85cnumpy\ndtype\n");
        self.text("O8");
        self.put(b"\x89\x88\x87R(K\x03");
        self.text("|");
        self.put(b"NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb\x89](");
        for layer in layers {
            self.put(b"}(");
            for (name, value) in layer {
                self.text(name);
                self.put(b"G");
                self.put(&value.to_be_bytes());
            }
            self.put(b"u");
        }
        self.put(b"etb.");
        self.bytes
    }

    fn put(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    fn int(&mut self, n: usize) {
        self.put(b"J");
        self.put(&(n as i32).to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.put(b"X");
        self.put(&(text.len() as u32).to_le_bytes());
        self.put(text.as_bytes());
    }
}
