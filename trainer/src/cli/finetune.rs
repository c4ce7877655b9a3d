use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::{DEFAULT_LIST, ListArgs, ThreadArgs, absolute, print_line, quoted, remembered_space};
use crate::error::{Error, Result};
use crate::finetune::{Finetune, Finetuned};
use crate::loss::{PointLoss, PoseWeight};
use crate::optim::Algorithm;
use crate::parallel;
use crate::pass::{note, scheme_sha256};
use crate::place::Place;
use crate::reference::Reference;
use crate::run::{Checkpoint, ConfigError, FinetuneConfig, Interrupt, Kind, RunConfig, RunFolder, Stage, resolve, sha256_of_file};
use crate::search::{ArchFile, chosen};

/// Everything is optional so that a resumed run needs only --out: what is not given is as the run had it.
#[derive(Args, Debug)]
#[command(after_help = "Example:
  trainer finetune --supernet run/supernet/checkpoint_last.safetensors --data faces --out run --batch 32 --base-lr 1e-3 --end-epoch 60
  trainer finetune --out run --resume")]
pub struct FinetuneArgs {
    /// The run's folder
    #[arg(long, value_name = "RUN")]
    out: PathBuf,
    /// The search's checkpoint, or a subnet's to go on from [default: supernet/checkpoint_last.safetensors in --out]
    #[arg(long, visible_alias = "subnet", value_name = "FILE")]
    supernet: Option<PathBuf>,
    /// Another choice than the most probable: an arch.json, or names separated by commas
    #[arg(long, value_name = "FILE|NAMES")]
    arch: Option<String>,
    /// Data folder
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Search space, where the checkpoint's name for it cannot be found any more
    #[arg(long, value_name = "NAME|FILE")]
    space: Option<String>,
    #[command(flatten)]
    lists: ListArgs,
    /// Part of the training list kept from training and used to judge each epoch (best): for tuning a recipe [default: 0]
    #[arg(long, value_name = "PART")]
    hold_back: Option<f64>,
    /// Optimizer; adam is AdamW [default: rms]
    #[arg(long, value_enum)]
    opt: Option<Algorithm>,
    /// Learning rate at the start; falls to 0 along a cosine over all epochs [default: 1e-4]
    #[arg(long)]
    base_lr: Option<f64>,
    /// Weight decay [default: 1e-6]
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Epochs [default: 300]
    #[arg(long)]
    end_epoch: Option<usize>,
    /// Faces a step [default: 256]
    #[arg(long)]
    batch: Option<usize>,
    /// Seed of everything drawn [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Augmentation: none, mild, strong [default: mild]
    #[arg(long)]
    augment: Option<String>,
    /// Loss of the points [default: square]
    #[arg(long, value_enum)]
    loss: Option<PointLoss>,
    /// How pose weighs a face: floor, 1 + Σ(1 − cos); raw, the reference's; none [default: floor]
    #[arg(long, value_enum)]
    pose_weight: Option<PoseWeight>,
    /// Show the test error each so many epochs; it decides nothing [default: only at the end]
    #[arg(long, value_name = "EPOCHS", default_value_t = 0, hide_default_value = true)]
    eval_every: usize,
    /// Do as NNI's example does, where the defaults here differ (trainer/REFERENCE.md); other flags given beside it stand
    #[arg(long)]
    reference: bool,
    /// Where the net is trained: cpu, or cuda[:NUMBER] (with the feature cuda) [default: cpu]
    #[arg(long)]
    device: Option<Place>,
    #[command(flatten)]
    threads: ThreadArgs,
    /// Go on where the run in --out stopped; other flags may be left away
    #[arg(long, conflicts_with = "overwrite")]
    resume: bool,
    /// Replace a finetune in --out, and all that was compared with it (baselines, sweep)
    #[arg(long)]
    overwrite: bool,
    /// Print the errors as JSON: {nme, failure_rate_10, auc} as fractions
    #[arg(long)]
    json: bool,
}

