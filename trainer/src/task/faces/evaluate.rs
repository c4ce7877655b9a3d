//! How good a network is: its errors on faces.

use std::sync::Arc;

use blocks::{Graph, Weights};
use candle_core::{Device, Tensor};
use faces::data::{Dataset, Loader, LoaderOptions};
use faces::metrics::{Errors, FAILURE, FixedUnit};
use serde::{Deserialize, Serialize};

use super::error::FaceError;
use crate::model::{Mode, Model, Pass};
use crate::nni::Reference;
use crate::task::Scores;

/// Faces a step of an evaluation: small enough for any memory.
const BATCH: usize = 32;

/// Something that turns pictures into landmarks.
pub trait Network {
    /// Landmarks `[n, 2N]` (fractions of the side) of `n` pictures `[n, 3, side, side]`.
    ///
    /// # Errors
    /// It cannot run on them.
    fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>, FaceError>;
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
    pub fn new(graph: Graph, weights: &Weights) -> Result<Self, FaceError> {
        Self::like(Reference(false), graph, weights)
    }

    /// The same, evaluated as the reference does where that is asked for.
    ///
    /// # Errors
    /// The weights do not fit.
    pub fn like(reference: Reference, graph: Graph, weights: &Weights) -> Result<Self, FaceError> {
        let side = graph.node(graph.inputs()[0]).shape.h;
        Ok(Self { model: Model::alone(graph, weights)?, side, mode: reference.eval_mode(), batches: 0 })
    }
}

impl Network for Candle {
    fn landmarks(&mut self, images: &[f32], n: usize) -> Result<Vec<f32>, FaceError> {
        let images = Tensor::from_slice(images, (n, 3, self.side, self.side), &Device::Cpu)?;
        let pass = Pass { dropout_seed: self.batches, ..Pass::new(self.mode) };
        self.batches += 1;
        let out = self.model.run(&[images], None, pass)?;
        Ok(out[0].flatten_all()?.to_vec1()?)
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

impl Scores for Evaluation {
    fn error(&self) -> f64 {
        self.nme
    }

    fn loss(&self) -> f64 {
        self.loss
    }
}

/// Points of the cumulative error curve, the one at 0 not counted.
const CURVE_STEPS: u32 = 40;

/// Runs a network over the faces `indices` of a dataset; errors are as the reference takes them where that is asked for.
///
/// # Errors
/// A picture cannot be read, or the network cannot run.
pub fn evaluate_like(
    reference: Reference,
    network: &mut dyn Network,
    dataset: &Arc<Dataset>,
    indices: Vec<usize>,
    mut each: impl FnMut(usize),
) -> Result<Evaluation, FaceError> {
    let loader = Loader::new(dataset.clone(), indices, LoaderOptions::eval(BATCH))?;
    // The reference divides fractions of the side by a fixed normaliser of 34 pixels; here it divides pixels.
    let unit = if reference.is_off() { FixedUnit::Pixels(dataset.side()) } else { FixedUnit::Fraction };
    let mut errors = Errors::new(dataset.scheme(), unit);
    let mut loss = 0.0;
    let mut batches = loader.epoch(0);
    while let Some(batch) = batches.next().transpose()? {
        let found = network.landmarks(&batch.images, batch.len())?;
        if found.len() != batch.landmarks.len() {
            return Err(FaceError::OtherPoints { network: found.len() / batch.len() / 2, list: dataset.scheme().count });
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
