//! The training loop: epochs, checkpoints, metrics, progress and resuming, for every phase.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::error::TrainError;
use super::pass::{Passed, Stopped, Watch};
use super::phase::{Figures, Judged, Phase, WARM_UP, check_fits};
use crate::console::{progress_bar, say};
use crate::optim::cosine;
use crate::run::{Checkpoint, CheckpointError, Interrupt, Meta, MetricsLog, Row, RunFolder, Training};
use crate::task::{Scores, Task, TaskError};

/// Where a training begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// With the weights that its phase begins with.
    Scratch,
    /// With its folder's last checkpoint.
    Resumed,
    /// With the checkpoint that another search left at the end of the same warm-up. The settings may differ in what the weights of a
    /// warm-up do not depend on: the latency term, which only scales the loss there, and what steers the architecture.
    WarmUp(PathBuf),
}

/// A training, ready to run.
pub struct TrainingLoop<P: Phase> {
    phase: P,
    /// Of the configuration.
    digest: String,
    folder: RunFolder,
    log: MetricsLog,
    /// Epochs done.
    epoch: usize,
    /// Lowest error so far, per cent.
    best: Option<f64>,
}

impl<P: Phase> TrainingLoop<P> {
    /// The training of `phase` in `folder`; nothing is written yet. `digest` is that of its configuration.
    ///
    /// # Errors
    /// The folder's metrics or the checkpoint to start from cannot be read, or the checkpoint does not fit.
    pub fn new(phase: P, digest: String, folder: RunFolder, start: &Start) -> Result<Self, TrainError> {
        let log = MetricsLog::open(&folder.file("metrics.csv"))?;
        let mut training = Self { phase, digest, folder, log, epoch: 0, best: None };
        match start {
            Start::Scratch => {}
            Start::Resumed => training.restore(&training.checkpoint("last"), start)?,
            Start::WarmUp(path) => training.restore(path, start)?,
        }
        // A new search replaces all that the folder holds; a finetune leaves the search's rows.
        let known = if *start == Start::Resumed { training.epoch } else { 0 };
        let keeps_others = P::TRAINING == Training::Finetune;
        training.log.retain(|row| if P::TRAINING.owns(row.phase) { row.epoch <= known } else { keeps_others });
        Ok(training)
    }

    /// What is trained.
    pub fn phase(&self) -> &P {
        &self.phase
    }

    /// Trains to the last epoch. `command` is what the user types to resume; how long after `started` the first step begins is reported.
    ///
    /// # Errors
    /// [`TrainError::Interrupted`] if the user stopped it; whatever fails.
    pub fn run(mut self, interrupt: &Interrupt, command: &str, started: Instant) -> Result<P::Outcome, TrainError> {
        let end = self.phase.settings().end_epoch;
        let bar = progress_bar(self.phase.steps(end), self.phase.steps(self.epoch));
        let started = Cell::new(Some(started));
        self.save_start()?;
        let ended = |stopped: Stopped, during: String| match stopped {
            Stopped::Failed(error) => *error,
            Stopped::Interrupted => {
                bar.finish_and_clear();
                TrainError::Interrupted { during, command: command.to_string() }
            }
        };
        let mut last = None;
        while self.epoch < end {
            let watch = Watch { interrupt, progress: &bar, started: &started };
            last = self.train_epoch(&watch).map_err(|stopped| ended(stopped, format!("epoch {}", self.epoch + 1)))?;
        }
        bar.finish_and_clear();
        let done = self.phase.finish(self.epoch, last, &self.folder, interrupt);
        done.map_err(|stopped| ended(stopped, "the choice of the network".to_string()))
    }

    fn train_epoch(&mut self, watch: &Watch<'_>) -> Result<Option<Judged<P::Task>>, Stopped> {
        let start = Instant::now();
        let (epoch, end) = (self.epoch, self.phase.settings().end_epoch);
        let lr = cosine(self.phase.settings().base_lr, epoch, end);
        watch.progress.set_message(format!("epoch {}/{end}", epoch + 1));
        let passes = self.phase.train(epoch, lr, watch)?;
        let mut checkpoint = self.phase.state()?;
        self.check_finite(&checkpoint)?;
        let figures = self.phase.figures(epoch)?;
        self.epoch += 1;
        let judged = self.phase.judge(self.epoch)?;
        let is_best = self.note_best(judged.as_ref());
        let row = self.row(lr, passes, &figures, judged.as_ref(), start);
        say(watch.progress, &self.line(&row, &figures, judged.as_ref()));
        self.log.push(row)?;
        checkpoint.meta = self.meta(judged.as_ref().filter(|judged| judged.is_recorded))?;
        self.save(&checkpoint, is_best)?;
        Ok(judged)
    }

