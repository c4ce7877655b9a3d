//! The two nets that train together, backbone and pose network, and the steps that move them.

use std::ops::Range;
use std::path::Path;

use blocks::{Graph, Weights};
use candle_core::Tensor;
use candle_core::backprop::GradStore;

use super::data::FaceBatch;
use super::error::FaceError;
use super::loss::{PointLoss, PoseWeight, weighted_mean};
use crate::model::{Backend, Mode, Model, ModelError, Pass};
use crate::optim::{self, Algorithm, Optimizer};
use crate::run::{BACKBONE, Checkpoint, CheckpointError, POSE};
use crate::task::{Nets, Part, TaskError};

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Objective {
    /// Of the points.
    pub points: PointLoss,
    /// How pose weighs a face.
    pub pose: PoseWeight,
}

/// A model and its optimizer.
struct Trained {
    name: &'static str,
    model: Model,
    optimizer: Box<dyn Optimizer>,
}

impl Trained {
    fn new(
        name: &'static str,
        graph: Graph,
        weights: &Weights,
        backend: Backend,
        how: (Algorithm, f64),
    ) -> Result<Self, ModelError> {
        let model = Model::with_backend(graph, weights, backend)?;
        let optimizer = how.0.optimizer(model.layout().trained_len(), how.1);
        Ok(Self { name, model, optimizer })
    }

    fn step(&mut self, gradients: &GradStore, parts: Option<&[Range<usize>]>, lr: f64) -> candle_core::Result<()> {
        let (params, optimizer) = (self.model.params(), self.optimizer.as_mut());
        match (gradients.get(params), parts) {
            (Some(gradient), Some(parts)) => optim::step_parts(optimizer, params, gradient, lr, parts),
            (Some(gradient), None) => optim::step(optimizer, params, gradient, lr),
            (None, _) => Ok(()),
        }
    }

    fn save(&self, checkpoint: &mut Checkpoint) -> candle_core::Result<()> {
        checkpoint.insert_weights(self.name, self.model.graph(), &self.model.weights()?);
        for (part, values) in self.optimizer.state() {
            checkpoint.insert(format!("optimizer.{}.{part}", self.name), &[values.len()], values);
        }
        Ok(())
    }

    fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<(), FaceError> {
        self.model.set_weights(&checkpoint.weights(self.name))?;
        let prefix = format!("optimizer.{}", self.name);
        if !self.optimizer.restore(&|part| checkpoint.get(&format!("{prefix}.{part}")).map(<[f32]>::to_vec)) {
            return Err(CheckpointError::Tensor { path: path.to_owned(), name: format!("{prefix}.*") }.into());
        }
        Ok(())
    }
}

/// Backbone and pose network, with their optimizers.
pub struct FaceNets {
    backbone: Trained,
    pose: Trained,
    objective: Objective,
}

impl FaceNets {
    /// From graphs with their weights; `how` is the optimizer and its weight decay, `backend` what computes.
    ///
    /// # Errors
    /// Weights do not fit.
    pub fn new(
        backbone: (Graph, &Weights),
        pose: (Graph, &Weights),
        objective: Objective,
        how: (Algorithm, f64),
        backend: Backend,
    ) -> Result<Self, FaceError> {
        Ok(Self {
            backbone: Trained::new(BACKBONE, backbone.0, backbone.1, backend, how)?,
            pose: Trained::new(POSE, pose.0, pose.1, backend, how)?,
            objective,
        })
    }

    fn points_loss(&self, landmarks: &Tensor, batch: &FaceBatch) -> candle_core::Result<Tensor> {
        self.objective.points.per_face(&landmarks.flatten_from(1)?, &batch.landmarks)
    }

    /// The points' loss, weighed by pose.
    fn weighed_loss(&self, batch: &FaceBatch, masks: Option<&Tensor>, pass: Pass) -> candle_core::Result<Tensor> {
        let out = self.backbone.model.run(std::slice::from_ref(&batch.images), masks, pass)?;
        let losses = self.points_loss(&out[0], batch)?;
        let weights = match self.objective.pose {
            PoseWeight::None => None,
            pose => {
                let angles = self.pose.model.run(&out[1..], None, pass)?;
                pose.per_face(&angles[0].flatten_from(1)?, &batch.angles)?
            }
        };
        weighted_mean(&losses, weights.as_ref())
    }

    fn move_both(&mut self, loss: &Tensor, part: Part<'_>, lr: f64) -> candle_core::Result<()> {
        let gradients = loss.backward()?;
        let parts = if let Part::Path { weights, .. } = part { Some(weights) } else { None };
        self.backbone.step(&gradients, parts, lr)?;
        self.pose.step(&gradients, None, lr)
    }
}

impl Nets for FaceNets {
    type Batch = FaceBatch;

    fn backbone(&self) -> &Model {
        &self.backbone.model
    }

    fn training_loss(&self, batch: &FaceBatch, part: Part<'_>, dropout_seed: u64) -> Result<Tensor, TaskError> {
        let (masks, mode) = match part {
            Part::Whole => (None, Mode::Train),
            Part::Mixture(masks) => (Some(masks), Mode::Train),
            Part::Path { masks, .. } => (Some(masks), Mode::TrainPath),
        };
        let pass = Pass { dropout_seed, ..Pass::new(mode) };
        Ok(self.weighed_loss(batch, masks, pass).map_err(FaceError::from)?)
    }

    /// Of the points alone.
    fn architecture_loss(&self, batch: &FaceBatch, masks: &Tensor, mode: Mode, dropout_seed: u64) -> Result<Tensor, TaskError> {
        let pass = Pass { dropout_seed, train_weights: false, ..Pass::new(mode) };
        let loss = || -> candle_core::Result<Tensor> {
            let out = self.backbone.model.run(std::slice::from_ref(&batch.images), Some(masks), pass)?;
            weighted_mean(&self.points_loss(&out[0], batch)?, None)
        };
        Ok(loss().map_err(FaceError::from)?)
    }

    fn step(&mut self, loss: &Tensor, part: Part<'_>, learning_rate: f64) -> Result<(), TaskError> {
        Ok(self.move_both(loss, part, learning_rate).map_err(FaceError::from)?)
    }

    fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), TaskError> {
        self.backbone.save(checkpoint).map_err(FaceError::from)?;
        Ok(self.pose.save(checkpoint).map_err(FaceError::from)?)
    }

    fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<(), TaskError> {
        self.backbone.restore(checkpoint, path)?;
        Ok(self.pose.restore(checkpoint, path)?)
    }
}
