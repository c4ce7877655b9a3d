//! The files beside a model that hold its weights.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use files::{HEAD, Impostor, impostor};
use prost::Message;

use super::file_error::{DataFault, FileError};
use super::proto::{self, element};
use super::wire::{self, RAW_DATA, Rope, Segment, WireError};

/// Fields of a tensor beside its values: where they lie, and that they lie elsewhere.
const EXTERNAL_DATA: usize = 13;
const DATA_LOCATION: usize = 14;

/// A tensor without its values.
#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Placed {
    #[prost(bytes = "vec", tag = "8")]
    pub(super) name: Vec<u8>,
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(message, repeated, tag = "13")]
    external_data: Vec<proto::Entry>,
    #[prost(int32, tag = "14")]
    data_location: i32,
}

impl Placed {
    fn entry(&self, key: &str) -> Option<&str> {
        self.external_data.iter().rfind(|entry| entry.key == key).map(|entry| entry.value.as_str())
    }

    /// How many bytes its shape takes, where that is known.
    fn size(&self) -> Option<u64> {
        let bits = element::bits(self.data_type)?;
        Some(element::values(&self.dims)?.checked_mul(bits)?.div_ceil(8))
    }
}

/// What is wrong with a model, or with a file beside it.
pub(super) enum Fault {
    Wire(WireError),
    Data { tensor: String, fault: DataFault },
}

impl From<WireError> for Fault {
    fn from(e: WireError) -> Self {
        Self::Wire(e)
    }
}

/// A file of values.
struct DataFile {
    location: String,
    path: PathBuf,
    file: File,
    size: u64,
}

/// The files beside a model that it names.
pub(super) struct Beside<'a> {
    path: &'a Path,
    found: Vec<DataFile>,
}

/// A place in one of them.
#[derive(Clone, Copy)]
pub(super) struct Place {
    file: usize,
    offset: u64,
}

impl<'a> Beside<'a> {
    /// Of the model at `path`; none is open yet.
    pub fn new(path: &'a Path) -> Self {
        Self { path, found: Vec::new() }
    }

    /// Whether it names none.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The tensor with its values in place of the note where they lie, if they lie elsewhere.
    pub fn replace(&mut self, bytes: &[u8], range: Range<usize>) -> Result<Option<Rope<Place>>, Fault> {
        let fault = |_| WireError { at: range.start, reason: "a tensor that cannot be read" };
        let placed = Placed::decode(&bytes[range.clone()]).map_err(fault)?;
        if placed.data_location != 1 {
            return Ok(None);
        }
        let (place, length) = self
            .place(&placed)
            .map_err(|fault| Fault::Data { tensor: String::from_utf8_lossy(&placed.name).into_owned(), fault })?;
        Ok(Some(wire::with_data(bytes, range, &[RAW_DATA, EXTERNAL_DATA, DATA_LOCATION], RAW_DATA, (place, length))?))
    }

    /// Where the values of a tensor lie, and how many bytes they are.
    fn place(&mut self, placed: &Placed) -> Result<(Place, u64), DataFault> {
        let location = placed.entry("location").filter(|name| !name.is_empty()).ok_or(DataFault::Unnamed)?;
        let number = |key: &'static str| {
            let number = |value: &str| {
                let fault = || DataFault::Number { location: location.to_string(), key, value: value.to_string() };
                value.trim().parse::<u64>().map_err(|_| fault())
            };
            placed.entry(key).map(number).transpose()
        };
        let offset = number("offset")?.unwrap_or(0);
        let length = number("length")?;
        let file = match self.found.iter().position(|file| file.location == location) {
            Some(index) => index,
            None => {
                self.found.push(self.open(location)?);
                self.found.len() - 1
            }
        };
        let has = self.found[file].size;
        let location = || location.to_string();
        let length = length.or_else(|| placed.size()).unwrap_or_else(|| has.saturating_sub(offset));
        if let Some(needed) = placed.size().filter(|&needed| needed != length) {
            return Err(DataFault::Size { location: location(), length, needed });
        }
        let needed = offset.saturating_add(length);
        if needed > has {
            return Err(DataFault::Short { location: location(), has, needed });
        }
        Ok((Place { file, offset }, length))
    }

    /// Opens a file that the model names; only one in the model's folder, or below.
    fn open(&self, location: &str) -> Result<DataFile, DataFault> {
        let relative = Path::new(location);
        if relative.components().any(|part| !matches!(part, Component::Normal(_) | Component::CurDir)) {
            return Err(DataFault::Escapes(location.to_string()));
        }
        let missing =
            |tried: &Path, source| DataFault::Missing { location: location.to_string(), tried: tried.to_path_buf(), source };
        let beside = folder(self.path).join(relative);
        // Where the model is a link, its data may be a link beside it (as downloads' caches have it) or lie beside what it leads to.
        let real = self.path.canonicalize().map_err(|e| missing(&beside, e))?;
        let roots = [folder(self.path).canonicalize().map_err(|e| missing(&beside, e))?, folder(&real).to_path_buf()];
        let behind = roots[1].join(relative);
        let path = match (beside.canonicalize(), behind.canonicalize()) {
            (Ok(a), Ok(b)) if a != b => {
                return Err(DataFault::Two { location: location.to_string(), link: beside, file: b });
            }
            (Ok(path), _) | (Err(_), Ok(path)) => path,
            (Err(e), Err(_)) => return Err(missing(&beside, e)),
        };
        if !roots.iter().any(|root| path.starts_with(root)) {
            return Err(DataFault::Link { location: location.to_string(), to: path });
        }
        // Asked before it is opened: a pipe would be waited for.
        let facts = path.metadata().map_err(|e| missing(&path, e))?;
        if !facts.is_file() {
            return Err(DataFault::NoFile(location.to_string()));
        }
        let mut file = File::open(&path).map_err(|e| missing(&path, e))?;
        let mut head = Vec::new();
        file.by_ref().take(HEAD as u64).read_to_end(&mut head).map_err(|e| missing(&path, e))?;
        // Any bytes may be values, those too with which a text of two bytes a character begins.
        if let Some(found) = impostor(&head).filter(|found| *found != Impostor::Utf16) {
            return Err(DataFault::Impostor { location: location.to_string(), found });
        }
        Ok(DataFile { location: location.to_string(), path, file, size: facts.len() })
    }

    /// Puts the new file together.
    pub fn join(&mut self, bytes: &[u8], rope: &Rope<Place>) -> Result<Vec<u8>, FileError> {
        let mut whole = Vec::with_capacity(usize::try_from(rope.len).unwrap_or_default());
        for segment in &rope.segments {
            match segment {
                Segment::Kept(range) => whole.extend_from_slice(&bytes[range.clone()]),
                Segment::Made(made) => whole.extend_from_slice(made),
                &Segment::Data(place, len) => {
                    let DataFile { path, file, .. } = &mut self.found[place.file];
                    let at = whole.len();
                    whole.resize(at + usize::try_from(len).unwrap_or_default(), 0);
                    let read = file.seek(SeekFrom::Start(place.offset)).and_then(|_| file.read_exact(&mut whole[at..]));
                    read.map_err(|source| FileError::Read { path: path.clone(), source })?;
                }
            }
        }
        Ok(whole)
    }
}

/// The folder that a file lies in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
