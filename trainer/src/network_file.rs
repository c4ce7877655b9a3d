//! Networks out of files: checkpoints and ONNX.

use std::path::Path;

use blocks::{Graph, Primitive, Weights};

use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::evaluate::{Candle, Network, Onnx};
use crate::nets::BACKBONE;
use crate::reference::Reference;
use crate::run::{Checkpoint, Kind};
use crate::search::{chosen, supernet_weights};
use crate::space::subnet_weights;

/// A network, ready to run, with what is known of it.
pub struct Opened {
    /// The network.
    pub network: Box<dyn Network>,
    /// Side of its input in pixels.
    pub side: usize,
    /// Number of its landmarks.
    pub points: usize,
}

/// An ONNX file or a checkpoint, told apart by the name's ending. `space` is where a checkpoint's search space lies, if its name for it
/// cannot be found; `library` is ONNX Runtime's, else the usual places are searched.
///
/// # Errors
/// The file is neither, or cannot be used.
pub fn open(path: &Path, space: Option<&str>, library: Option<&Path>) -> Result<Opened> {
    open_like(Reference(false), path, space, library)
}

/// The same, evaluated as the reference does where that is asked for; an ONNX file has no dropout.
///
/// # Errors
/// As [`open`].
pub fn open_like(reference: Reference, path: &Path, space: Option<&str>, library: Option<&Path>) -> Result<Opened> {
    match path.extension().and_then(|e| e.to_str()) {
        Some("onnx") => {
            let network = Onnx::open(path, library)?;
            let (side, points) = (network.side(), network.points());
            Ok(Opened { network: Box::new(network), side, points })
        }
        Some("safetensors") => {
            let net = subnet(path, space)?;
            let side = net.graph.node(net.graph.inputs()[0]).shape.h;
            Ok(Opened { network: Box::new(Candle::like(reference, net.graph, &net.weights)?), side, points: net.points })
        }
        _ => Err(Error::Usage(format!("{} is neither an .onnx nor a .safetensors file", path.display()))),
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
        return Ok(Subnet { graph, weights: checkpoint.weights(BACKBONE), choice: Vec::new(), points });
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
    Ok(Subnet { graph: space.deployed(&choice, points), weights, choice, points })
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
}
