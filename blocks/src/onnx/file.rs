//! ONNX files of other people, read whole: weights that lie in files beside them come along.
//!
//! PyTorch writes weights into `NAME.onnx.data`. An engine that is given a file's bytes looks for that name in the working folder, and
//! there may be another model's. So nothing is given to an engine, and nothing travels to a device, but files that hold their weights.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use files::impostor;
use prost::Message;

use super::beside::{Beside, Fault, Placed};
use super::file_error::{FILE_LIMIT, FileError};
use super::wire;

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
    let graph = ports.graph.ok_or_else(|| damaged("it does not contain a graph".to_string()))?;
    let weights: BTreeSet<_> = graph.initializer.into_iter().map(|t| t.name).collect();
    let inputs = graph.input.into_iter().map(|v| v.name).filter(|name| !weights.contains(name));
    let inputs = inputs.map(|name| String::from_utf8_lossy(&name).into_owned()).collect();
    let mut beside = Beside::new(path);
    let rope = wire::replace_tensors(&bytes, &mut |range| beside.replace(&bytes, range)).map_err(|e| match e {
        Fault::Wire(e) => damaged(e.to_string()),
        Fault::Data { tensor, fault } => FileError::Data { path: path.to_path_buf(), tensor, fault },
    })?;
    if beside.is_empty() {
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
