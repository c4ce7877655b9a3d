//! What a phase tells the training loop.

use std::path::Path;

use super::config::TrainConfig;
use super::error::TrainError;
use super::pass::{Passed, Stopped, Watch};
use crate::run::{Checkpoint, CheckpointError, EpochKind, Interrupt, Kind, Meta, RunFolder, Training};
use crate::task::Task;

/// The name of the checkpoint that a search leaves at the end of its warm-up.
pub const WARM_UP: &str = "warmup";

/// A phase of a run: the strategy of the training loop. It says what an epoch does, and the loop does all the rest.
pub trait Phase {
    /// What is trained for.
    type Task: Task;
    /// What the training ends with.
    type Outcome;
    /// Which of a run's trainings it is.
    const TRAINING: Training;

    /// The settings that every training has.
    fn settings(&self) -> &TrainConfig;

    /// Lines about what is trained, with what.
    fn describe(&self) -> Vec<String>;

    /// Steps of so many epochs from the first one on.
    fn steps(&self, epochs: usize) -> usize;

    /// Does the passes of an epoch (from 0): that over the weights, and that over the architecture if there is one.
    ///
    /// # Errors
    /// `Stopped`.
    fn train(&mut self, epoch: usize, learning_rate: f64, watch: &Watch<'_>) -> Result<(Passed, Option<Passed>), Stopped>;

    /// Figures of an epoch (from 0) that only this phase has.
    ///
    /// # Errors
    /// The device does not give values back.
    fn figures(&self, epoch: usize) -> Result<Figures, TrainError>;

    /// Judges the network after so many epochs; none if that is not due.
    ///
    /// # Errors
    /// An example cannot be read.
    fn judge(&self, epochs: usize) -> Result<Option<Judged<Self::Task>>, TrainError>;

    /// The tensors of a checkpoint.
    ///
    /// # Errors
    /// The device does not give values back.
    fn state(&self) -> Result<Checkpoint, TrainError>;

    /// What a checkpoint after so many epochs says of the network; the loop adds what it knows itself.
    ///
    /// # Errors
    /// The device does not give values back.
    fn meta(&self, epochs: usize) -> Result<Meta, TrainError>;

    /// Takes the tensors of a checkpoint that fits.
    ///
    /// # Errors
    /// A tensor is missing or has another size.
    fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<(), TrainError>;

    /// The learning rate, as typed, that moves a tensor of the checkpoint.
    fn learning_rate_of(&self, _tensor: &str) -> &'static str {
        "--base-lr"
    }

    /// The name of a further checkpoint that stays after so many epochs.
    fn kept(&self, _epochs: usize) -> Option<&'static str> {
        None
    }

    /// Ends the training, and writes what it leaves beside its checkpoints; `last` is how the last epoch was judged, if this process
    /// trained it.
    ///
    /// # Errors
    /// A file cannot be written, or the user stopped it.
    fn finish(
        &self,
        epochs: usize,
        last: Option<Judged<Self::Task>>,
        folder: &RunFolder,
        interrupt: &Interrupt,
    ) -> Result<Self::Outcome, Stopped>;
}

/// What an epoch's row of the metrics has from its phase.
#[derive(Clone, Debug, PartialEq)]
pub struct Figures {
    /// What was trained.
    pub kind: EpochKind,
    /// Temperature of the Gumbel softmax.
    pub temperature: Option<f64>,
    /// Cost by the probabilities of the candidates, µs or multiply-adds.
    pub expected_cost: Option<f64>,
    /// Cost of the network that would be chosen now, µs or multiply-adds.
    pub chosen_cost: Option<f64>,
    /// The same for people.
    pub line: String,
}

/// How good the network is after an epoch.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged<T: Task> {
    /// Its errors.
    pub scores: T::Scores,
    /// On which examples.
    pub on: &'static str,
    /// Whether checkpoints record the error. An error on the test list is not recorded, so that nothing can be chosen by it; it is only shown.
    pub is_recorded: bool,
    /// Whether the epoch may become the best one.
    pub can_be_best: bool,
}

/// Refuses a checkpoint of another kind, space or number of points than `meta` is of.
pub(super) fn check_fits(checkpoint: &Checkpoint, path: &Path, meta: &Meta) -> Result<(), CheckpointError> {
    if checkpoint.meta.kind != Kind::Baseline {
        checkpoint.space(path, Some(&meta.space))?;
    }
    if checkpoint.meta.points == meta.points {
        return Ok(());
    }
    Err(CheckpointError::Points { path: path.to_owned(), found: checkpoint.meta.points, list: meta.points })
}