impl FinetuneArgs {
    fn resolve(&self, folder: &RunFolder, saved: Option<&FinetuneConfig>) -> Result<FinetuneConfig> {
        let mut r = resolve(saved);
        let (supernet, supernet_sha256, space, choice) = match saved {
            // The subnet's own checkpoint has what a resumed run needs.
            Some(saved) => {
                if let Some(given) = self.arch.as_deref() {
                    let given = names(given)?;
                    r.pick("--arch", Some(given), |s| s.choice.clone(), Vec::new());
                }
                let supernet = r.maybe("--supernet", self.supernet.as_deref().map(absolute), |s| s.supernet.clone());
                let space = r.pick("--space", self.space.as_deref().map(remembered_space), |s| s.space.clone(), String::new());
                (supernet, saved.supernet_sha256.clone(), space, saved.choice.clone())
            }
            None => {
                let supernet = self.supernet.clone().unwrap_or_else(|| folder.checkpoint(Stage::Search, "last"));
                let (space, choice, sha256) = self.choose(&supernet)?;
                (Some(absolute(&supernet)), Some(sha256), space, choice)
            }
        };
        let data =
            r.place(self.data.as_deref().map(absolute), |s| Some(s.data.clone())).ok_or(ConfigError::Needed { flag: "--data" })?;
        let list = r.pick("--list", self.lists.list.clone(), |s| s.list.clone(), DEFAULT_LIST.to_string());
        let list_sha256 = sha256_of_file(&data.join("train_data").join(&list))?;
        r.same("the training list", &list_sha256, |s| s.list_sha256.clone());
        let points_file = r.place(self.lists.points_file.as_deref().map(absolute), |s| s.points_file.clone());
        let points_sha256 = scheme_sha256(&data, points_file.as_deref())?;
        r.same("the point scheme", &points_sha256, |s| s.points_sha256.clone());
        let hold_back = r.pick("--hold-back", self.hold_back, |s| s.hold_back, 0.0);
        let test_list_sha256 = match saved {
            // A run from before test lists were remembered has none to be held to.
            Some(FinetuneConfig { test_list_sha256: None, .. }) => None,
            _ if hold_back > 0.0 => None,
            _ => Some(sha256_of_file(&data.join("test_data").join(&list))?),
        };
        r.same("the test list", test_list_sha256.as_deref().unwrap_or_default(), |s| {
            s.test_list_sha256.clone().unwrap_or_default()
        });
        let device = self.device.or(r.saved.map(|s| s.device)).unwrap_or_default();
        let reference = r.pick("--reference", self.reference.then_some(Reference(true)), |s| s.reference, Reference(false));
        let (augment, pose_weight) = match reference {
            Reference(true) => ("none", PoseWeight::Raw),
            Reference(false) => ("mild", PoseWeight::Floor),
        };
        let config = FinetuneConfig {
            supernet,
            supernet_sha256,
            space,
            choice,
            data,
            list,
            list_sha256,
            points_file,
            points_sha256,
            hold_back,
            test_list_sha256,
            opt: r.pick("--opt", self.opt, |s| s.opt, Algorithm::Rms),
            base_lr: r.pick("--base-lr", self.base_lr, |s| s.base_lr, 1e-4),
            weight_decay: r.pick("--weight-decay", self.weight_decay, |s| s.weight_decay, 1e-6),
            end_epoch: r.pick("--end-epoch", self.end_epoch, |s| s.end_epoch, 300),
            batch: r.pick("--batch", self.batch, |s| s.batch, 256),
            seed: r.pick("--seed", self.seed, |s| s.seed, 0),
            augment: r.pick("--augment", self.augment.clone(), |s| s.augment.clone(), augment.to_string()),
            loss: r.pick("--loss", self.loss, |s| s.loss, PointLoss::Square),
            pose_weight: r.pick("--pose-weight", self.pose_weight, |s| s.pose_weight, pose_weight),
            reference,
            device,
        };
        r.finish()?;
        Ok(config)
    }

