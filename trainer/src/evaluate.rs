//! How good a network is: its errors on faces.

use std::path::Path;
use std::sync::Arc;

use blocks::{Graph, Weights};
use candle_core::{Device, Tensor};
use engines::{EngineKind, Port, Session, SessionOptions};
use faces::data::{Dataset, Loader, LoaderOptions};
use faces::metrics::{Errors, FAILURE};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::model::{Mode, Model, Pass};
use crate::reference::Reference;
use crate::run::FileError;

/// Faces a step of an evaluation: small enough for any memory.
const BATCH: usize = 32;

/// Something that turns pictures into landmarks.
pub trait Network {
    /// Landmarks `[n, 2N]` (fractions of the side) of `n` pictures `[n, 3, side, side]`.
    ///
    /// # Errors
    /// It cannot run on them.
    fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>>;
}

/// A model of this crate, with running statistics.
pub struct Candle {
    model: Model,
    side: usize,
    mode: Mode,
    /// Batches so far: each drops other values, where the mode drops any.
    batches: u64,
}

impl Candle {
    /// The graph with these weights on the CPU.
    ///
    /// # Errors
    /// The weights do not fit.
    pub fn new(graph: Graph, weights: &Weights) -> Result<Self> {
        Self::like(Reference(false), graph, weights)
    }

    /// The same, evaluated as the reference does where that is asked for.
    ///
    /// # Errors
    /// The weights do not fit.
    pub fn like(reference: Reference, graph: Graph, weights: &Weights) -> Result<Self> {
        let side = graph.node(graph.inputs()[0]).shape.h;
        Ok(Self { model: Model::alone(graph, weights)?, side, mode: reference.eval_mode(), batches: 0 })
    }
}

impl Network for Candle {
    fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        let images = Tensor::from_slice(images, (n, 3, self.side, self.side), &Device::Cpu)?;
        let pass = Pass { dropout_seed: self.batches, ..Pass::new(self.mode) };
        self.batches += 1;
        let out = self.model.run(&[images], None, pass)?;
        Ok(out[0].flatten_all()?.to_vec1()?)
    }
}

/// An ONNX file in ONNX Runtime.
pub struct Onnx {
    session: Box<dyn Session>,
    side: usize,
    /// Which of the outputs is the landmarks.
    output: usize,
    points: usize,
}

impl Onnx {
    /// Opens the file at `path`; `library` is ONNX Runtime's, else the usual places are searched.
    ///
    /// # Errors
    /// There is no engine, it refuses the file, or the file is no landmark network.
    pub fn open(path: &Path, library: Option<&Path>) -> Result<Self> {
        let bytes = std::fs::read(path).map_err(FileError::new("cannot read the model", path))?;
        Self::from_bytes(&bytes, path, library)
    }

    /// The same from memory; `path` stands in messages.
    ///
    /// # Errors
    /// As [`Onnx::open`].
    pub fn from_bytes(bytes: &[u8], path: &Path, library: Option<&Path>) -> Result<Self> {
        let engine = engines::open(EngineKind::OnnxRuntime, library)?;
        let session =
            engine.load(bytes, &SessionOptions::default()).map_err(|e| Error::Usage(format!("{}: {e}", path.display())))?;
        let fault = |what: String| Error::Usage(format!("{} is no landmark network: {what}", path.display()));
        let [input] = session.inputs() else {
            return Err(fault(format!("it has {} inputs, not one", session.inputs().len())));
        };
        let side = match input.dims.as_slice() {
            &[_, 3, side, width] if side == width => side,
            _ => return Err(fault(format!("its input is {:?}, not [n, 3, side, side]", input.dims))),
        };
        let found: Vec<(usize, usize)> =
            session.outputs().iter().enumerate().filter_map(|(i, port)| Some((i, points(port)?))).collect();
        let &[(output, points)] = found.as_slice() else {
            let outputs: Vec<_> = session.outputs().iter().map(|port| format!("'{}' {:?}", port.name, port.dims)).collect();
            return Err(fault(format!("exactly one output must be [n, 2 × points], and it has {}", outputs.join(", "))));
        };
        Ok(Self { session, side, output, points })
    }

