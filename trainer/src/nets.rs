//! The two nets that train together, backbone and pose net, and the steps that move them.

use blocks::{Graph, Weights};
use candle_core::{Device, Tensor};
use faces::data::Batch;

use crate::error::Result;
use crate::loss::{PointLoss, PoseWeight, weighted_mean};
use crate::model::{Mode, Model, Pass};
use crate::optim::{self, Algorithm, Optimizer};
use crate::run::{Checkpoint, CheckpointError};

/// A batch as tensors.
pub struct Faces {
    /// `[n, 3, side, side]`.
    pub images: Tensor,
    /// `[n, 2N]`.
    pub landmarks: Tensor,
    /// `[n, 3]`, degrees.
    pub angles: Tensor,
}

impl Faces {
    /// The batch on a device; its vectors are copied, so that the loader can have them back.
    ///
    /// # Errors
    /// The device takes no more.
    pub fn new(batch: &Batch, side: usize, device: &Device) -> Result<Self> {
        let n = batch.len();
        Ok(Self {
            images: Tensor::from_slice(&batch.images, (n, 3, side, side), device)?,
            landmarks: Tensor::from_slice(&batch.landmarks, (n, batch.landmarks.len() / n.max(1)), device)?,
            angles: Tensor::from_slice(&batch.angles, (n, 3), device)?,
        })
    }
}

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
    fn new(name: &'static str, graph: Graph, weights: &Weights, device: &Device, how: (Algorithm, f64)) -> Result<Self> {
        let model = Model::new(graph, weights, device)?;
        let optimizer = how.0.optimizer(model.layout().trained_len(), how.1);
        Ok(Self { name, model, optimizer })
    }

    fn step(&mut self, gradients: &candle_core::backprop::GradStore, lr: f64) -> Result<()> {
        if let Some(gradient) = gradients.get(self.model.params()) {
            optim::step(self.optimizer.as_mut(), self.model.params(), gradient, lr)?;
        }
        Ok(())
    }

    fn save(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        checkpoint.insert_weights(self.name, self.model.graph(), &self.model.weights()?);
        for (part, values) in self.optimizer.state() {
            checkpoint.insert(format!("optimizer.{}.{part}", self.name), &[values.len()], values);
        }
        Ok(())
    }

    fn restore(&mut self, checkpoint: &Checkpoint, path: &std::path::Path) -> Result<()> {
        self.model.set_weights(&checkpoint.weights(self.name))?;
        let prefix = format!("optimizer.{}", self.name);
        if !self.optimizer.restore(&|part| checkpoint.get(&format!("{prefix}.{part}")).map(<[f32]>::to_vec)) {
            return Err(CheckpointError::Tensor { path: path.to_owned(), name: format!("{prefix}.*") }.into());
        }
        Ok(())
    }
}

/// The name under which a checkpoint holds a backbone's weights.
pub const BACKBONE: &str = "backbone";
/// The name under which a checkpoint holds the pose net's weights.
pub const POSE: &str = "pose";

/// Backbone and pose net, with their optimizers.
pub struct Nets {
    backbone: Trained,
    pose: Trained,
    objective: Objective,
}

impl Nets {
    /// From graphs with their weights; `how` is the optimizer and its weight decay.
    ///
    /// # Errors
    /// Weights do not fit.
    pub fn new(
        backbone: (Graph, &Weights),
        pose: (Graph, &Weights),
        objective: Objective,
        how: (Algorithm, f64),
        device: &Device,
    ) -> Result<Self> {
        Ok(Self {
            backbone: Trained::new(BACKBONE, backbone.0, backbone.1, device, how)?,
            pose: Trained::new(POSE, pose.0, pose.1, device, how)?,
            objective,
        })
    }

    /// The backbone.
    pub fn backbone(&self) -> &Model {
        &self.backbone.model
    }

    /// The training loss (scalar): points, weighed by pose.
    ///
    /// # Errors
    /// Shapes do not fit.
    pub fn training_loss(&self, faces: &Faces, masks: Option<&Tensor>, dropout_seed: u64) -> Result<Tensor> {
        let pass = Pass { dropout_seed, ..Pass::new(Mode::Train) };
        let out = self.backbone.model.run(std::slice::from_ref(&faces.images), masks, pass)?;
        let losses = self.objective.points.per_face(&out[0].flatten_from(1)?, &faces.landmarks)?;
        let weights = match self.objective.pose {
            PoseWeight::None => None,
            pose => {
                let angles = self.pose.model.run(&out[1..], None, pass)?;
                pose.per_face(&angles[0].flatten_from(1)?, &faces.angles)?
            }
        };
        Ok(weighted_mean(&losses, weights.as_ref())?)
    }

    /// The loss of the points alone (scalar) with the weights as constants, for the architecture's step.
    ///
    /// # Errors
    /// Shapes do not fit.
    pub fn architecture_loss(&self, faces: &Faces, masks: &Tensor, dropout_seed: u64) -> Result<Tensor> {
        let pass = Pass { dropout_seed, train_weights: false, ..Pass::new(Mode::TrainFrozenStats) };
        let out = self.backbone.model.run(std::slice::from_ref(&faces.images), Some(masks), pass)?;
        Ok(weighted_mean(&self.objective.points.per_face(&out[0].flatten_from(1)?, &faces.landmarks)?, None)?)
    }

    /// Moves both nets against the gradient of `loss`.
    ///
    /// # Errors
    /// candle fails.
    pub fn step(&mut self, loss: &Tensor, lr: f64) -> Result<()> {
        let gradients = loss.backward()?;
        self.backbone.step(&gradients, lr)?;
        self.pose.step(&gradients, lr)
    }

    /// Adds weights and optimizers to a checkpoint.
    ///
    /// # Errors
    /// The device does not give values back.
    pub fn save(&self, checkpoint: &mut Checkpoint) -> Result<()> {
        self.backbone.save(checkpoint)?;
        self.pose.save(checkpoint)
    }

    /// Puts weights and optimizers back from the checkpoint read from `path`.
    ///
    /// # Errors
    /// Something is missing or has another size.
    pub fn restore(&mut self, checkpoint: &Checkpoint, path: &std::path::Path) -> Result<()> {
        self.backbone.restore(checkpoint, path)?;
        self.pose.restore(checkpoint, path)
    }
}
