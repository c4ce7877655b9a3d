//! Checkpoints: safetensors files with everything that a run needs to be resumed.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use blocks::network::POINTS;
use blocks::{Graph, Primitive, Space, Weights};
use files::FileError;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::checkpoint_meta::{CheckpointError, EPOCHS, FORMAT, Kind, META_KEY, Meta};
use super::files::write_atomically;
use crate::model::primitives;

/// The name under which a checkpoint holds the weights of the network that is shipped.
pub const BACKBONE: &str = "backbone";
/// The name under which it holds the weights of the pose network, which only training needs.
pub const POSE: &str = "pose";
/// The name under which it holds the architecture weights.
pub const PATH_ALPHA: &str = "path_alpha";

/// A checkpoint in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// What it says of itself.
    pub meta: Meta,
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

impl Checkpoint {
    /// One without tensors.
    pub fn new(meta: Meta) -> Self {
        Self { meta, tensors: BTreeMap::new() }
    }

    /// Adds a tensor, row-major.
    pub fn insert(&mut self, name: impl Into<String>, dims: &[usize], values: Vec<f32>) {
        self.tensors.insert(name.into(), (dims.to_vec(), values));
    }

    /// Adds a graph's weights as `prefix.name`.
    pub fn insert_weights(&mut self, prefix: &str, graph: &Graph, weights: &Weights) {
        for param in graph.params() {
            if let Some(values) = weights.0.get(&param.name) {
                self.insert(format!("{prefix}.{}", param.name), &param.dims, values.clone());
            }
        }
    }

    /// The values of a tensor.
    pub fn get(&self, name: &str) -> Option<&[f32]> {
        self.tensors.get(name).map(|(_, values)| values.as_slice())
    }

    /// All weights stored as `prefix.name`; empty where there are none.
    pub fn weights(&self, prefix: &str) -> Weights {
        let prefix = format!("{prefix}.");
        let named = |(name, (_, values)): (&String, &(Vec<usize>, Vec<f32>))| {
            name.strip_prefix(&prefix).map(|name| (name.to_string(), values.clone()))
        };
        Weights(self.tensors.iter().filter_map(named).collect())
    }

    /// The first tensor with values that are no finite numbers.
    pub fn not_finite(&self) -> Option<&str> {
        let finite = |values: &[f32]| values.iter().all(|value| value.is_finite());
        self.tensors.iter().find(|(_, (_, values))| !finite(values)).map(|(name, _)| name.as_str())
    }

    /// Writes it whole or not at all. Equal checkpoints give equal bytes.
    ///
    /// # Errors
    /// The file cannot be written, or a value is not a finite number; an earlier file then stays.
    pub fn save(&self, path: &Path) -> Result<(), CheckpointError> {
        if let Some(tensor) = self.not_finite() {
            return Err(CheckpointError::NotFinite { path: path.to_owned(), tensor: tensor.to_string() });
        }
        let bytes: Vec<(&String, &[usize], Vec<u8>)> = self
            .tensors
            .iter()
            .map(|(name, (dims, values))| (name, dims.as_slice(), values.iter().flat_map(|v| v.to_le_bytes()).collect()))
            .collect();
        let serialize = || -> Result<Vec<u8>, Box<dyn std::error::Error>> {
            let views: Vec<_> = bytes
                .iter()
                .map(|(name, dims, data)| Ok((name.as_str(), TensorView::new(Dtype::F32, dims.to_vec(), data)?)))
                .collect::<Result<_, safetensors::SafeTensorError>>()?;
            let meta = HashMap::from([(META_KEY.to_string(), serde_json::to_string(&self.meta)?)]);
            Ok(safetensors::serialize(views, Some(meta))?)
        };
        let file = serialize().map_err(|e| FileError::new("cannot write", path)(std::io::Error::other(e.to_string())))?;
        Ok(write_atomically(path, &file)?)
    }

