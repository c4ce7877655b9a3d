//! The trainings of a whole comparison with one seed: a search, the finetune of its choice, the baseline, random networks, a sweep.

use super::baseline::mobilenet;
use super::error::CompareError;
use super::finished::Finished;
use super::random::{Nets, random};
use super::statistics::{Comparison, FrontPoint};
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
    /// Random networks beside the searched one; 0: none.
    pub nets: Nets,
    /// Further searches from the same warm-up.
    pub points: Vec<Point>,
    /// Random networks beside each of those; 0: none.
    pub nets_a_point: Nets,
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

    /// Trains the random networks and the sweep of a finished run. Continues where it stopped.
    ///
    /// # Errors
    /// Whatever ends a training.
    pub fn others(&self, finished: &Finished<T>, context: &Context<'_>) -> Result<Others, CompareError> {
        let seed = self.search.train.seed;
        let mut others = Others::default();
        if self.nets.count > 0 {
            note(format_args!("== seed {seed}: random networks"));
            others.random = Some(random(finished, self.nets, seed, self.allow_emulated, context)?);
        }
        if !self.points.is_empty() {
            note(format_args!("== seed {seed}: sweep"));
            sweep(finished, &self.points, None, self.allow_emulated, context)?;
        }
        if self.nets_a_point.count > 0 {
            others.front = self.front(finished, others.random.as_ref(), context)?;
        }
        Ok(others)
    }

    /// The networks of the sweep among random ones of theirs. A point that is the run itself has the run's.
    fn front(
        &self,
        finished: &Finished<T>,
        own: Option<&Comparison>,
        context: &Context<'_>,
    ) -> Result<Vec<FrontPoint>, CompareError> {
        let seed = self.search.train.seed;
        let mut front = Vec::new();
        for point in &self.points {
            let name = point.name();
            note(format_args!("== seed {seed}: random networks beside {name}"));
            let is_own = point.is_of(&finished.search)?;
            let networks = match own.filter(|_| is_own) {
                Some(own) => Some(own.clone()),
                None if is_own => self.beside(finished, context)?,
                None => self.beside(&Finished::load(&finished.inner(&format!("sweep/{name}")))?, context)?,
            };
            front.extend(networks.map(|networks| FrontPoint { name, networks }));
        }
        Ok(front)
    }

    /// A network of the front among random ones: as many as there are, if the space has too few of its cost. None if it has none.
    fn beside(&self, point: &Finished<T>, context: &Context<'_>) -> Result<Option<Comparison>, CompareError> {
        let (seed, nets) = (self.search.train.seed, self.nets_a_point);
        let error = match random(point, nets, seed, self.allow_emulated, context) {
            Ok(comparison) => return Ok(Some(comparison)),
            Err(error) => error,
        };
        let CompareError::TooFewNetworks { found, .. } = error else { return Err(error) };
        note(format_args!("note: {error}"));
        let fewer = Nets { count: found, ..nets };
        if found > 0 { random(point, fewer, seed, self.allow_emulated, context).map(Some) } else { Ok(None) }
    }
}

/// What is trained beside a seed's run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Others {
    /// The run's network among random ones.
    pub random: Option<Comparison>,
    /// The networks of its sweep among random ones of theirs.
    pub front: Vec<FrontPoint>,
}
