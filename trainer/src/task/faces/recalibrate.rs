//! Running statistics of a subnet's own.
//!
//! A subnet's weights come from a supernet whose running statistics belong to mixtures of candidates, which a single candidate does not
//! resemble. So they are recalibrated before a subnet is evaluated, finetuned or exported, by this one function: a run, `trainer eval`, the start
//! of a finetune and an exported file then have the same statistics, bit for bit.

use std::sync::Arc;

use blocks::{Graph, Weights};
use candle_core::{Device, Tensor};
use faces::augment::Augment;
use faces::data::{Dataset, Loader, LoaderOptions};

use super::error::FaceError;
use crate::model::Model;

/// Batches that the statistics are the mean of, over as many epochs as that takes.
pub const STEPS: usize = 50;
/// Faces of each, whatever batch the weights are trained with.
const BATCH: usize = 32;
/// Seed of their order and augmentation, whatever the run's is.
const SEED: u64 = 0;

/// The graph's weights with running statistics of its own: the plain mean over [`STEPS`] batches of the training faces `faces`, of what
/// batch norm takes of each. Nothing of the statistics before is left, and equal weights and faces give equal bits.
///
/// # Errors
/// There is no face, a picture cannot be read, or the weights do not fit.
pub fn recalibrated(graph: &Graph, weights: &Weights, train: &Arc<Dataset>, faces: Vec<usize>) -> Result<Weights, FaceError> {
    let input = graph.node(graph.inputs()[0]).shape;
    let loader = Loader::new(train.clone(), faces, LoaderOptions::train(BATCH, SEED, Some(Augment::MILD)))?;
    let model = Model::alone(graph.clone(), weights)?;
    let mut sums = vec![0.0f64; model.layout().stats_len()];
    for epoch in 0..STEPS.div_ceil(loader.batches()) {
        let mut batches = loader.epoch(epoch as u64);
        for _ in epoch * loader.batches()..STEPS {
            let Some(batch) = batches.next().transpose()? else { break };
            let images = Tensor::from_slice(&batch.images, (batch.len(), input.c, input.h, input.w), &Device::Cpu)?;
            for (sum, value) in std::iter::zip(&mut sums, model.batch_statistics(&images)?) {
                *sum += value;
            }
            batches.recycle(batch);
        }
    }
    let means: Vec<f32> = sums.iter().map(|sum| (sum / STEPS as f64) as f32).collect();
    Ok(model.weights_with(&means)?)
}
