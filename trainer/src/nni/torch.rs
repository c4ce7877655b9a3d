//! What `torch.save` writes: a pickle of dicts, with the tensors' values outside of it.
//!
//! Since PyTorch 1.6 the file is a zip archive with the pickle and a part for each storage; before, it is a row of pickles with all
//! storages behind them. The pickle is read, not run (see the crate [`pickle`]).

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Cursor;

use pickle::{Element, Global, Heap, Id, Object, PickleError};
use zip::ZipArchive;

/// How the older form begins: a pickled number.
const LEGACY: &[u8] = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19\x2e";
/// The older form's version, which never changed.
const LEGACY_VERSION: i64 = 1001;
/// Most dimensions of a tensor.
const DIMENSIONS: usize = 8;

/// Why a file cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TorchError {
    /// Something else was saved under its name.
    #[error("{0}")]
    Impostor(files::Impostor),
    /// Neither of the two forms.
    #[error("was not written by torch.save: it is neither a zip archive nor a file of an older PyTorch")]
    Form,
    /// The zip archive.
    #[error("is a damaged file of torch.save: {0}")]
    Archive(#[from] zip::result::ZipError),
    /// A part of the archive.
    #[error("is not a file of torch.save, or damaged: its part '{part}' {reason}")]
    Part {
        /// Its name.
        part: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// The pickle.
    #[error("pickle, {0}")]
    Pickle(#[from] PickleError),
    /// It is cut off behind the pickles.
    #[error("is truncated: the values of storage '{}' are missing", .0.escape_debug())]
    Cut(String),
}

/// A file, its pickle read.
pub struct TorchFile<'a> {
    heap: Heap<'a>,
    storages: Storages<'a>,
}

/// Where the tensors' values lie.
enum Storages<'a> {
    /// A part of an archive each, below its folder.
    Zip { bytes: &'a [u8], archive: RefCell<Archive<'a>>, folder: String },
    /// Found while reading.
    Legacy(HashMap<String, &'a [u8]>),
}

type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

/// A tensor of single precision, its values not read yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<'a> {
    dims: Vec<usize>,
    strides: Vec<usize>,
    /// Of the first element, in the storage.
    offset: usize,
    storage: &'a [[u8; 4]],
    id: Id,
}

impl<'a> TorchFile<'a> {
    /// Reads a file's content, except for the tensors' values.
    ///
    /// # Errors
    /// [`TorchError`].
    pub fn read(bytes: &'a [u8]) -> Result<Self, TorchError> {
        if bytes.starts_with(LEGACY) {
            legacy(bytes)
        } else if bytes.starts_with(b"PK") {
            zipped(bytes)
        } else if let Some(impostor) = files::impostor(bytes) {
            Err(TorchError::Impostor(impostor))
        } else {
            Err(TorchError::Form)
        }
    }

    /// The objects of the pickle; their root is what was saved.
    pub fn heap(&self) -> &Heap<'a> {
        &self.heap
    }

    /// A tensor; none where the object is something else.
    ///
    /// # Errors
    /// It is not of single precision, or its storage is missing.
    pub fn tensor(&self, id: Id) -> Result<Option<Tensor<'a>>, TorchError> {
        let &Object::Tensor(parts) = self.heap.get(id) else { return Ok(None) };
        let unfit = |reason| TorchError::from(self.heap.unfit(id, reason));
        let Some(&[storage, offset, dims, strides]) = self.parts(parts).and_then(|parts| parts.first_chunk()) else {
            return Err(unfit("a tensor is rebuilt from too few arguments"));
        };
        let Some((element, key)) = storage_of(&self.heap, storage) else {
            return Err(unfit("a tensor has a storage of an unknown kind"));
        };
        if element != Element::Float {
            return Err(unfit("a weight is not of single precision"));
        }
        match (self.count(offset), self.counts(dims), self.counts(strides)) {
            (Some(offset), Some(dims), Some(strides)) if dims.len() == strides.len() => {
                Ok(Some(Tensor { dims, strides, offset, storage: self.storage(key)?.as_chunks().0, id }))
            }
            _ => Err(unfit("a tensor's shape is not made of whole numbers")),
        }
    }

    /// The values of a tensor of this file, row-major.
    ///
    /// # Errors
    /// It reaches beyond its storage.
    pub fn values(&self, tensor: &Tensor<'a>) -> Result<Vec<f32>, TorchError> {
        let Tensor { dims, strides, offset, storage, id } = tensor;
        let beyond = || TorchError::from(self.heap.unfit(*id, "a tensor reaches beyond its storage"));
        // Bounded by the storage, so that no shape can ask for more memory than the file is long.
        let volume = dims.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= storage.len()).ok_or_else(beyond)?;
        let value = |mut index: usize| {
            let mut at = *offset;
            for (&dim, &stride) in std::iter::zip(dims, strides).rev() {
                at = at.checked_add((index % dim).checked_mul(stride)?)?;
                index /= dim;
            }
            storage.get(at).map(|&bytes| f32::from_le_bytes(bytes))
        };
        (0..volume).map(value).collect::<Option<_>>().ok_or_else(beyond)
    }

    fn parts(&self, tuple: Id) -> Option<&[Id]> {
        match self.heap.get(tuple) {
            Object::Tuple(parts) => Some(parts),
            _ => None,
        }
    }

    fn count(&self, id: Id) -> Option<usize> {
        match *self.heap.get(id) {
            Object::Int(n) => n.try_into().ok(),
            _ => None,
        }
    }

    fn counts(&self, tuple: Id) -> Option<Vec<usize>> {
        self.parts(tuple).filter(|parts| parts.len() <= DIMENSIONS)?.iter().map(|&id| self.count(id)).collect()
    }

    fn storage(&self, key: &str) -> Result<&'a [u8], TorchError> {
        match &self.storages {
            Storages::Zip { bytes, archive, folder } => part(bytes, &mut archive.borrow_mut(), &format!("{folder}data/{key}")),
            Storages::Legacy(found) => found.get(key).copied().ok_or_else(|| TorchError::Cut(key.to_string())),
        }
    }
}

