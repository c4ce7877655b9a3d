//! ONNX files of other people, read whole: weights that lie in files beside them come along.
//!
//! PyTorch writes weights into `NAME.onnx.data`. An engine that is given a file's bytes looks for that name in the working folder, and
//! there may be another model's. So nothing is given to an engine, and nothing travels to a device, but files that hold their weights.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};

use files::{HEAD, Impostor, impostor};
use prost::Message;

use super::proto::{self, element};
use super::wire::{self, Piece, RAW_DATA, Rope, WireError};

/// Largest file: protobuf's limit of 2 GiB, which engines keep to.
pub const FILE_LIMIT: u64 = i32::MAX as u64;
/// Fields of a tensor beside its values: where they lie, and that they lie elsewhere.
const EXTERNAL_DATA: usize = 13;
const DATA_LOCATION: usize = 14;

/// A model as an engine can be given it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// The file, weights and all.
    pub bytes: Vec<u8>,
    /// Whether these are not the bytes of the file itself, since weights lay beside it.
    pub joined: bool,
    /// Names of its inputs; `None` where it is in ONNX Runtime's own format, which is left to that engine.
    pub inputs: Option<Vec<String>>,
}

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something else was saved under its name.
    #[error("{} {found}", .path.display())]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: Impostor,
    },
    /// No ONNX.
    #[error("{} is no ONNX file, or a damaged one: {reason}", .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// More than protobuf holds.
    #[error("{} has {bytes} bytes with its weights; at most {FILE_LIMIT} (2 GiB) fit into one ONNX file, as which it is run", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size, its weights' included.
        bytes: u64,
    },
    /// Weights that are not where the file says.
    #[error("{}: the values of '{tensor}' lie in another file, {fault}", .path.display())]
    Data {
        /// The model.
        path: PathBuf,
        /// Whose values.
        tensor: String,
        /// What is wrong with that.
        fault: DataFault,
    },
}

/// What is wrong with values that lie in another file.
#[derive(Debug, thiserror::Error)]
pub enum DataFault {
    /// No name.
    #[error("but none is named")]
    Unnamed,
    /// Absolute, or with `..`.
    #[error(
        "'{0}', which may lead out of the model's folder and is not followed: keep that file beside the model, and name it without a path"
    )]
    Escapes(String),
    /// A link to somewhere else.
    #[error("'{location}', a link out of the model's folder (to {}), which is not followed: keep the file itself there", .to.display())]
    Link {
        /// Its name in the model.
        location: String,
        /// Where it leads.
        to: PathBuf,
    },
    /// Not there.
    #[error(
        "'{location}', which cannot be read ({}: {source}): keep it beside the model, or export with external_data=False", .tried.display()
    )]
    Missing {
        /// Its name in the model.
        location: String,
        /// Where it was looked for.
        tried: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A folder, a pipe.
    #[error("'{0}', which is not a regular file")]
    NoFile(String),
    /// The model is a link, and there are two files that could be meant.
    #[error("'{location}', which lies beside the link {} and beside what it leads to, {}: name the model without the link", .link.display(), .file.display())]
    Two {
        /// Its name in the model.
        location: String,
        /// The first.
        link: PathBuf,
        /// The second.
        file: PathBuf,
    },
    /// Something else was saved under its name.
    #[error("'{location}', which {found}")]
    Impostor {
        /// Its name in the model.
        location: String,
        /// What it is.
        found: Impostor,
    },
    /// Not a number.
    #[error("'{location}', at {key} '{value}', which is no number")]
    Number {
        /// Its name in the model.
        location: String,
        /// `offset` or `length`.
        key: &'static str,
        /// What stands there.
        value: String,
    },
    /// Cut off, or of another export.
    #[error("'{location}', which has {has} bytes where {needed} are needed: it is cut off, or of another model")]
    Short {
        /// Its name in the model.
        location: String,
        /// Size.
        has: u64,
        /// End of these values.
        needed: u64,
    },
    /// Not as many bytes as the shape takes.
    #[error("'{location}', with {length} bytes for it; its shape takes {needed}: the file is of another model, or damaged")]
    Size {
        /// Its name in the model.
        location: String,
        /// Bytes there.
        length: u64,
        /// Bytes of its shape.
        needed: u64,
    },
}

