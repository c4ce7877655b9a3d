//! One pass over a list: batches in, steps done, how it went.

use std::cell::Cell;
use std::time::Instant;

use candle_core::Tensor;
use indicatif::ProgressBar;

use super::error::TrainError;
use crate::console::{note, say};
use crate::parallel;
use crate::run::Interrupt;
use crate::task::{Loader, Task};

/// How a pass went.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Passed {
    /// Mean loss of the steps.
    pub loss: f64,
    /// Examples seen, by all processes together.
    pub examples: usize,
    /// Seconds it took.
    pub seconds: f64,
    /// Seconds of them spent waiting for batches.
    pub waited: f64,
}

/// What watches a training from outside.
pub struct Watch<'a> {
    /// Ends the pass after a step.
    pub interrupt: &'a Interrupt,
    /// Moves a step at a time.
    pub progress: &'a ProgressBar,
    /// When the program was started, until its first step begins: then that time is reported.
    pub started: &'a Cell<Option<Instant>>,
}

/// Why a pass ended early.
pub enum Stopped {
    /// The user asked for it.
    Interrupted,
    /// Something failed.
    Failed(Box<TrainError>),
}

impl<E: Into<TrainError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}

/// Runs `step` (number from 0, batch → loss) over the loader's batches of `epoch` (from 0).
///
/// # Errors
/// [`Stopped`]; a loss that is not finite is an error.
pub fn pass<L: Loader>(
    loader: &L,
    epoch: usize,
    watch: &Watch<'_>,
    mut step: impl FnMut(u64, &L::Batch) -> Result<Tensor, TrainError>,
) -> Result<Passed, Stopped> {
    let start = Instant::now();
    let mut batches = loader.epoch(epoch as u64);
    let (mut sum, mut steps, mut examples) = (0.0, 0, 0);
    while let Some((batch, count)) = batches.next().transpose()? {
        if let Some(started) = watch.started.take() {
            say(watch.progress, &format!("first step {:.2} s after the start", started.elapsed().as_secs_f64()));
        }
        examples += count * parallel::size();
        let loss = step(steps, &batch)?.to_scalar::<f32>()?;
        let (loss, stop) = parallel::agree(loss, watch.interrupt.is_set());
        steps += 1;
        if !loss.is_finite() {
            return Err(TrainError::Diverged { loss, epoch: epoch + 1, step: steps as usize }.into());
        }
        sum += f64::from(loss);
        watch.progress.inc(1);
        if stop {
            return Err(Stopped::Interrupted);
        }
    }
    if let Some(line) = loader.note() {
        say(watch.progress, &line);
    }
    let waited = batches.waited().as_secs_f64();
    Ok(Passed { loss: sum / steps as f64, examples, seconds: start.elapsed().as_secs_f64(), waited })
}

/// With fewer steps an epoch than this the weights hardly move, which is worth a hint.
const FEW_STEPS: usize = 50;

/// Writes a hint if the batch is too large for a list of so many examples.
pub fn hint_steps<T: Task>(loader: &T::Loader, count: usize, batch: usize) {
    if loader.batches() < FEW_STEPS && batch > 32 {
        note(format_args!(
            "hint: {count} {} make only {} steps per epoch with --batch {batch}; for a list of this size try --batch 32 --base-lr 1e-3",
            T::EXAMPLES,
            loader.batches()
        ));
    }
}