impl Tensor<'_> {
    /// Its shape.
    pub fn dims(&self) -> &[usize] {
        &self.dims
    }
}

/// What a storage holds, and the name it goes by.
fn storage_of<'a>(heap: &Heap<'a>, id: Id) -> Option<(Element, &'a str)> {
    let &Object::Outside(name) = heap.get(id) else { return None };
    let Object::Tuple(parts) = heap.get(name) else { return None };
    // "storage", its type, its name, the device it was on, how many elements.
    let &[kind, element, key, ..] = parts.as_slice() else { return None };
    match (heap.get(kind), heap.get(element), heap.get(key)) {
        (Object::Text("storage"), &Object::Global(Global::Storage(element)), &Object::Text(key)) => Some((element, key)),
        _ => None,
    }
}

fn zipped(bytes: &[u8]) -> Result<TorchFile<'_>, TorchError> {
    let mut archive = ZipArchive::new(Cursor::new(bytes))?;
    let mut pickles = Vec::new();
    for name in archive.file_names() {
        let name = name?;
        // One folder deep: the folder has the archive's name.
        if name.strip_suffix("/data.pkl").is_some_and(|folder| !folder.contains('/')) {
            pickles.push(name.into_owned());
        }
    }
    let [name] = pickles.as_slice() else {
        return Err(TorchError::Part { part: "data.pkl".to_string(), reason: "is missing, or exists twice" });
    };
    let folder = name.trim_end_matches("data.pkl").to_string();
    // Absent from files before PyTorch 2.1, which are of little-endian machines all the same.
    let order = format!("{folder}byteorder");
    if archive.index_for_name(&order).is_some() && part(bytes, &mut archive, &order)? != b"little" {
        return Err(TorchError::Part { part: order, reason: "says that a big-endian machine wrote it" });
    }
    let heap = Heap::read(part(bytes, &mut archive, name)?, 0)?;
    Ok(TorchFile { heap, storages: Storages::Zip { bytes, archive: RefCell::new(archive), folder } })
}

/// A part of an archive, its checksum verified. PyTorch compresses none.
fn part<'a>(bytes: &'a [u8], archive: &mut Archive<'a>, name: &str) -> Result<&'a [u8], TorchError> {
    let fault = |reason| TorchError::Part { part: name.to_string(), reason };
    let index = archive.index_for_name(name).ok_or_else(|| fault("is missing"))?;
    let mut entry = archive.by_index(index)?;
    if entry.compression() != zip::CompressionMethod::Stored {
        return Err(fault("is compressed, which PyTorch does not do"));
    }
    let length = std::io::copy(&mut entry, &mut std::io::sink()).map_err(|_| fault("is damaged: its checksum is wrong"))?;
    let start = entry
        .data_start()
        .and_then(|start| usize::try_from(start).ok())
        .ok_or_else(|| fault("has no known position in the file"))?;
    bytes.get(start..).and_then(|rest| rest.get(..length as usize)).ok_or_else(|| fault("is truncated"))
}

/// The older form: pickles of a version, of the machine, of what was saved, of the storages' names; then the storages in that
/// order, each as a count of eight bytes and its values.
fn legacy(bytes: &[u8]) -> Result<TorchFile<'_>, TorchError> {
    let mut at = LEGACY.len();
    let mut next = || -> Result<Heap<'_>, PickleError> {
        let (heap, end) = Heap::read_one(bytes, at)?;
        at = end;
        Ok(heap)
    };
    let version = next()?;
    if *version.get(version.root()) != Object::Int(LEGACY_VERSION) {
        return Err(version.unfit(version.root(), "an unknown version of PyTorch's older files").into());
    }
    let machine = next()?;
    if machine.entry(machine.root(), "little_endian").map(|id| machine.get(id)) != Some(&Object::Bool(true)) {
        return Err(machine.unfit(machine.root(), "a big-endian machine wrote the file").into());
    }
    let (heap, names) = (next()?, next()?);
    let elements: HashMap<&str, Element> =
        heap.ids().filter_map(|id| storage_of(&heap, id)).map(|(element, key)| (key, element)).collect();
    let Object::List(keys) = names.get(names.root()) else {
        return Err(names.unfit(names.root(), "the list of storages is not a list").into());
    };
    let mut rest = &bytes[at..];
    let mut found = HashMap::new();
    for &id in keys {
        let &Object::Text(key) = names.get(id) else { return Err(names.unfit(id, "a storage's name is not a string").into()) };
        let element = *elements.get(key).ok_or_else(|| names.unfit(id, "a storage that no tensor uses"))?;
        let cut = || TorchError::Cut(key.to_string());
        let (count, values) = rest.split_first_chunk::<8>().ok_or_else(cut)?;
        let length = usize::try_from(u64::from_le_bytes(*count)).ok().and_then(|n| n.checked_mul(element.size()));
        let (values, behind) = length.and_then(|length| values.split_at_checked(length)).ok_or_else(cut)?;
        found.insert(key.to_string(), values);
        rest = behind;
    }
    Ok(TorchFile { heap, storages: Storages::Legacy(found) })
}
