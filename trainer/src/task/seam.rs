//! The traits between training and a task.

use std::fmt::Debug;
use std::ops::Range;
use std::time::Duration;

use blocks::{Graph, Shape, Weights};
use candle_core::Tensor;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::{Backend, Mode, Model};
use crate::nni::Reference;
use crate::optim::Algorithm;
use crate::run::{Checkpoint, TrainedOn};

/// A task: which examples there are, how they come in batches, the loss and the metric. The value is the task's settings, which a run
/// keeps in its `config.toml` beside the settings that all tasks share.
pub trait Task: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// What an example is called, in the plural.
    const EXAMPLES: &'static str;
    /// What the error is called.
    const METRIC: &'static str;
    /// A list of labelled examples.
    type Data: Data;
    /// Batches of a list.
    type Loader: Loader;
    /// The networks that are trained together.
    type Nets: Nets<Batch = <Self::Loader as Loader>::Batch>;
    /// What an evaluation finds.
    type Scores: Scores;

    /// SHA-256 of a list; none if this run does not use it, or did not record it.
    fn list_sha256(&self, split: Split) -> Option<&str>;

    /// The first file that changed since the settings recorded its SHA-256; none if all are the same. A missing file counts as unchanged:
    /// the code that needs it reports that.
    ///
    /// # Errors
    /// A file cannot be read.
    fn changed(&self) -> Result<Option<String>, TaskError>;

    /// Opens a list for networks whose input has this shape.
    ///
    /// # Errors
    /// The list cannot be read, or its examples do not suit such networks.
    fn open(&self, split: Split, input: Shape) -> Result<Self::Data, TaskError>;

    /// Training batches of the examples `which` of a list, augmented as the settings say. Of several processes, each gets its share.
    ///
    /// # Errors
    /// There is no example, or the augmentation is unknown.
    fn loader(&self, data: &Self::Data, which: Vec<usize>, draws: Draws) -> Result<Self::Loader, TaskError>;

    /// The networks, ready to be trained.
    ///
    /// # Errors
    /// The weights do not fit.
    fn nets(&self, networks: Networks<'_>) -> Result<Self::Nets, TaskError>;

    /// The weights with running statistics of the network's own, taken over the examples `which` of a training list.
    ///
    /// # Errors
    /// An example cannot be read, or the weights do not fit.
    fn recalibrated(&self, graph: &Graph, weights: &Weights, train: &Self::Data, which: Vec<usize>) -> Result<Weights, TaskError>;

    /// The errors of a network on the examples `which` of a list.
    ///
    /// # Errors
    /// An example cannot be read, or the weights do not fit.
    fn evaluate(
        &self,
        reference: Reference,
        graph: Graph,
        weights: &Weights,
        data: &Self::Data,
        which: &[usize],
    ) -> Result<Self::Scores, TaskError>;
}

/// The two lists of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// For training; a part of it may be held back for validation.
    Train,
    /// For the reported error.
    Test,
}

/// What decides the batches of a training, and how they are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    /// Examples a batch.
    pub batch: usize,
    /// Seed of order and augmentation.
    pub seed: u64,
    /// Whether each epoch has an order of its own; else the list's.
    pub shuffle: bool,
    /// Whether an incomplete last batch is left out.
    pub drop_last: bool,
    /// Threads that make batches beside the training; at least 1. The batches do not depend on it.
    pub threads: usize,
}