    /// Refuses values that are no finite numbers. The loss of the last step, taken before that step moved the weights, does not show them.
    fn check_finite(&self, state: &Checkpoint) -> Result<(), TrainError> {
        let Some(tensor) = state.not_finite() else { return Ok(()) };
        let (flag, last) = (self.phase.learning_rate_of(tensor), self.checkpoint("last"));
        Err(TrainError::NotFinite { epoch: self.epoch + 1, tensor: tensor.to_string(), flag, last })
    }

    /// Whether the epoch is the best so far.
    fn note_best(&mut self, judged: Option<&Judged<P::Task>>) -> bool {
        let Some(error) = judged.filter(|judged| judged.can_be_best).map(per_cent) else { return false };
        let is_best = error.is_finite() && self.best.is_none_or(|best| error < best);
        if is_best {
            self.best = Some(error);
        }
        is_best
    }

    fn row(
        &self,
        lr: f64,
        (weights, arch): (Passed, Option<Passed>),
        figures: &Figures,
        judged: Option<&Judged<P::Task>>,
        start: Instant,
    ) -> Row {
        Row {
            phase: figures.kind,
            epoch: self.epoch,
            train_loss: weights.loss,
            arch_loss: arch.map(|a| a.loss),
            val_loss: judged.map(|j| j.scores.loss()),
            val_nme: judged.map(per_cent),
            lr,
            temperature: figures.temperature,
            expected_cost: figures.expected_cost,
            chosen_cost: figures.chosen_cost,
            images_per_s: weights.examples as f64 / weights.seconds,
            loader_wait_s: weights.waited + arch.map_or(0.0, |a| a.waited),
            seconds: start.elapsed().as_secs_f64(),
        }
    }

    /// An epoch for people.
    fn line(&self, row: &Row, figures: &Figures, judged: Option<&Judged<P::Task>>) -> String {
        let (metric, end) = (<P::Task as Task>::METRIC, self.phase.settings().end_epoch);
        let found = judged.map_or(String::new(), |j| format!("  {metric} {:5.2} % ({})", per_cent(j), j.on));
        format!(
            "epoch {:3}/{end} {:8}  loss {:.5}{found}{}  lr {:.2e}  {:.0} {}/s  {:.0} s",
            row.epoch,
            format!("{:?}", row.phase).to_lowercase(),
            row.train_loss,
            figures.line,
            row.lr,
            row.images_per_s,
            <P::Task as Task>::EXAMPLES,
            row.seconds
        )
    }

    fn checkpoint(&self, which: impl std::fmt::Display) -> PathBuf {
        self.folder.checkpoint(P::TRAINING, which)
    }

    /// A checkpoint before the first epoch, so that a run can be resumed whenever it is cut off.
    fn save_start(&self) -> Result<(), TrainError> {
        let last = self.checkpoint("last");
        if last.exists() {
            return Ok(());
        }
        let mut checkpoint = self.phase.state()?;
        checkpoint.meta = self.meta(None)?;
        Ok(checkpoint.save(&last)?)
    }

    /// All checkpoints of an epoch. The last one comes last: where it is there, the others are.
    fn save(&self, checkpoint: &Checkpoint, is_best: bool) -> Result<(), TrainError> {
        if is_best {
            checkpoint.save(&self.checkpoint("best"))?;
        }
        if let Some(number) = self.phase.settings().reference.kept(self.epoch) {
            checkpoint.save(&self.checkpoint(number))?;
        }
        if let Some(name) = self.phase.kept(self.epoch) {
            checkpoint.save(&self.checkpoint(name))?;
        }
        Ok(checkpoint.save(&self.checkpoint("last"))?)
    }

    /// What a checkpoint says of itself.
    fn meta(&self, judged: Option<&Judged<P::Task>>) -> Result<Meta, TrainError> {
        Ok(Meta {
            epoch: self.epoch,
            seed: self.phase.settings().seed,
            config: self.digest.clone(),
            nme: judged.map(per_cent),
            best_nme: self.best,
            ..self.phase.meta(self.epoch)?
        })
    }

    fn restore(&mut self, path: &Path, start: &Start) -> Result<(), TrainError> {
        let checkpoint = Checkpoint::load(path)?;
        let own = self.phase.meta(0)?;
        checkpoint.require(path, own.kind, "a training goes on from a checkpoint of its own kind")?;
        let meta = &checkpoint.meta;
        let is_same = match start {
            Start::WarmUp(_) => self.phase.kept(meta.epoch) == Some(WARM_UP) && meta.seed == self.phase.settings().seed,
            _ => meta.config == self.digest,
        };
        if !is_same {
            return Err(CheckpointError::Configuration { path: path.to_owned() }.into());
        }
        check_fits(&checkpoint, path, &own)?;
        if let (Some(then), Some(now)) = (&meta.trained_on, &own.trained_on) {
            then.check(now).map_err(TaskError::new)?;
        }
        self.phase.restore(&checkpoint, path)?;
        (self.epoch, self.best) = (meta.epoch, meta.best_nme);
        Ok(())
    }
}

/// The error in per cent.
fn per_cent<T: Task>(judged: &Judged<T>) -> f64 {
    100.0 * judged.scores.error()
}
