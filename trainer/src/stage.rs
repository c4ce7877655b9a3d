//! Trainings that go on where they stopped: begun, resumed, or only read where they are finished. Commands that run many of them
//! are made of these.

use std::time::Instant;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::finetune::{Finetune, HELD_BACK, TEST};
use crate::pass::note;
use crate::run::{Checkpoint, FinetuneConfig, Interrupt, MetricsLog, Phase, RunConfig, RunFolder, SearchConfig, Stage, digest};
use crate::search::{ArchFile, Search, Start};

/// What a run's finetune ended with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ended {
    /// NME of its last epoch, per cent.
    pub nme: f64,
    /// On which faces: `test`, or `held back`.
    pub on: &'static str,
}

/// How a run's finetune ended; `None` where it has not.
///
/// # Errors
/// The run's files cannot be read.
pub fn ended(folder: &RunFolder) -> Result<Option<Ended>> {
    let Some(config) = RunConfig::load(&folder.file("config.toml"))?.finetune else { return Ok(None) };
    let last = folder.checkpoint(Stage::Finetune, "last");
    // The row of an epoch is written before its checkpoint.
    if !last.is_file() || Checkpoint::load(&last)?.meta.epoch < config.end_epoch {
        return Ok(None);
    }
    let log = MetricsLog::open(&folder.file("metrics.csv"))?;
    let last = log.rows().iter().rfind(|row| row.phase == Phase::Finetune && row.epoch == config.end_epoch);
    Ok(last.and_then(|row| row.val_nme).map(|nme| Ended { nme, on: judged_on(&config) }))
}

/// The faces that a finetune's error is of.
fn judged_on(config: &FinetuneConfig) -> &'static str {
    if config.hold_back > 0.0 { HELD_BACK } else { TEST }
}

/// What every training of a command is given.
pub struct Context<'a> {
    /// Ends the training it is in.
    pub interrupt: &'a Interrupt,
    /// What the user types to go on.
    pub command: &'a str,
}

/// The finetune `config` in `folder`, to its end.
///
/// # Errors
/// The folder holds another finetune; whatever ends one.
pub fn finetune(config: &FinetuneConfig, folder: &RunFolder, context: &Context<'_>) -> Result<Ended> {
    let path = folder.file("config.toml");
    let mut run = RunConfig::load(&path)?;
    if let Some(saved) = &run.finetune {
        same(digest(saved)?, digest(config)?, folder)?;
        if let Some(ended) = ended(folder)? {
            return Ok(ended);
        }
    }
    let resume = run.finetune.is_some() && folder.checkpoint(Stage::Finetune, "last").is_file();
    let finetune = Finetune::new(config.clone(), folder.clone(), resume, 0)?;
    let _lock = folder.prepare(Stage::Finetune, resume)?;
    run.finetune = Some(config.clone());
    run.save(&path)?;
    finetune.describe().iter().for_each(note);
    let done = finetune.run(context.interrupt, context.command, Instant::now())?;
    Ok(Ended { nme: 100.0 * done.evaluation.nme, on: judged_on(config) })
}

/// The search `config` in `folder`, to its end, from the warm-up at `warm_up`.
///
/// # Errors
/// The folder holds another search; whatever ends one.
pub fn search(
    config: &SearchConfig,
    folder: &RunFolder,
    warm_up: &std::path::Path,
    allow_emulated: bool,
    context: &Context<'_>,
) -> Result<ArchFile> {
    let (path, arch) = (folder.file("config.toml"), folder.file("arch.json"));
    let run = RunConfig::load(&path)?;
    if let Some(saved) = &run.search {
        same(digest(saved)?, digest(config)?, folder)?;
        if arch.is_file() {
            return ArchFile::load(&arch);
        }
    }
    let resume = run.search.is_some() && folder.checkpoint(Stage::Search, "last").is_file();
    let start = if resume { Start::Resumed } else { Start::WarmUp(warm_up.to_owned()) };
    let search = Search::new(config.clone(), folder.clone(), &start, allow_emulated)?;
    let _lock = folder.prepare(Stage::Search, resume)?;
    RunConfig { search: Some(config.clone()), ..run }.save(&path)?;
    for line in search.describe() {
        note(&line);
    }
    Ok(search.run(context.interrupt, context.command, Instant::now())?.arch)
}

fn same(saved: String, wanted: String, folder: &RunFolder) -> Result<()> {
    if saved == wanted {
        return Ok(());
    }
    Err(Error::Usage(format!(
        "{} holds a training with another configuration, table or data; --overwrite starts all of them anew",
        folder.root().display()
    )))
}
