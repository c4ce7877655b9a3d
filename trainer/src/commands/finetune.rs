//! `trainer finetune`: the chosen network, trained further.

use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;
use terminal::quoted;

use super::args::{absolute, remembered_space};
use super::error::{Error, Result};
use super::output::print_line;
use super::resolve::Resolver;
use super::train_args::TrainArgs;
use crate::console::note;
use crate::cost::ArchFile;
use crate::parallel;
use crate::run::{Checkpoint, Kind, RunFolder, Training, sha256_of_file};
use crate::task::faces::{Evaluation, FaceTask};
use crate::train::{Finetune, FinetuneConfig, Finetuned, RunConfig, TrainingLoop, digest};

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  trainer finetune --out run --data faces --batch 32 --base-lr 1e-3 --end-epoch 60
  trainer finetune --out run --resume")]
pub struct FinetuneArgs {
    /// Checkpoint to start from, of a supernet or a subnet [default: supernet/checkpoint_last.safetensors in --out]
    #[arg(long, visible_alias = "subnet", value_name = "FILE")]
    supernet: Option<PathBuf>,
    /// Train this network instead of the most probable one: an arch.json, or one candidate per layer, separated by commas
    #[arg(long, value_name = "FILE|NAMES")]
    arch: Option<String>,
    /// File of the search space, if it was moved since the search
    #[arg(long, value_name = "NAME|FILE")]
    space: Option<String>,
    /// Part of the training list to hold back from training, to choose the best epoch: for tuning a recipe [default: 0]
    #[arg(long, value_name = "PART")]
    hold_back: Option<f64>,
    /// Print the test error every N epochs; it is only reported [default: only at the end]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    eval_every: usize,
    #[command(flatten)]
    shared: TrainArgs,
}

/// What a finetune starts from.
struct Beginning {
    supernet: Option<PathBuf>,
    supernet_sha256: Option<String>,
    space: String,
    choice: Vec<String>,
}

impl FinetuneArgs {
    /// The settings that do not depend on what is finetuned: those of a network that starts from scratch.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn recipe(&self) -> Result<FinetuneConfig<FaceTask>> {
        let begin = Beginning { supernet: None, supernet_sha256: None, space: String::new(), choice: Vec::new() };
        self.with(begin, Resolver::new(None))
    }

    fn resolve(&self, saved: Option<&FinetuneConfig<FaceTask>>) -> Result<FinetuneConfig<FaceTask>> {
        let mut r = Resolver::new(saved);
        let begin = match saved {
            Some(saved) => self.resumed(&mut r, saved)?,
            None => self.fresh()?,
        };
        self.with(begin, r)
    }

    fn with(&self, begin: Beginning, mut r: Resolver<'_, FinetuneConfig<FaceTask>>) -> Result<FinetuneConfig<FaceTask>> {
        let train = r.part(|s| &s.train, |r| self.shared.train(r));
        let hold_back = r.pick("--hold-back", self.hold_back, |s| s.hold_back, 0.0);
        let reads_test = hold_back.is_nan() || hold_back <= 0.0;
        let task = r.part(|s| &s.task, |r| self.shared.task(r, train.reference, reads_test))?;
        let saved = r.saved;
        r.finish()?;
        let Beginning { supernet, supernet_sha256, space, choice } = begin;
        let split_seed = saved.and_then(|s| s.split_seed);
        Ok(FinetuneConfig { supernet, supernet_sha256, space, choice, hold_back, split_seed, task, train })
    }

    /// The subnet's own checkpoint has what a resumed run needs.
    fn resumed(&self, r: &mut Resolver<'_, FinetuneConfig<FaceTask>>, saved: &FinetuneConfig<FaceTask>) -> Result<Beginning> {
        if let Some(given) = self.arch.as_deref() {
            r.pick("--arch", Some(names(given)?), |s| s.choice.clone(), Vec::new());
        }
        Ok(Beginning {
            supernet: r.maybe("--supernet", self.supernet.as_deref().map(absolute), |s| s.supernet.clone()),
            supernet_sha256: saved.supernet_sha256.clone(),
            space: r.pick("--space", self.space.as_deref().map(remembered_space), |s| s.space.clone(), String::new()),
            choice: saved.choice.clone(),
        })
    }

    fn fresh(&self) -> Result<Beginning> {
        let supernet = self.supernet.clone().unwrap_or_else(|| self.shared.folder().checkpoint(Training::Search, "last"));
        let checkpoint = Checkpoint::load(&supernet)?;
        if checkpoint.meta.kind == Kind::Baseline {
            let shown = supernet.display();
            return Err(Error::Usage(format!("{shown} is the baseline's checkpoint; `trainer baseline` trains that")));
        }
        check_searched(&checkpoint, &supernet)?;
        let space = checkpoint.space(&supernet, self.space.as_deref())?;
        let choice = match (&self.arch, checkpoint.meta.kind) {
            (Some(given), Kind::Supernet) => names(given)?,
            (Some(_), _) => {
                let shown = supernet.display();
                return Err(Error::Usage(format!(
                    "--arch chooses a subnet of a supernet, but {shown} holds a subnet already; leave out --arch"
                )));
            }
            (None, _) => checkpoint.chosen(&supernet, &space)?.iter().map(ToString::to_string).collect(),
        };
        let name = self.space.as_deref().map(remembered_space).unwrap_or_else(|| checkpoint.meta.space.clone());
        let sha256 = sha256_of_file(&supernet)?;
        Ok(Beginning { supernet: Some(absolute(&supernet)), supernet_sha256: Some(sha256), space: name, choice })
    }
}