    /// Space, choice and digest of the checkpoint to start from.
    fn choose(&self, supernet: &std::path::Path) -> Result<(String, Vec<String>, String)> {
        let checkpoint = Checkpoint::load(supernet)?;
        if checkpoint.meta.kind == Kind::Baseline {
            let shown = supernet.display();
            return Err(Error::Usage(format!("{shown} is the baseline's checkpoint; it is trained by `trainer baseline`")));
        }
        check_searched(&checkpoint, supernet)?;
        let space = checkpoint.space(supernet, self.space.as_deref())?;
        let own = |choice: Vec<blocks::Primitive>| choice.iter().map(ToString::to_string).collect();
        let choice = match (&self.arch, checkpoint.meta.kind) {
            (Some(given), Kind::Supernet) => names(given)?,
            (None, Kind::Supernet) => own(chosen(&checkpoint, supernet, &space)?),
            (Some(_), Kind::Subnet | Kind::Baseline) => {
                let shown = supernet.display();
                return Err(Error::Usage(format!(
                    "--arch chooses from a supernet; {shown} is a subnet's checkpoint, its choice is made"
                )));
            }
            (None, Kind::Subnet | Kind::Baseline) => own(checkpoint.choice(supernet, &space)?),
        };
        let name = self.space.as_deref().map(remembered_space).unwrap_or_else(|| checkpoint.meta.space.clone());
        Ok((name, choice, sha256_of_file(supernet)?))
    }
}

/// Refuses the last checkpoint of a search that has not ended: going on with the search would leave a finetune of another network.
fn check_searched(checkpoint: &Checkpoint, path: &Path) -> Result<()> {
    let Some(root) = path.parent().and_then(Path::parent) else { return Ok(()) };
    let run = RunFolder::new(root);
    if path != run.checkpoint(Stage::Search, "last") {
        return Ok(());
    }
    match RunConfig::load(&run.file("config.toml"))?.search {
        Some(search) if checkpoint.meta.epoch < search.end_epoch => Err(Error::Usage(format!(
            "the search in {} has done {} of {} epochs; first: trainer search --out {} --resume",
            root.display(),
            checkpoint.meta.epoch,
            search.end_epoch,
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

pub fn run(args: FinetuneArgs) -> Result<()> {
    let started = Instant::now();
    args.threads.apply()?;
    let folder = RunFolder::new(&args.out);
    let config_path = folder.file("config.toml");
    folder.check(Stage::Finetune, args.resume, args.overwrite)?;
    let mut run = RunConfig::load(&config_path)?;
    let config = args.resolve(&folder, run.finetune.as_ref().filter(|_| args.resume))?;
    let finetune = Finetune::new(config.clone(), folder.clone(), args.resume, args.eval_every)?;
    // Read before the folder changes: what cannot be read then loses nothing.
    let before = if args.resume { None } else { Some(finetune.evaluate()?) };
    let _lock = folder.prepare(Stage::Finetune, args.resume)?;
    if !args.resume {
        run.finetune = Some(config);
        run.save(&config_path)?;
    }
    finetune.describe().iter().for_each(note);
    let done = finetune.run(&Interrupt::listen(), &format!("finetune --out {} --resume", quoted(&args.out)), started)?;
    if !parallel::is_first() {
        return Ok(());
    }
    if args.json {
        super::eval::print_json(&done.evaluation)?;
    } else {
        if let Some(Finetuned { evaluation, on }) = before {
            print_line(format_args!("before: NME {:.2} % ({on})", 100.0 * evaluation.nme))?;
        }
        print_line(format_args!(
            "after:  NME {:.2} % ({}), failures {:.2} %",
            100.0 * done.evaluation.nme,
            done.on,
            100.0 * done.evaluation.failure_rate_10
        ))?;
    }
    note(format_args!(
        "next: trainer export --subnet {} --out {}",
        quoted(&folder.checkpoint(Stage::Finetune, "last")),
        quoted(&folder.file("subnet.onnx"))
    ));
    Ok(())
}
