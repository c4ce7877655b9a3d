//! Networks out of files: checkpoints and ONNX.

use std::path::Path;
use std::sync::Arc;

use blocks::{Graph, Primitive, Shape, Weights, onnx};
use faces::data::Dataset;
use files::{FileError, has_ending};

use super::error::FaceError;
use super::evaluate::{Candle, Network};
use super::onnx::Onnx;
use super::recalibrate::recalibrated;
use crate::model::{Architecture, subnet_weights};
use crate::nni::Reference;
use crate::run::{BACKBONE, Checkpoint, Kind, TrainedOn};
use crate::task::{Data, TaskError};

/// The message where a subnet is used with the statistics of its supernet's mixtures.
pub const OF_MIXTURES: &str =
    "WARNING: this subnet has the running statistics of the whole supernet; its error is larger than after a finetune";

/// The note of an ONNX file that says which faces its network was trained on, as JSON of [`TrainedOn`].
pub const TRAINED_ON: &str = "blocktime.trained_on";

/// A network, ready to run, with what is known of it.
pub struct Opened {
    /// The network.
    pub network: Box<dyn Network>,
    /// Side of its input in pixels.
    pub side: usize,
    /// Number of its landmarks.
    pub points: usize,
}

/// What a file holds.
pub enum NetworkFile {
    /// An ONNX file, opened.
    Onnx(Opened),
    /// A checkpoint's network.
    Checkpoint(Subnet),
}

impl NetworkFile {
    /// An ONNX file or a checkpoint, told apart by the name's ending. `space` is where a checkpoint's search space lies, if its name
    /// for it cannot be found; `library` is ONNX Runtime's, else the usual places are searched.
    ///
    /// # Errors
    /// The file is neither, or cannot be used.
    pub fn read(path: &Path, space: Option<&str>, library: Option<&Path>) -> Result<Self, FaceError> {
        if has_ending(path, "onnx") {
            let network = Onnx::open(path, library)?;
            let (side, points) = (network.side(), network.points());
            return Ok(Self::Onnx(Opened { network: Box::new(network), side, points }));
        }
        if has_ending(path, "safetensors") {
            return Ok(Self::Checkpoint(subnet(path, space)?));
        }
        Err(FaceError::UnknownFile(path.to_owned()))
    }

    /// Whether its statistics are those of a supernet's mixtures: see [`Subnet::of_mixtures`].
    pub fn is_of_mixtures(&self) -> bool {
        matches!(self, Self::Checkpoint(subnet) if subnet.of_mixtures)
    }

    /// Shape of its input.
    pub fn input(&self) -> Shape {
        match self {
            Self::Onnx(opened) => Shape::new(3, opened.side, opened.side),
            Self::Checkpoint(subnet) => subnet.input(),
        }
    }

    /// The faces that its weights were trained on, where that is known: of the ONNX file at `path`, by the note that an export leaves.
    ///
    /// # Errors
    /// The file cannot be read any more, or its note is none of this program's.
    pub fn trained_on(&self, path: &Path) -> Result<Option<TrainedOn>, FaceError> {
        if let Self::Checkpoint(subnet) = self {
            return Ok(subnet.trained_on.clone());
        }
        let bytes = std::fs::read(path).map_err(FileError::new("cannot read the model", path))?;
        let fault = |reason: String| FaceError::Record { path: path.to_owned(), name: TRAINED_ON, reason };
        let note = onnx::note(&bytes, TRAINED_ON).map_err(|e| fault(e.to_string()))?;
        note.map(|note| serde_json::from_str(&note).map_err(|e| fault(e.to_string()))).transpose()
    }

    /// [`Subnet::recalibrated`]; an ONNX file has no statistics any more.
    ///
    /// # Errors
    /// A picture cannot be read.
    pub fn recalibrated(self, train: &Arc<Dataset>) -> Result<Self, TaskError> {
        match self {
            Self::Checkpoint(subnet) => Ok(Self::Checkpoint(subnet.recalibrated(train)?)),
            onnx @ Self::Onnx(_) => Ok(onnx),
        }
    }

    /// Makes it ready to run; as the reference evaluates, where that is asked for. An ONNX file has no dropout.
    ///
    /// # Errors
    /// The weights do not fit.
    pub fn open(self, reference: Reference) -> Result<Opened, FaceError> {
        match self {
            Self::Onnx(opened) => Ok(opened),
            Self::Checkpoint(net) => {
                let (side, points) = (net.input().h, net.points);
                Ok(Opened { network: Box::new(Candle::like(reference, net.graph, &net.weights)?), side, points })
            }
        }
    }
}

/// A network out of a checkpoint: a finetuned one, or the subnet that a supernet's would choose.
///
/// # Errors
/// The checkpoint does not fit the space.
pub fn subnet(path: &Path, space: Option<&str>) -> Result<Subnet, FaceError> {
    let checkpoint = Checkpoint::load(path)?;
    let points = checkpoint.meta.points;
    if checkpoint.meta.kind == Kind::Baseline {
        let graph = Architecture::Baseline.deployed(points);
        let (weights, trained_on) = (checkpoint.weights(BACKBONE), checkpoint.meta.trained_on);
        return Ok(Subnet { graph, weights, choice: Vec::new(), points, of_mixtures: false, trained_on });
    }
    let space = checkpoint.space(path, space)?;
    let of_mixtures = checkpoint.meta.kind == Kind::Supernet;
    let choice = if of_mixtures { checkpoint.chosen(path, &space)? } else { checkpoint.choice(path, &space)? };
    let graph = space.deployed(&choice, points);
    let mut weights = checkpoint.weights(BACKBONE);
    if of_mixtures {
        weights = subnet_weights(&space, &choice, &graph, &weights)?;
    }
    Ok(Subnet { graph, weights, choice, points, of_mixtures, trained_on: checkpoint.meta.trained_on })
}

/// A network with its weights.
pub struct Subnet {
    /// As an app ships it.
    pub graph: Graph,
    /// Its weights.
    pub weights: Weights,
    /// A primitive a layer; empty for the baseline.
    pub choice: Vec<Primitive>,
    /// Number of landmarks.
    pub points: usize,
    /// Whether batch norm's running statistics are still those of the supernet's mixtures, which no single candidate resembles.
    pub of_mixtures: bool,
    /// The faces that its weights were trained on, where that is known.
    pub trained_on: Option<TrainedOn>,
}

impl Subnet {
    /// With running statistics of its own ([`recalibrated`]), for one that is [of mixtures](Self::of_mixtures): taken over the faces of
    /// the training list that its weights were trained on.
    ///
    /// # Errors
    /// A picture cannot be read.
    pub fn recalibrated(self, train: &Arc<Dataset>) -> Result<Self, TaskError> {
        let faces = train.trained_on(self.trained_on.as_ref())?;
        Ok(Self { weights: recalibrated(&self.graph, &self.weights, train, faces)?, of_mixtures: false, ..self })
    }

    /// Shape of its input.
    pub fn input(&self) -> Shape {
        self.graph.node(self.graph.inputs()[0]).shape
    }
}