/// Refuses the last checkpoint of a search that has not ended: if the search were resumed, the finetune would be of another network.
fn check_searched(checkpoint: &Checkpoint, path: &Path) -> Result<()> {
    let Some(root) = path.parent().and_then(Path::parent) else { return Ok(()) };
    let run = RunFolder::new(root);
    if path != run.checkpoint(Training::Search, "last") {
        return Ok(());
    }
    match RunConfig::<FaceTask>::load(&run.file("config.toml"))?.search {
        Some(search) if checkpoint.meta.epoch < search.train.end_epoch => Err(Error::Usage(format!(
            "the search in {} has done {} of {} epochs; finish it first: trainer search --out {} --resume",
            root.display(),
            checkpoint.meta.epoch,
            search.train.end_epoch,
            quoted(root)
        ))),
        _ => Ok(()),
    }
}

/// A choice as typed: an arch.json, or names.
pub fn names(given: &str) -> Result<Vec<String>> {
    if given.ends_with(".json") {
        return Ok(ArchFile::load(given.as_ref())?.choice);
    }
    let names: Vec<String> = given.split(',').map(|name| name.trim().to_string()).collect();
    if names.iter().any(String::is_empty) {
        return Err(Error::Usage(format!(
            "--arch {given}: give an arch.json, or a primitive's name for each layer, separated by commas"
        )));
    }
    Ok(names)
}

pub fn run(args: &FinetuneArgs) -> Result<()> {
    let started = Instant::now();
    let shared = &args.shared;
    shared.threads.apply()?;
    let folder = shared.folder();
    folder.check(Training::Finetune, shared.resume, shared.overwrite)?;
    let mut run = RunConfig::load(&folder.file("config.toml"))?;
    let config = args.resolve(run.finetune.as_ref().filter(|_| shared.resume))?;
    let phase = Finetune::new(config.clone(), shared.resume, args.eval_every)?;
    let training = TrainingLoop::new(phase, digest(&config)?, folder.clone(), &shared.start())?;
    // Read before the folder changes: if something cannot be read, nothing is lost.
    let before = if shared.resume { None } else { Some(training.phase().evaluate()?) };
    run.finetune = Some(config);
    let done = shared.run(training, (!shared.resume).then_some(&run), started)?;
    if !parallel::is_first() {
        return Ok(());
    }
    print(before.as_ref(), &done, shared.json)?;
    note(format_args!(
        "next: trainer export --subnet {} --out {}",
        quoted(folder.checkpoint(Training::Finetune, "last")),
        quoted(folder.file("subnet.onnx"))
    ));
    Ok(())
}

fn print(before: Option<&Finetuned<Evaluation>>, done: &Finetuned<Evaluation>, json: bool) -> Result<()> {
    if json {
        return super::eval::print_json(&done.evaluation);
    }
    if let Some(Finetuned { evaluation, on }) = before {
        print_line(format_args!("before: NME {:.2} % ({on})", 100.0 * evaluation.nme))?;
    }
    let Finetuned { evaluation, on } = done;
    print_line(format_args!(
        "after:  NME {:.2} % ({on}), failures {:.2} %",
        100.0 * evaluation.nme,
        100.0 * evaluation.failure_rate_10
    ))
}
