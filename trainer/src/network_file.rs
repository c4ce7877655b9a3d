//! Networks out of files: checkpoints and ONNX.

use std::path::Path;
use std::sync::Arc;

use blocks::{Graph, Primitive, Shape, Weights};
use faces::augment::Augment;
use faces::data::{Dataset, Loader, LoaderOptions};
use filekind::has_ending;

use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::evaluate::{Candle, Network, Onnx, RECALIBRATION_STEPS};
use crate::nets::BACKBONE;
use crate::reference::Reference;
use crate::run::{Checkpoint, Kind};
use crate::search::{chosen, supernet_weights};
use crate::space::subnet_weights;

/// What is told where a subnet is used with the statistics of its supernet's mixtures.
pub const OF_MIXTURES: &str =
    "WARNING: this subnet has the statistics of its supernet's mixtures, and is worse than after a finetune";

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
    pub fn read(path: &Path, space: Option<&str>, library: Option<&Path>) -> Result<Self> {
        if has_ending(path, "onnx") {
            let network = Onnx::open(path, library)?;
            let (side, points) = (network.side(), network.points());
            return Ok(Self::Onnx(Opened { network: Box::new(network), side, points }));
        }
        if has_ending(path, "safetensors") {
            return Ok(Self::Checkpoint(subnet(path, space)?));
        }
        Err(Error::Usage(format!("{} is neither an .onnx nor a .safetensors file", path.display())))
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

    /// [`Subnet::recalibrated`]; an ONNX file has no statistics any more.
    ///
    /// # Errors
    /// A picture cannot be read.
    pub fn recalibrated(self, train: Arc<Dataset>) -> Result<Self> {
        match self {
            Self::Checkpoint(subnet) => Ok(Self::Checkpoint(subnet.recalibrated(train)?)),
            onnx @ Self::Onnx(_) => Ok(onnx),
        }
    }

    /// Makes it ready to run; as the reference evaluates, where that is asked for. An ONNX file has no dropout.
    ///
    /// # Errors
    /// The weights do not fit.
    pub fn open(self, reference: Reference) -> Result<Opened> {
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
pub fn subnet(path: &Path, space: Option<&str>) -> Result<Subnet> {
    let checkpoint = Checkpoint::load(path)?;
    let points = checkpoint.meta.points;
    if checkpoint.meta.kind == Kind::Baseline {
        let graph = Architecture::Baseline.deployed(points);
        return Ok(Subnet { graph, weights: checkpoint.weights(BACKBONE), choice: Vec::new(), points, of_mixtures: false });
    }
    let space = checkpoint.space(path, space)?;
    let (choice, weights) = match checkpoint.meta.kind {
        Kind::Supernet => {
            let choice = chosen(&checkpoint, path, &space)?;
            let graph = space.deployed(&choice, points);
            let weights = subnet_weights(&space, &choice, &graph, &supernet_weights(&checkpoint))?;
            (choice, weights)
        }
        Kind::Subnet | Kind::Baseline => (checkpoint.choice(path, &space)?, checkpoint.weights(BACKBONE)),
    };
    let graph = space.deployed(&choice, points);
    Ok(Subnet { graph, weights, choice, points, of_mixtures: checkpoint.meta.kind == Kind::Supernet })
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
}

impl Subnet {
    /// With running statistics of its own, taken over training faces: for one that is [of mixtures](Self::of_mixtures).
    ///
    /// # Errors
    /// A picture cannot be read.
    pub fn recalibrated(self, train: Arc<Dataset>) -> Result<Self> {
        let faces = (0..train.len()).collect();
        let loader = Loader::new(train, faces, LoaderOptions::train(RECALIBRATION_BATCH, 0, Some(Augment::MILD)))?;
        let mut network = Candle::new(self.graph.clone(), &self.weights)?;
        let epochs = RECALIBRATION_STEPS.div_ceil(loader.batches());
        for epoch in 0..epochs {
            network.recalibrate(&loader, epoch as u64, RECALIBRATION_STEPS - epoch * loader.batches())?;
        }
        Ok(Self { weights: network.weights()?, of_mixtures: false, ..self })
    }

    /// Shape of its input.
    pub fn input(&self) -> Shape {
        self.graph.node(self.graph.inputs()[0]).shape
    }
}

/// Faces a step of [`Subnet::recalibrated`].
const RECALIBRATION_BATCH: usize = 32;
