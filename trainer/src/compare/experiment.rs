//! The trainings of a whole comparison with one seed: a search, the finetune of its choice, the baseline, random networks, a sweep.

use super::baseline::mobilenet;
use super::error::CompareError;
use super::finished::Finished;
use super::random::random;
use super::statistics::Comparison;
use super::sweep::{Point, sweep};
use super::trainings::{self, Context, Ended};
use crate::console::note;
use crate::run::RunFolder;
use crate::task::Task;
use crate::train::{FinetuneConfig, SearchConfig, Start};

/// What is trained with one seed.
pub struct Experiment<T: Task> {
    /// The search.
    pub search: SearchConfig<T>,
    /// How its choice is finetuned, and all that it is compared with; without a choice and a supernet.
    pub recipe: FinetuneConfig<T>,
    /// Epochs of the baseline; none: as many as search and finetune have together.
    pub baseline_epochs: Option<usize>,
    /// Number of random networks; 0: none.
    pub nets: usize,
    /// Further searches from the same warm-up.
    pub points: Vec<Point>,
    /// Whether a table of an emulator may be used.
    pub allow_emulated: bool,
}

impl<T: Task> Experiment<T> {
    /// Trains the searched network in `folder`, and the baseline beside it. Continues where it stopped. Gives the finished run, and the
    /// baseline's folder with how its training ended.
    ///
    /// # Errors
    /// Whatever ends a training.
    pub fn pair(&self, folder: &RunFolder, context: &Context<'_>) -> Result<(Finished<T>, (RunFolder, Ended)), CompareError> {
        let seed = self.search.train.seed;
        note(format_args!("== seed {seed}: search"));
        let arch = trainings::search(&self.search, folder, &Start::Scratch, self.allow_emulated, context)?;
        note(format_args!("== seed {seed}: finetune"));
        let config = trainings::of_choice(&arch, folder, self.recipe.clone())?;
        trainings::finetune(&config, folder, context)?;
        let finished = Finished::load(folder)?;
        note(format_args!("== seed {seed}: baseline"));
        let baseline = mobilenet(&finished, self.baseline_epochs, context)?;
        Ok((finished, baseline))
    }

    /// Trains the random networks and the sweep of a finished run. Continues where it stopped. Gives the run's network among the random
    /// ones, if there are any.
    ///
    /// # Errors
    /// Whatever ends a training.
    pub fn others(&self, finished: &Finished<T>, context: &Context<'_>) -> Result<Option<Comparison>, CompareError> {
        let seed = self.search.train.seed;
        let mut comparison = None;
        if self.nets > 0 {
            note(format_args!("== seed {seed}: random networks"));
            comparison = Some(random(finished, self.nets, seed, self.allow_emulated, context)?);
        }
        if !self.points.is_empty() {
            note(format_args!("== seed {seed}: sweep"));
            sweep(finished, &self.points, None, self.allow_emulated, context)?;
        }
        Ok(comparison)
    }
}