/// Reads the model at `path`, with the weights that lie beside it.
///
/// # Errors
/// [`FileError`].
pub fn read(path: &Path) -> Result<ModelFile, FileError> {
    let failed = |source| FileError::Read { path: path.to_path_buf(), source };
    let mut bytes = Vec::new();
    let mut file = File::open(path).map_err(failed)?;
    // A file that is too large is not read to learn that.
    let size = file.metadata().map_err(failed)?.len();
    let too_large = |bytes| FileError::TooLarge { path: path.to_path_buf(), bytes };
    if size > FILE_LIMIT {
        return Err(too_large(size));
    }
    file.by_ref().take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(too_large(bytes.len() as u64));
    }
    whole(bytes, path)
}

/// The same of a file's bytes; `path` is where it lies.
///
/// # Errors
/// [`FileError`].
pub fn whole(bytes: Vec<u8>, path: &Path) -> Result<ModelFile, FileError> {
    whole_within(bytes, path, FILE_LIMIT)
}

/// The same, where it has no more than `limit` bytes with its weights.
///
/// # Errors
/// [`FileError`].
pub fn whole_within(bytes: Vec<u8>, path: &Path, limit: u64) -> Result<ModelFile, FileError> {
    if let Some(found) = impostor(&bytes) {
        return Err(FileError::Impostor { path: path.to_path_buf(), found });
    }
    if bytes.get(4..8) == Some(b"ORTM") {
        return Ok(ModelFile { bytes, joined: false, inputs: None });
    }
    let damaged = |reason: String| FileError::Damaged { path: path.to_path_buf(), reason };
    if bytes.is_empty() {
        return Err(damaged("it is empty".to_string()));
    }
    let ports = Ports::decode(&bytes[..]).map_err(|e| damaged(e.to_string()))?;
    let graph = ports.graph.ok_or_else(|| damaged("it holds no graph".to_string()))?;
    let weights: BTreeSet<_> = graph.initializer.into_iter().map(|t| t.name).collect();
    let inputs = graph.input.into_iter().map(|v| v.name).filter(|name| !weights.contains(name));
    let inputs = inputs.map(|name| String::from_utf8_lossy(&name).into_owned()).collect();
    let mut beside = Beside { path, found: Vec::new() };
    let rope = wire::replace_tensors(&bytes, &mut |range| beside.replace(&bytes, range)).map_err(|e| match e {
        Fault::Wire(e) => damaged(e.to_string()),
        Fault::Data { tensor, fault } => FileError::Data { path: path.to_path_buf(), tensor, fault },
    })?;
    if beside.found.is_empty() {
        return Ok(ModelFile { bytes, joined: false, inputs: Some(inputs) });
    }
    if rope.len > limit.min(FILE_LIMIT) {
        return Err(FileError::TooLarge { path: path.to_path_buf(), bytes: rope.len });
    }
    Ok(ModelFile { bytes: beside.join(&bytes, &rope)?, joined: true, inputs: Some(inputs) })
}

/// Names of inputs and weights; all else is skipped. Bytes, not texts: engines take names that are no UTF-8.
#[derive(Clone, PartialEq, prost::Message)]
struct Ports {
    #[prost(message, optional, tag = "7")]
    graph: Option<PortsOfGraph>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PortsOfGraph {
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<Placed>,
    #[prost(message, repeated, tag = "11")]
    input: Vec<PortName>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PortName {
    #[prost(bytes = "vec", tag = "1")]
    name: Vec<u8>,
}

/// A tensor without its values.
#[derive(Clone, PartialEq, prost::Message)]
struct Placed {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(bytes = "vec", tag = "8")]
    name: Vec<u8>,
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
        let values = self.dims.iter().try_fold(1u64, |n, &d| n.checked_mul(u64::try_from(d).ok()?))?;
        Some(values.checked_mul(bits)?.div_ceil(8))
    }
}

enum Fault {
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
struct Beside<'a> {
    path: &'a Path,
    found: Vec<DataFile>,
}

/// A place in one of them.
#[derive(Clone, Copy)]
struct Place {
    file: usize,
    offset: u64,
}

impl Beside<'_> {
    /// The tensor with its values in place of the note where they lie, if they lie elsewhere.
    fn replace(&mut self, bytes: &[u8], range: Range<usize>) -> Result<Option<Rope<Place>>, Fault> {
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
    fn join(&mut self, bytes: &[u8], rope: &Rope<Place>) -> Result<Vec<u8>, FileError> {
        let mut whole = Vec::with_capacity(usize::try_from(rope.len).unwrap_or_default());
        for piece in &rope.pieces {
            match piece {
                Piece::Kept(range) => whole.extend_from_slice(&bytes[range.clone()]),
                Piece::Made(made) => whole.extend_from_slice(made),
                &Piece::Data(place, len) => {
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