    /// Side of its input in pixels.
    pub fn side(&self) -> usize {
        self.side
    }

    /// Number of its landmarks.
    pub fn points(&self) -> usize {
        self.points
    }
}

/// How many landmarks of a picture an output holds, two numbers each; none where it is something else, as the feature map that some
/// files give for a pose net.
fn points(output: &Port) -> Option<usize> {
    match output.dims.as_slice() {
        [_, values, rest @ ..] if *values > 0 && values.is_multiple_of(2) && rest.iter().all(|&n| n == 1) => Some(values / 2),
        _ => None,
    }
}

impl Network for Onnx {
    fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>> {
        // One face at a time where the file fixes its batch.
        let step = if self.session.inputs()[0].open_batch { n } else { 1 };
        let mut landmarks = Vec::with_capacity(n * 2 * self.points);
        for part in images.chunks(step * images.len() / n) {
            self.session.set_inputs(&[part.to_vec()])?;
            self.session.run()?;
            landmarks.extend(self.session.read_outputs()?.swap_remove(self.output));
        }
        Ok(landmarks)
    }
}

/// Errors over a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Faces.
    pub faces: usize,
    /// Mean NME, a fraction.
    pub nme: f64,
    /// Mean over the faces of Σ (difference)², in fractions of the side.
    pub loss: f64,
    /// Share of faces whose NME is above 0.10.
    pub failure_rate_10: f64,
    /// Area under the cumulative error curve up to 0.10, divided by it.
    pub auc: f64,
    /// That curve: (NME, share of the faces at or below it), from 0 to 0.10.
    pub curve: Vec<[f64; 2]>,
    /// Mean error of each point, a fraction of the normaliser.
    pub per_point: Vec<f64>,
}

/// Points of the cumulative error curve, the one at 0 not counted.
const CURVE_STEPS: u32 = 40;

/// Runs a network over the faces `indices` of a dataset.
///
/// # Errors
/// A picture cannot be read, or the network cannot run.
pub fn evaluate(
    network: &mut dyn Network,
    dataset: &Arc<Dataset>,
    indices: Vec<usize>,
    each: impl FnMut(usize),
) -> Result<Evaluation> {
    evaluate_like(Reference(false), network, dataset, indices, each)
}

/// The same, with errors as the reference takes them where that is asked for.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_like(
    reference: Reference,
    network: &mut dyn Network,
    dataset: &Arc<Dataset>,
    indices: Vec<usize>,
    mut each: impl FnMut(usize),
) -> Result<Evaluation> {
    let loader = Loader::new(dataset.clone(), indices, LoaderOptions::eval(BATCH))?;
    let mut errors = Errors::new(dataset.scheme(), reference.fixed_unit(dataset.side()));
    let mut loss = 0.0;
    let mut batches = loader.epoch(0);
    while let Some(batch) = batches.next().transpose()? {
        let found = network.landmarks(&batch.images, batch.len())?;
        if found.len() != batch.landmarks.len() {
            let (net, list) = (found.len() / batch.len() / 2, dataset.scheme().count);
            return Err(Error::Usage(format!(
                "the network has {net} points, the list {list}; give the list of its points (--list)"
            )));
        }
        errors.add(&found, &batch.landmarks)?;
        loss += found.iter().zip(&batch.landmarks).map(|(f, t)| f64::from(f - t).powi(2)).sum::<f64>();
        each(batch.len());
        batches.recycle(batch);
    }
    let point = |step: u32| {
        let nme = FAILURE * f64::from(step) / f64::from(CURVE_STEPS);
        [nme, 1.0 - errors.failure_rate(nme)]
    };
    Ok(Evaluation {
        curve: (0..=CURVE_STEPS).map(point).collect(),
        faces: errors.per_face().len(),
        nme: errors.nme(),
        loss: loss / errors.per_face().len() as f64,
        failure_rate_10: errors.failure_rate(FAILURE),
        auc: errors.auc(FAILURE),
        per_point: errors.per_point(),
    })
}
