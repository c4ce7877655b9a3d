//! What a search answers the method that chooses its network.

use std::path::PathBuf;
use std::time::Instant;

use super::config::{FinetuneConfig, RunConfig, SearchConfig, TrainConfig, digest};
use super::error::TrainError;
use super::finetune::{Finetune, Finetuned};
use super::pass::Stopped;
use super::search_input::ARCH_FRACTION;
use super::subnets::Subnets;
use super::training_loop::{Start, TrainingLoop};
use crate::choose::{Candidate, Judge};
use crate::console::note;
use crate::model::names;
use crate::parallel;
use crate::run::{Interrupt, MetricsLog, RunFolder, Training};
use crate::task::{Scores, Task};

/// The subnets of a finished search, of which one is to be chosen.
pub(super) struct Trial<'a, T: Task> {
    config: &'a SearchConfig<T>,
    subnets: Subnets<'a, T>,
    /// The run's.
    folder: &'a RunFolder,
    interrupt: &'a Interrupt,
    judged: usize,
}

/// Networks between two messages: judging one takes seconds.
const TOLD_EVERY: usize = 16;

impl<'a, T: Task> Trial<'a, T> {
    pub fn new(config: &'a SearchConfig<T>, subnets: Subnets<'a, T>, folder: &'a RunFolder, interrupt: &'a Interrupt) -> Self {
        Self { config, subnets, folder, interrupt, judged: 0 }
    }

    /// The folder of a round of a network's training; such trainings go on where they stopped.
    fn round(&self, choice: &[String], round: usize) -> RunFolder {
        let name = choice.join("+");
        // A file's name has at most 255 bytes.
        let name = if name.len() <= 255 { name } else { files::sha256(name.as_bytes()) };
        RunFolder::new(&self.folder.file(&format!("choice/{name}/round-{round}")))
    }

    fn finetune(&self, choice: &[String], round: usize, epochs: usize) -> FinetuneConfig<T> {
        let before: PathBuf = match round {
            1 => self.folder.checkpoint(Training::Search, "last"),
            _ => self.round(choice, round - 1).checkpoint(Training::Finetune, "last"),
        };
        FinetuneConfig {
            // A search that starts again removes all rounds, so that the supernet is always the same one; its file notes the choice, too.
            supernet_sha256: None,
            supernet: Some(before),
            space: self.config.space.clone(),
            choice: choice.to_vec(),
            hold_back: ARCH_FRACTION,
            split_seed: None,
            task: self.config.task.clone(),
            train: TrainConfig { end_epoch: epochs, ..self.config.train.clone() },
        }
    }

    /// Trains to the end, from where it stopped.
    fn train(&self, config: &FinetuneConfig<T>, folder: &RunFolder) -> Result<Finetuned<T::Scores>, TrainError> {
        // The first process has written what this round begins with.
        parallel::wait_for_all();
        let (path, wanted) = (folder.file("config.toml"), digest(config)?);
        let saved = RunConfig::<T>::load(&path)?.finetune;
        let is_same = saved.is_some_and(|saved| digest(&saved).is_ok_and(|digest| digest == wanted));
        if is_same && let Some(done) = Finetuned::load(&folder.file(Finetuned::<T::Scores>::FILE))? {
            return Ok(done);
        }
        let resumed = is_same && folder.checkpoint(Training::Finetune, "last").is_file();
        let phase = Finetune::new(config.clone(), resumed, 0)?;
        let start = if resumed { Start::Resumed } else { Start::Scratch };
        let training = TrainingLoop::new(phase, wanted, folder.clone(), &start)?;
        let _lock = folder.prepare(Training::Finetune, resumed)?;
        RunConfig { search: None, finetune: Some(config.clone()) }.save(&path)?;
        training.run(self.interrupt, "", Instant::now())
    }
}

impl<T: Task> Judge for Trial<'_, T> {
    type Error = Stopped;

    fn recalibrated(&mut self, network: &[usize]) -> Result<f64, Stopped> {
        if parallel::agree(0.0, self.interrupt.is_set()).1 {
            return Err(Stopped::Interrupted);
        }
        let error = 100.0 * self.subnets.scores(network)?.error();
        self.judged += 1;
        if self.judged.is_multiple_of(TOLD_EVERY) {
            note(format_args!("{} of {} networks compared", self.judged, self.config.choose.count()));
        }
        Ok(error)
    }

    fn finetuned(&mut self, network: &[usize], round: usize, epochs: usize) -> Result<(f64, f64), Stopped> {
        let choice = names(self.subnets.space, network);
        note(format_args!("round {round}: {}", choice.join(" ")));
        let folder = self.round(&choice, round);
        match self.train(&self.finetune(&choice, round, epochs), &folder) {
            Ok(done) => {
                let log = MetricsLog::open(&folder.file("metrics.csv"))?;
                Ok((100.0 * done.evaluation.error(), log.rows().iter().map(|row| row.seconds).sum()))
            }
            Err(TrainError::Interrupted { .. }) => Err(Stopped::Interrupted),
            Err(error) => Err(error.into()),
        }
    }
}

/// The choice for people; none if nothing was compared.
pub(super) fn told<T: Task>(candidates: &[Candidate], most_probable: &[usize]) -> Option<String> {
    let chosen = candidates.first()?;
    let probable = candidates.iter().find(|candidate| candidate.indices == most_probable)?;
    let place = 1 + candidates.iter().filter(|other| other.log_probability > chosen.log_probability).count();
    let seconds: f64 = candidates.iter().map(|candidate| candidate.seconds).sum();
    let trained = chosen.finetuned_nme.map_or(String::new(), |error| format!(", {error:.2} % after {} epochs", chosen.epochs));
    Some(format!(
        "chosen: number {place} by probability of {} networks: {} {:.2} % (recalibrated, held back){trained}; the most probable one has \
         {:.2} %; comparing them took {seconds:.0} s",
        candidates.len(),
        T::METRIC,
        chosen.recalibrated_nme?,
        probable.recalibrated_nme?
    ))
}
