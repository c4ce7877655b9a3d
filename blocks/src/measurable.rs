//! What can be measured: a search space as the code that times it sees it. That code does not know what blocks compute or how they are
//! written.

use std::collections::BTreeMap;
use std::fmt;

use crate::eval::{self, EvalError};
use crate::family::Family;
use crate::onnx::OnnxError;
use crate::onnx::block::Port;
use crate::{Graph, Weights};

/// What the key of a fixed piece begins with.
pub const FIXED_PREFIX: &str = "trunk:";

/// The key of a fixed piece.
pub fn fixed_key(piece: impl fmt::Display) -> String {
    format!("{FIXED_PREFIX}{piece}")
}

/// The name in the key of a fixed piece; none in a candidate's.
pub fn fixed_name(key: &str) -> Option<&str> {
    key.strip_prefix(FIXED_PREFIX)
}

/// The shapes in a candidate's key: what stands behind `@`, up to `~` where a fingerprint follows. None in that of a fixed piece.
pub fn shapes_of_key(key: &str) -> Option<&str> {
    let (_, shapes) = key.split_once('@')?;
    Some(shapes.split_once('~').map_or(shapes, |(shapes, _)| shapes))
}

/// Which part of a space's networks. In tables and raw sample files it stands as its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PartId<'a> {
    /// A candidate that does something: its key.
    Block(&'a str),
    /// A fixed piece: its name.
    Fixed(&'a str),
}

/// As errors name it: the key.
impl fmt::Display for PartId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Block(key) => f.write_str(key),
            Self::Fixed(name) => write!(f, "{FIXED_PREFIX}{name}"),
        }
    }
}

/// A search space whose parts and networks are ONNX files.
pub trait Measurable: Sync {
    /// Its name, as tables state it.
    fn name(&self) -> &str;

    /// SHA-256, in hex, of everything that decides what is measured.
    fn hash(&self) -> String;

    /// The searched layers, in order.
    fn layers(&self) -> Vec<LayerInfo>;

    /// Names of the fixed pieces, in execution order.
    fn fixed(&self) -> Vec<String>;

    /// What is known of a part; none where there is no such part.
    fn part(&self, id: PartId) -> Option<PartInfo>;

    /// That part alone as a file; none where there is no such part.
    ///
    /// # Errors
    /// [`OnnxError`], where it cannot be written.
    fn part_file(&self, id: PartId) -> Result<Option<NetworkFile>, OnnxError>;

    /// Where a user finds a part: its file and its place in the space; none where it has no file.
    fn origin(&self, id: PartId) -> Option<String> {
        let _ = id;
        None
    }

    /// The network of a choice, as an app ships it: in each layer one of its candidates, by its place, or nothing at all, where
    /// [`LayerInfo::may_be_left_out`]. The same choice gives the same bytes.
    ///
    /// # Errors
    /// [`OnnxError`], where it cannot be written.
    fn network_file(&self, choice: &[Option<usize>]) -> Result<NetworkFile, OnnxError>;

    /// What a table states of a space of ONNX files, so that it can be used without them; none of a space of primitives.
    fn folder(&self) -> Option<FolderInfo> {
        None
    }

    /// Reads a choice of one candidate a layer, by names.
    ///
    /// # Errors
    /// [`ChoiceError`].
    fn choice(&self, names: &[&str]) -> Result<Vec<usize>, ChoiceError> {
        let layers = self.layers();
        if names.len() != layers.len() {
            return Err(ChoiceError::Layers { space: self.name().to_string(), layers: layers.len(), given: names.len() });
        }
        let find = |(i, (name, layer)): (usize, (&&str, &LayerInfo))| {
            layer.candidates.iter().position(|candidate| candidate.name == *name).ok_or_else(|| ChoiceError::Candidate {
                layer: i + 1,
                name: (*name).to_string(),
                known: layer.candidates.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", "),
            })
        };
        std::iter::zip(names, &layers).enumerate().map(find).collect()
    }
}

/// A searched layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerInfo {
    /// Its name.
    pub name: String,
    /// What may stand there, in the order of the architecture weights.
    pub candidates: Vec<CandidateInfo>,
    /// Dimensions of its inputs, the batch included.
    pub inputs: Vec<Vec<usize>>,
    /// Dimensions of its outputs, the batch included.
    pub outputs: Vec<Vec<usize>>,
    /// Whether a network without it fits together: its output has its input's shape.
    pub may_be_left_out: bool,
    /// The stage that the space counts it to, from 0; none where the space has no stages.
    pub stage: Option<usize>,
}

/// A candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateInfo {
    /// Its name.
    pub name: String,
    /// What it is called in tables: equal candidates have one key, and are measured once.
    pub key: String,
    /// Whether it does nothing, and takes exactly 0.
    pub is_identity: bool,
}

/// A space of ONNX files, as tables state it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderInfo {
    /// The network's inputs, the batch included.
    pub inputs: Vec<Port>,
    /// How the files were exported, in the space's own words.
    pub export: BTreeMap<String, String>,
    /// Fixed pieces and layers, in execution order.
    pub slots: Vec<SlotInfo>,
}

/// A slot of a space of ONNX files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlotInfo {
    /// A fixed piece.
    Fixed {
        /// Its name.
        name: String,
        /// What it is called in tables.
        key: String,
    },
    /// A searched layer.
    Layer(LayerInfo),
}

/// A candidate that does something, or a fixed piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartInfo {
    /// Its name.
    pub name: String,
    /// Dimensions of its inputs, the batch included.
    pub inputs: Vec<Vec<usize>>,
    /// Dimensions of its outputs, the batch included.
    pub outputs: Vec<Vec<usize>>,
    /// Multiply-accumulate operations for one image, where they can be counted.
    pub macs: Option<u64>,
    /// Trained parameters.
    pub params: u64,
    /// What it does beside computing.
    pub family: Family,
}

/// A part or a network as a file.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkFile {
    /// ONNX, weights inside.
    pub bytes: Vec<u8>,
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its outputs' names.
    pub outputs: Vec<String>,
    /// What computes the right outputs, where this program knows the operators itself.
    pub reference: Option<Reference>,
}

/// Computes right outputs by plain formulas.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    graph: Graph,
    weights: Weights,
}

impl Reference {
    /// Of a graph with these weights.
    pub fn new(graph: Graph, weights: Weights) -> Self {
        Self { graph, weights }
    }

    /// The outputs for these inputs, in the order of the graph's.
    ///
    /// # Errors
    /// [`EvalError`], where the inputs do not fit.
    pub fn outputs(&self, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, EvalError> {
        eval::evaluate(&self.graph, &self.weights, inputs)
    }
}

/// Why names are no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// Another number of names than layers.
    #[error("space '{space}' has {layers} layers, but {given} candidates are given")]
    Layers {
        /// The space.
        space: String,
        /// How many layers it has.
        layers: usize,
        /// How many names there are.
        given: usize,
    },
    /// A name that its layer has not.
    #[error("layer {layer} has no candidate '{name}'; it has {known}")]
    Candidate {
        /// The layer, from 1.
        layer: usize,
        /// The name.
        name: String,
        /// Those that it has.
        known: String,
    },
}
