//! What `search` and `finetune` have in common: their arguments, and how a training is run.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use terminal::quoted;

use super::args::{DEFAULT_LIST, ListArgs, ThreadArgs, absolute};
use super::error::Result;
use super::resolve::{ResolveError, Resolver};
use super::values;
use crate::compute::Compute;
use crate::console::note;
use crate::nni::Reference;
use crate::optim::Algorithm;
use crate::run::{Interrupt, RunFolder, sha256_of_file};
use crate::task::faces::loss::{PointLoss, PoseWeight};
use crate::task::faces::{FaceTask, scheme_sha256};
use crate::train::{Phase, RunConfig, Start, TrainConfig, TrainingLoop};

/// Everything but --out is optional, so that a resumed run needs nothing else: a setting that is not given is as the run had it.
#[derive(Args, Debug)]
pub struct TrainArgs {
    /// Folder of the run
    #[arg(long, value_name = "RUN")]
    pub out: PathBuf,
    /// Data folder: train_data/{imgs,list.txt}, test_data/{imgs,list.txt}
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    #[command(flatten)]
    lists: ListArgs,
    /// Optimizer of the weights [default: rms]
    #[arg(long, value_parser = values::algorithm())]
    opt: Option<Algorithm>,
    /// Learning rate of the weights at the start; it falls to 0 along a cosine over all epochs [default: 1e-4]
    #[arg(long)]
    base_lr: Option<f64>,
    /// Weight decay of the weights [default: 1e-6]
    #[arg(long)]
    weight_decay: Option<f64>,
    /// Number of epochs; in a search, warm-up epochs included [default: 300]
    #[arg(long)]
    end_epoch: Option<usize>,
    /// Batch size: faces per training step [default: 256]
    #[arg(long)]
    batch: Option<usize>,
    /// Seed of all random numbers [default: 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Augmentation: none, mild, strong [default: mild]
    #[arg(long)]
    augment: Option<String>,
    /// Loss of the landmarks [default: square]
    #[arg(long, value_parser = values::point_loss())]
    loss: Option<PointLoss>,
    /// Weight of a face in the loss, from the error Δ of its pose [default: floor]
    #[arg(long, value_parser = values::pose_weight())]
    pose_weight: Option<PoseWeight>,
    /// Behave like NNI's example where the defaults differ (documentation: Coming from NNI); other options still apply
    #[arg(long)]
    reference: bool,
    /// Train on cpu or cuda[:NUMBER,…], NVIDIA GPUs that share each batch (needs a build with the feature cuda; not yet tested on
    /// a GPU) [default: cpu]
    #[arg(long, alias = "device")]
    compute: Option<Compute>,
    #[command(flatten)]
    pub threads: ThreadArgs,
    /// Resume the run in --out; other options may be left out
    #[arg(long, conflicts_with = "overwrite")]
    pub resume: bool,
    /// Replace the earlier result in --out and everything made from it (finetune, baselines, sweep)
    #[arg(long)]
    pub overwrite: bool,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

impl TrainArgs {
    /// The run's folder.
    pub fn folder(&self) -> RunFolder {
        RunFolder::new(&self.out)
    }

    /// The settings of every training.
    pub fn train(&self, r: &mut Resolver<'_, TrainConfig>) -> TrainConfig {
        TrainConfig {
            opt: r.pick("--opt", self.opt, |s| s.opt, Algorithm::Rms),
            base_lr: r.pick("--base-lr", self.base_lr, |s| s.base_lr, 1e-4),
            weight_decay: r.pick("--weight-decay", self.weight_decay, |s| s.weight_decay, 1e-6),
            end_epoch: r.pick("--end-epoch", self.end_epoch, |s| s.end_epoch, 300),
            batch: r.pick("--batch", self.batch, |s| s.batch, 256),
            seed: r.pick("--seed", self.seed, |s| s.seed, 0),
            reference: r.pick("--reference", self.reference.then_some(Reference(true)), |s| s.reference, Reference(false)),
            // Numbers do not depend on it: a run may be resumed elsewhere.
            compute: self.compute.or(r.saved.map(|s| s.compute)).unwrap_or_default(),
        }
    }

    /// The settings of the task. `reads_test` says whether the run depends on the test list.
    ///
    /// # Errors
    /// There is no data folder, or a file in it cannot be read.
    pub fn task(&self, r: &mut Resolver<'_, FaceTask>, reference: Reference, reads_test: bool) -> Result<FaceTask> {
        let data = r.place(self.data.as_deref().map(absolute), |s| Some(s.data.clone())).ok_or(ResolveError::NoData)?;
        let list = r.pick("--list", self.lists.list.clone(), |s| s.list.clone(), DEFAULT_LIST.to_string());
        let list_sha256 = sha256_of_file(&data.join("train_data").join(&list))?;
        r.same("the training list", &list_sha256, |s| s.list_sha256.clone());
        let points_file = r.place(self.lists.points_file.as_deref().map(absolute), |s| s.points_file.clone());
        let points_sha256 = scheme_sha256(&data, points_file.as_deref())?;
        r.same("the landmark scheme (points.toml or --points-file)", &points_sha256, |s| s.points_sha256.clone());
        // Runs of older versions did not record the test list, so that theirs cannot be verified.
        let is_unrecorded = r.saved.is_some_and(|s| s.test_list_sha256.is_none());
        let test_list = data.join("test_data").join(&list);
        let test_list_sha256 = if reads_test && !is_unrecorded { Some(sha256_of_file(&test_list)?) } else { None };
        let text = |sha256: &Option<String>| sha256.clone().unwrap_or_default();
        r.same("the test list (test_data)", &text(&test_list_sha256), |s| text(&s.test_list_sha256));
        let (augment, pose_weight) = if reference.is_off() { ("mild", PoseWeight::Floor) } else { ("none", PoseWeight::Raw) };
        Ok(FaceTask {
            data,
            list,
            list_sha256,
            points_file,
            points_sha256,
            test_list_sha256,
            augment: r.pick("--augment", self.augment.clone(), |s| s.augment.clone(), augment.to_string()),
            loss: r.pick("--loss", self.loss, |s| s.loss, PointLoss::Square),
            pose_weight: r.pick("--pose-weight", self.pose_weight, |s| s.pose_weight, pose_weight),
        })
    }

    /// Where the training begins.
    pub fn start(&self) -> Start {
        if self.resume { Start::Resumed } else { Start::Scratch }
    }

    /// Runs a training to its end. The configuration is written before, if one is given: all but the contents of pictures is checked by
    /// now, and only here does the folder change.
    ///
    /// # Errors
    /// Whatever ends the training.
    pub fn run<P: Phase>(
        &self,
        training: TrainingLoop<P>,
        config: Option<&RunConfig<FaceTask>>,
        started: Instant,
    ) -> Result<P::Outcome> {
        let folder = self.folder();
        let _lock = folder.prepare(P::TRAINING, self.resume)?;
        if let Some(config) = config {
            config.save(&folder.file("config.toml"))?;
        }
        training.phase().describe().iter().for_each(note);
        let command = format!("{} --out {} --resume", P::TRAINING.command(), quoted(&self.out));
        Ok(training.run(&Interrupt::listen(), &command, started)?)
    }
}
