//! Trainings that continue where they stopped: begun, resumed, or only read if they are finished. Commands that run many trainings are
//! made of these.

use std::time::Instant;

use serde::Serialize;

use super::error::CompareError;
use crate::console::note;
use crate::cost::ArchFile;
use crate::run::{Checkpoint, EpochKind, Interrupt, MetricsLog, RunFolder, Training, sha256_of_file};
use crate::task::{Scores, Task};
use crate::train::{Finetune, FinetuneConfig, Phase, RunConfig, Search, SearchConfig, Start, TrainingLoop, digest, judged_on};

/// What a run's finetune ended with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// NME of its last epoch, per cent.
    pub nme: f64,
    /// On which examples: `test`, or `held back`.
    pub on: &'static str,
}

/// How a run's finetune ended; `None` if it has not.
///
/// # Errors
/// The run's files cannot be read.
pub fn ended<T: Task>(folder: &RunFolder) -> Result<Option<Ended>, CompareError> {
    let Some(config) = RunConfig::<T>::load(&folder.file("config.toml"))?.finetune else { return Ok(None) };
    let (last, end) = (folder.checkpoint(Training::Finetune, "last"), config.train.end_epoch);
    // The row of an epoch is written before its checkpoint.
    if !last.is_file() || Checkpoint::load(&last)?.meta.epoch < end {
        return Ok(None);
    }
    let log = MetricsLog::open(&folder.file("metrics.csv"))?;
    let last = log.rows().iter().rfind(|row| row.phase == EpochKind::Finetune && row.epoch == end);
    Ok(last.and_then(|row| row.val_nme).map(|nme| Ended { nme, on: judged_on(&config) }))
}

/// What every training of a command is given.
pub struct Context<'a> {
    /// Ends the training that is running.
    pub interrupt: &'a Interrupt,
    /// What the user types to continue.
    pub command: &'a str,
}

impl Context<'_> {
    /// Trains a phase to its end, in a folder that is this process's alone meanwhile; `save` writes its configuration first.
    fn run<P: Phase>(
        &self,
        training: TrainingLoop<P>,
        folder: &RunFolder,
        resumed: bool,
        save: impl FnOnce() -> Result<(), CompareError>,
    ) -> Result<P::Outcome, CompareError> {
        let _lock = folder.prepare(P::TRAINING, resumed)?;
        save()?;
        training.phase().describe().iter().for_each(note);
        Ok(training.run(self.interrupt, self.command, Instant::now())?)
    }
}

/// The finetune `config` in `folder`, to its end.
///
/// # Errors
/// The folder holds another finetune; whatever ends one.
pub fn finetune<T: Task>(config: &FinetuneConfig<T>, folder: &RunFolder, context: &Context<'_>) -> Result<Ended, CompareError> {
    let path = folder.file("config.toml");
    let mut run = RunConfig::load(&path)?;
    let wanted = digest(config)?;
    if let Some(saved) = &run.finetune {
        check_same(&digest(saved)?, &wanted, folder)?;
        if let Some(ended) = ended::<T>(folder)? {
            return Ok(ended);
        }
    }
    let resumed = run.finetune.is_some() && folder.checkpoint(Training::Finetune, "last").is_file();
    let start = if resumed { Start::Resumed } else { Start::Scratch };
    let phase = Finetune::new(config.clone(), resumed, 0)?;
    let training = TrainingLoop::new(phase, wanted, folder.clone(), &start)?;
    run.finetune = Some(config.clone());
    let done = context.run(training, folder, resumed, || Ok(run.save(&path)?))?;
    Ok(Ended { nme: 100.0 * done.evaluation.error(), on: judged_on(config) })
}

/// The search `config` in `folder`, to its end; a new one begins as `begin` says.
///
/// # Errors
/// The folder holds another search; whatever ends one.
pub fn search<T: Task>(
    config: &SearchConfig<T>,
    folder: &RunFolder,
    begin: &Start,
    allow_emulated: bool,
    context: &Context<'_>,
) -> Result<ArchFile, CompareError> {
    let (path, arch) = (folder.file("config.toml"), folder.file("arch.json"));
    let run = RunConfig::load(&path)?;
    let wanted = digest(config)?;
    if let Some(saved) = &run.search {
        check_same(&digest(saved)?, &wanted, folder)?;
        if saved.choose != config.choose {
            return Err(CompareError::OtherTraining(folder.root().to_owned()));
        }
        if arch.is_file() {
            let found = ArchFile::load(&arch)?;
            // One that was asked to choose again and interrupted has the earlier choice.
            if found.chosen_by == config.choose {
                return Ok(found);
            }
        }
    }
    let resumed = run.search.is_some() && folder.checkpoint(Training::Search, "last").is_file();
    let start = if resumed { &Start::Resumed } else { begin };
    let phase = Search::new(config.clone(), allow_emulated)?;
    let training = TrainingLoop::new(phase, wanted, folder.clone(), start)?;
    let config = RunConfig { search: Some(config.clone()), ..run };
    Ok(context.run(training, folder, resumed, || Ok(config.save(&path)?))?.arch)
}

fn check_same(saved: &str, wanted: &str, folder: &RunFolder) -> Result<(), CompareError> {
    if saved == wanted { Ok(()) } else { Err(CompareError::OtherTraining(folder.root().to_owned())) }
}

/// The recipe for what a search in `folder` chose.
pub fn of_choice<T: Task>(
    arch: &ArchFile,
    folder: &RunFolder,
    recipe: FinetuneConfig<T>,
) -> Result<FinetuneConfig<T>, CompareError> {
    let supernet = folder.checkpoint(Training::Search, "last");
    let sha256 = sha256_of_file(&supernet)?;
    Ok(FinetuneConfig { supernet: Some(supernet), supernet_sha256: Some(sha256), choice: arch.choice.clone(), ..recipe })
}