/// The networks of a training with their weights, and what moves them.
pub struct Networks<'a> {
    /// The network that is shipped, with its training output.
    pub backbone: (Graph, &'a Weights),
    /// The network behind the training output, which only training needs.
    pub head: (Graph, &'a Weights),
    /// The optimizer of both.
    pub algorithm: Algorithm,
    /// Its weight decay.
    pub weight_decay: f64,
    /// What computes them.
    pub backend: Backend,
}

/// A list of labelled examples.
pub trait Data: Clone {
    /// Number of examples.
    fn count(&self) -> usize;

    /// How many points a network for this list has; its head has two outputs a point.
    fn points(&self) -> usize;

    /// SHA-256 of the list as it is now.
    ///
    /// # Errors
    /// It cannot be read.
    fn sha256(&self) -> Result<String, TaskError>;

    /// Divides the examples into (kept, held back), both ascending, with about the part `held_back` held back; equal seeds divide alike.
    ///
    /// # Errors
    /// The list cannot be divided so.
    fn divide(&self, held_back: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), TaskError>;

    /// The examples (trained on, held back), both ascending.
    ///
    /// # Errors
    /// The list cannot be divided so, or others were held back than would be now.
    fn split(&self, by: &TrainedOn) -> Result<(Vec<usize>, Vec<usize>), TaskError> {
        if by.held_back == 0.0 {
            return Ok(((0..self.count()).collect(), Vec::new()));
        }
        let (kept, held) = self.divide(by.held_back, by.seed)?;
        by.check(&by.clone().holding(&held)).map_err(TaskError::new)?;
        Ok((kept, held))
    }

    /// The examples of this training list that running statistics may be taken over: those the weights were trained on. If that was
    /// another list, or if nothing is known of the weights, all of them.
    ///
    /// # Errors
    /// The list cannot be read or divided.
    fn trained_on(&self, weights: Option<&TrainedOn>) -> Result<Vec<usize>, TaskError> {
        match weights {
            Some(by) if by.list_sha256 == self.sha256()? => Ok(self.split(by)?.0),
            _ => Ok((0..self.count()).collect()),
        }
    }
}

/// Makes the batches of any epoch. They depend on seed and epoch alone.
pub trait Loader {
    /// A batch as tensors.
    type Batch;

    /// Batches an epoch.
    fn batches(&self) -> usize;

    /// Examples in an epoch's batches.
    fn examples(&self) -> usize;

    /// Starts the batches of an epoch (from 0).
    fn epoch(&self, epoch: u64) -> Box<dyn Batches<Self::Batch> + '_>;

    /// What a user should know of the examples read so far; none if there is nothing new since the last call.
    fn note(&self) -> Option<String>;
}

/// The batches of an epoch in order, each with its number of examples.
pub trait Batches<B>: Iterator<Item = Result<(B, usize), TaskError>> {
    /// How long the training has waited for batches so far.
    fn waited(&self) -> Duration;
}

/// What a step of the weights trains of the network that is shipped. Masks are `[layers, candidates]`.
#[derive(Clone, Copy, Debug)]
pub enum Part<'a> {
    /// All of a network without mixtures.
    Whole,
    /// All of a supernet, whose candidates the masks weigh.
    Mixture(&'a Tensor),
    /// One candidate a layer, and the trunk.
    Path {
        /// 1 for these candidates, 0 for all others.
        masks: &'a Tensor,
        /// Where their weights lie among the trained parameters.
        weights: &'a [Range<usize>],
    },
}

/// The networks that train together, with their optimizers.
pub trait Nets {
    /// A batch as tensors.
    type Batch;

    /// The network that is shipped.
    fn backbone(&self) -> &Model;

    /// The loss (scalar) of a step of the weights.
    ///
    /// # Errors
    /// Shapes do not fit.
    fn training_loss(&self, batch: &Self::Batch, part: Part<'_>, dropout_seed: u64) -> Result<Tensor, TaskError>;

    /// The loss (scalar) of a step of the architecture, with the weights as constants; `mode` is one of training.
    ///
    /// # Errors
    /// Shapes do not fit.
    fn architecture_loss(&self, batch: &Self::Batch, masks: &Tensor, mode: Mode, dropout_seed: u64) -> Result<Tensor, TaskError>;

    /// Moves all networks, of a supernet the part that was trained, against the gradient of `loss`.
    ///
    /// # Errors
    /// candle fails.
    fn step(&mut self, loss: &Tensor, part: Part<'_>, learning_rate: f64) -> Result<(), TaskError>;

    /// Adds weights and optimizers to a checkpoint.
    ///
    /// # Errors
    /// The device does not give values back.
    fn save(&self, checkpoint: &mut Checkpoint) -> Result<(), TaskError>;

    /// Takes weights and optimizers from the checkpoint read from `path`.
    ///
    /// # Errors
    /// Something is missing or has another size.
    fn restore(&mut self, checkpoint: &Checkpoint, path: &std::path::Path) -> Result<(), TaskError>;
}

/// What an evaluation finds.
pub trait Scores: Clone + Debug + PartialEq + Serialize + DeserializeOwned {
    /// The error by which networks are compared, a fraction; less is better.
    fn error(&self) -> f64;

    /// The loss on the examples.
    fn loss(&self) -> f64;
}

/// An error of a task's own. What it is, only the task knows.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct TaskError(Box<dyn std::error::Error + Send + Sync>);

impl TaskError {
    /// Of a task's own error.
    pub fn new(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self(Box::new(error))
    }
}