    /// Reads a checkpoint.
    ///
    /// # Errors
    /// It is missing, damaged, or not this trainer's.
    pub fn load(path: &Path) -> Result<Self, CheckpointError> {
        let bytes = std::fs::read(path).map_err(FileError::new("cannot read the checkpoint", path))?;
        let broken = |reason: String| CheckpointError::NotSafetensors { path: path.to_owned(), reason };
        let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| match files::impostor(&bytes) {
            Some(impostor) => CheckpointError::Impostor { path: path.to_owned(), impostor },
            None => broken(e.to_string()),
        })?;
        let text = header.metadata().as_ref().and_then(|m| m.get(META_KEY));
        let meta: Option<Meta> = text.and_then(|text| serde_json::from_str(text).ok());
        let meta = meta.filter(|m| m.format == FORMAT).ok_or_else(|| CheckpointError::Foreign { path: path.to_owned() })?;
        if !POINTS.contains(&meta.points) || meta.epoch > EPOCHS {
            return Err(CheckpointError::Numbers { path: path.to_owned(), points: meta.points, epoch: meta.epoch });
        }
        let mut tensors = BTreeMap::new();
        for (name, view) in SafeTensors::deserialize(&bytes).map_err(|e| broken(e.to_string()))?.tensors() {
            if view.dtype() != Dtype::F32 {
                return Err(broken(format!("tensor '{name}' is {:?}, not F32", view.dtype())));
            }
            let values: Vec<f32> = view.data().as_chunks().0.iter().map(|&b| f32::from_le_bytes(b)).collect();
            tensors.insert(name, (view.shape().to_vec(), values));
        }
        let checkpoint = Self { meta, tensors };
        // A ReLU may hide it from all that comes after.
        match checkpoint.not_finite() {
            Some(name) => Err(broken(format!("tensor '{name}' holds values that are not finite numbers"))),
            None => Ok(checkpoint),
        }
    }

    /// The space it was trained on: `given` (a name or file) if there is one, else what the checkpoint names.
    ///
    /// # Errors
    /// The space cannot be loaded, or is another one.
    pub fn space(&self, path: &Path, given: Option<&str>) -> Result<Space, CheckpointError> {
        let space = Space::load(given.unwrap_or(&self.meta.space))?;
        let expected = space.hash();
        if expected != self.meta.space_hash {
            let (name, found) = (self.meta.space.clone(), self.meta.space_hash.clone());
            return Err(CheckpointError::Space { path: path.to_owned(), name, found, expected });
        }
        Ok(space)
    }

    /// The primitives of a subnet.
    ///
    /// # Errors
    /// It is a supernet, or its choice does not fit the space.
    pub fn choice(&self, path: &Path, space: &Space) -> Result<Vec<Primitive>, CheckpointError> {
        let fault = |reason| CheckpointError::Choice { path: path.to_owned(), reason };
        let names = self.meta.choice.as_ref().ok_or_else(|| fault("it names no choice of primitives".to_string()))?;
        space.choice(names).map_err(fault)
    }

    /// The choice that the checkpoint stands for: the one written in it (a subnet's, an imported one, that of a search with a target), else
    /// the most probable candidate of each layer.
    ///
    /// # Errors
    /// It has neither a choice nor architecture weights of this space.
    pub fn chosen(&self, path: &Path, space: &Space) -> Result<Vec<Primitive>, CheckpointError> {
        if self.meta.choice.is_some() {
            return self.choice(path, space);
        }
        let candidates: Vec<usize> = space.layers().iter().map(|layer| layer.primitives.len()).collect();
        let width = candidates.iter().copied().max().unwrap_or(0);
        let values = self.tensor(path, PATH_ALPHA, width * candidates.len())?;
        let largest = |(row, n): (&[f32], usize)| (1..n).fold(0, |best, k| if row[k] > row[best] { k } else { best });
        Ok(primitives(space, &values.chunks(width).zip(candidates).map(largest).collect::<Vec<_>>()))
    }

    /// Refuses the other kind.
    ///
    /// # Errors
    /// It is the other kind.
    pub fn require(&self, path: &Path, kind: Kind, needed: &'static str) -> Result<(), CheckpointError> {
        if self.meta.kind == kind {
            return Ok(());
        }
        Err(CheckpointError::Kind { path: path.to_owned(), found: self.meta.kind, needed })
    }

    /// A tensor of `len` values.
    ///
    /// # Errors
    /// It is missing or has another size.
    pub fn tensor(&self, path: &Path, name: &str, len: usize) -> Result<&[f32], CheckpointError> {
        let found = self.get(name).filter(|values| values.len() == len);
        found.ok_or_else(|| CheckpointError::Tensor { path: path.to_owned(), name: name.to_string() })
    }
}
