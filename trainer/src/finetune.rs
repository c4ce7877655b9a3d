//! Finetuning: the chosen subnet, trained on from the supernet's weights; and the baseline, trained from scratch by the same steps.

use std::cell::Cell;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use blocks::Weights;
use candle_core::Device;
use faces::augment::Augment;
use faces::data::{Dataset, Loader, LoaderOptions, Split};
use serde::{Deserialize, Serialize};

use crate::architecture::Architecture;
use crate::error::{Error, Result};
use crate::evaluate::{Candle, Evaluation, evaluate_like};
use crate::masks::{Draw, Purpose};
use crate::model::init;
use crate::nets::{BACKBONE, Nets, Objective, POSE};
use crate::optim::cosine;
use crate::parallel;
use crate::pass::{Stopped, Watch, check_finite, hint_steps, open_dataset, pass, progress_bar, say};
use crate::recalibrate::recalibrated;
use crate::run::{
    Checkpoint, CheckpointError, EPOCHS, FileError, FinetuneConfig, Interrupt, Kind, Meta, MetricsLog, Phase, Row, RunFolder,
    Stage, TrainedOn, digest, write_atomically,
};
use crate::search::supernet_weights;

/// What an error is taken on where no faces are held back.
pub const TEST: &str = "test";
/// What it is taken on where some are.
pub const HELD_BACK: &str = "held back";

/// A finetune, ready to run.
pub struct Finetune {
    config: FinetuneConfig,
    digest: String,
    architecture: Architecture,
    points: usize,
    nets: Nets,
    device: Device,
    loader: Loader,
    trained_on: TrainedOn,
    /// Faces that its error is taken on, which it is not trained on, and what they are called.
    judged: (Arc<Dataset>, Vec<usize>, &'static str),
    folder: RunFolder,
    log: MetricsLog,
    epoch: usize,
    best: Option<f64>,
    eval_every: usize,
}

/// How a finetune ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finetuned {
    /// Errors of the last epoch's subnet.
    pub evaluation: Evaluation,
    /// On which faces: `test`, or `held back`.
    pub on: String,
}

impl Finetuned {
    /// Its place in a run's folder.
    pub const FILE: &str = "evaluation.json";

    /// Reads one; none where there is none.
    ///
    /// # Errors
    /// The file is something else.
    pub fn load(path: &Path) -> Result<Option<Self>> {
        if !path.exists() {
            return Ok(None);
        }
        let text = std::fs::read_to_string(path).map_err(FileError::new("cannot read", path))?;
        Ok(Some(serde_json::from_str(&text).map_err(std::io::Error::other).map_err(FileError::new("no evaluation:", path))?))
    }

    fn save(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
        Ok(write_atomically(path, (text + "\n").as_bytes())?)
    }
}

impl Finetune {
    /// Makes everything ready; all input is checked here. With `resume` the folder's last checkpoint is read. `eval_every` epochs
    /// (0: never) the test error is shown; it decides nothing.
    ///
    /// # Errors
    /// Whatever is wrong with checkpoint, data or configuration.
    pub fn new(config: FinetuneConfig, folder: RunFolder, resume: bool, eval_every: usize) -> Result<Self> {
        let device = config.device.device()?;
        check(&config)?;
        let architecture = Architecture::new(&config.space, &config.choice)?;
        let open = |split| open_dataset(&config.data, split, &config.list, config.points_file.as_deref(), architecture.input());
        let train = open(Split::Train)?;
        let points = train.scheme().count;
        let trained_on = TrainedOn { list_sha256: config.list_sha256.clone(), held_back: config.hold_back, seed: config.seed };
        let (faces, held) = trained_on.split(&train)?;
        let held = (config.hold_back > 0.0).then(|| (train.clone(), held, HELD_BACK));
        let count = faces.len();
        let augment = Augment::preset(&config.augment)?;
        let reference = config.reference;
        let options = LoaderOptions {
            drop_last: reference.is_off(),
            share: parallel::share(),
            ..LoaderOptions::train(config.batch, config.seed, augment)
        };
        let loader = Loader::new(train, faces, options)?;
        hint_steps(&loader, count, config.batch);

        let last = folder.checkpoint(Stage::Finetune, "last");
        let resumed = if resume { Some(Checkpoint::load(&last)?) } else { None };
        let (weights, pose_weights) = match (&resumed, &config.supernet) {
            (Some(checkpoint), _) => {
                check_checkpoint(checkpoint, &last, &config, points)?;
                checkpoint.require(&last, architecture.kind(), "a finetune resumes from its own")?;
                (checkpoint.weights(BACKBONE), checkpoint.weights(POSE))
            }
            (None, Some(supernet)) => {
                let checkpoint = Checkpoint::load(supernet)?;
                check_checkpoint(&checkpoint, supernet, &config, points)?;
                starting_weights(&checkpoint, supernet, &config, &architecture, points, loader.dataset())?
            }
            (None, None) => {
                let pose = init::pose_net(&architecture.pose_net(), !config.seed);
                (init::backbone(&architecture.trained(points), config.seed), pose)
            }
        };
        let objective = Objective { points: config.loss, pose: config.pose_weight };
        let (backbone, pose) = ((architecture.trained(points), &weights), (architecture.pose_net(), &pose_weights));
        let mut nets = Nets::new(backbone, pose, objective, (config.opt, config.weight_decay), &device)?;
        let digest = digest(&config)?;
        let (mut epoch, mut best) = (0, None);
        if let Some(checkpoint) = &resumed {
            if checkpoint.meta.config != digest {
                return Err(CheckpointError::Configuration { path: last }.into());
            }
            nets.restore(checkpoint, &last)?;
            (epoch, best) = (checkpoint.meta.epoch, checkpoint.meta.best_nme);
        }
        let judged = match held {
            Some(held) => held,
            None => {
                let test = open(Split::Test)?;
                let all = (0..test.len()).collect();
                (test, all, TEST)
            }
        };
        let mut log = MetricsLog::open(&folder.file("metrics.csv"))?;
        log.retain(|row| !Stage::Finetune.owns(row.phase) || row.epoch <= epoch);
        Ok(Self {
            config,
            digest,
            architecture,
            points,
            nets,
            device,
            loader,
            trained_on,
            judged,
            folder,
            log,
            epoch,
            best,
            eval_every,
        })
    }

    /// Lines for people.
    pub fn describe(&self) -> Vec<String> {
        let graph = self.architecture.deployed(self.points);
        let mut lines = vec![format!(
            "{}: {} parameters, {:.2} MMAC; {} training faces",
            self.architecture,
            graph.parameter_count(),
            graph.macs() as f64 / 1e6,
            self.loader.faces()
        )];
        if !self.config.reference.is_off() && !self.holds_back() {
            lines.push(
                "WARNING: the test list decides which epoch is the best; the best one's test error is no honest figure".to_string(),
            );
        }
        lines
    }

    fn holds_back(&self) -> bool {
        self.config.hold_back > 0.0
    }

    /// Errors of the subnet as it is now, on the test list (or on the faces held back, where some are).
    ///
    /// # Errors
    /// A picture cannot be read.
    pub fn evaluate(&self) -> Result<Finetuned> {
        let (dataset, faces, on) = &self.judged;
        let (graph, reference) = (self.architecture.deployed(self.points), self.config.reference);
        let mut network = Candle::like(reference, graph, &self.nets.backbone().weights()?)?;
        Ok(Finetuned { evaluation: evaluate_like(reference, &mut network, dataset, faces.clone(), |_| {})?, on: on.to_string() })
    }

    /// Trains to the last epoch. How long after `started` the first step begins is told.
    ///
    /// # Errors
    /// [`Error::Interrupted`] where the user stopped it; whatever fails.
    pub fn run(mut self, interrupt: &Interrupt, command: &str, started: Instant) -> Result<Finetuned> {
        let steps = self.loader.batches();
        let bar = progress_bar(steps * self.config.end_epoch, steps * self.epoch);
        self.save_start()?;
        let (device, started) = (self.device.clone(), Cell::new(Some(started)));
        let mut last = None;
        while self.epoch < self.config.end_epoch {
            let watch = Watch { interrupt, progress: &bar, device: &device, started: &started };
            match self.train_epoch(&watch) {
                Ok(result) => last = result,
                Err(Stopped::Failed(error)) => return Err(*error),
                Err(Stopped::Interrupted) => {
                    bar.finish_and_clear();
                    return Err(Error::Interrupted { epoch: self.epoch + 1, command: command.to_string() });
                }
            }
        }
        bar.finish_and_clear();
        let done = last.map_or_else(|| self.evaluate(), Ok)?;
        done.save(&self.folder.file(Finetuned::FILE))?;
        Ok(done)
    }

    fn train_epoch(&mut self, watch: &Watch<'_>) -> std::result::Result<Option<Finetuned>, Stopped> {
        let start = Instant::now();
        let epoch = self.epoch;
        let lr = cosine(self.config.base_lr, epoch, self.config.end_epoch);
        let seed = self.config.seed;
        watch.progress.set_message(format!("epoch {}/{}", epoch + 1, self.config.end_epoch));
        let Self { nets, loader, .. } = self;
        let passed = pass(loader, epoch, watch, |step, faces| {
            let draw = Draw { seed, purpose: Purpose::WeightDropout, epoch: epoch as u64, step };
            let loss = nets.training_loss(faces, None, draw.seed())?;
            nets.step(&loss, lr)?;
            Ok(loss)
        })?;
        let mut checkpoint = self.state()?;
        check_finite(&checkpoint, epoch + 1, |_| "--base-lr", &self.folder.checkpoint(Stage::Finetune, "last"))?;
        self.epoch += 1;
        let shown = self.eval_every > 0 && self.epoch.is_multiple_of(self.eval_every);
        // Without faces held back the test list decides nothing, unless the reference's ways are asked for.
        let judged = self.holds_back() || !self.config.reference.is_off();
        let wanted = judged || shown || self.epoch == self.config.end_epoch;
        let result = if wanted { Some(self.evaluate()?) } else { None };
        let nme = result.as_ref().map(|r| 100.0 * r.evaluation.nme);
        let judged_nme = nme.filter(|_| judged);
        let is_best = judged_nme.is_some_and(|nme| nme.is_finite() && self.best.is_none_or(|best| nme < best));
        if is_best {
            self.best = judged_nme;
        }
        let row = Row {
            phase: Phase::Finetune,
            epoch: self.epoch,
            train_loss: passed.loss,
            arch_loss: None,
            val_loss: result.as_ref().map(|r| r.evaluation.loss),
            val_nme: nme,
            lr,
            temperature: None,
            expected_cost: None,
            chosen_cost: None,
            images_per_s: passed.faces as f64 / passed.seconds,
            loader_wait_s: passed.waited,
            seconds: start.elapsed().as_secs_f64(),
        };
        let found = result.as_ref().map_or(String::new(), |r| format!("  NME {:.2} % ({})", 100.0 * r.evaluation.nme, r.on));
        let line = format!(
            "epoch {:3}/{}  loss {:.5}{found}  lr {lr:.2e}  {:.0} images/s  {:.0} s",
            self.epoch, self.config.end_epoch, row.train_loss, row.images_per_s, row.seconds
        );
        say(watch.progress, &line);
        self.log.push(row)?;
        checkpoint.meta = self.meta(judged_nme);
        if is_best {
            checkpoint.save(&self.folder.checkpoint(Stage::Finetune, "best"))?;
        }
        if let Some(number) = self.config.reference.kept(self.epoch) {
            checkpoint.save(&self.folder.checkpoint(Stage::Finetune, number))?;
        }
        checkpoint.save(&self.folder.checkpoint(Stage::Finetune, "last"))?;
        Ok(result)
    }

    /// A checkpoint before the first epoch, so that a run can be resumed whenever it is cut off.
    fn save_start(&self) -> Result<()> {
        if self.epoch == 0 {
            let mut checkpoint = self.state()?;
            checkpoint.meta = self.meta(None);
            checkpoint.save(&self.folder.checkpoint(Stage::Finetune, "last"))?;
        }
        Ok(())
    }

    /// What a checkpoint says of itself.
    fn meta(&self, nme: Option<f64>) -> Meta {
        Meta {
            kind: self.architecture.kind(),
            space: self.config.space.clone(),
            space_hash: self.architecture.space_hash(),
            points: self.points,
            choice: Some(self.config.choice.clone()),
            epoch: self.epoch,
            seed: self.config.seed,
            config: self.digest.clone(),
            nme,
            best_nme: self.best,
            trained_on: Some(self.trained_on.clone()),
            ..Meta::blank()
        }
    }

    /// A checkpoint's tensors.
    fn state(&self) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint::new(Meta::blank());
        self.nets.save(&mut checkpoint)?;
        Ok(checkpoint)
    }
}

/// Values that no training could start with.
///
/// # Errors
/// The first of them.
pub fn check(config: &FinetuneConfig) -> Result<()> {
    if !(config.base_lr.is_finite() && config.base_lr > 0.0) {
        return Err(Error::Usage(format!("--base-lr must be above 0, not {}", config.base_lr)));
    }
    if !(config.weight_decay.is_finite() && config.weight_decay >= 0.0) {
        return Err(Error::Usage(format!("--weight-decay must not be negative, not {}", config.weight_decay)));
    }
    if !(0.0..1.0).contains(&config.hold_back) {
        return Err(Error::Usage(format!("--hold-back is a part of the list, at least 0 and below 1, not {}", config.hold_back)));
    }
    if !(1..=EPOCHS).contains(&config.end_epoch) || config.batch == 0 {
        return Err(Error::Usage(format!("--end-epoch must be a number from 1 to {EPOCHS}, and --batch at least 1")));
    }
    parallel::check_batch(config.batch)?;
    Ok(())
}

/// Refuses a checkpoint of another space or of another number of points.
fn check_checkpoint(checkpoint: &Checkpoint, path: &Path, config: &FinetuneConfig, points: usize) -> Result<()> {
    if checkpoint.meta.kind != Kind::Baseline {
        checkpoint.space(path, Some(&config.space))?;
    }
    if checkpoint.meta.points != points {
        return Err(Error::Usage(format!(
            "{} was trained for {} points, the list {} has {points}; give the list of its points (--list)",
            path.display(),
            checkpoint.meta.points,
            config.list
        )));
    }
    Ok(())
}

/// Weights of the network and of the pose net that a finetune starts from: a subnet's checkpoint as it is (an imported one), or a
/// supernet's, with running statistics of the subnet's own. As the reference does it, those stay and the pose net is a new one.
fn starting_weights(
    checkpoint: &Checkpoint,
    path: &Path,
    config: &FinetuneConfig,
    architecture: &Architecture,
    points: usize,
    train: &Arc<Dataset>,
) -> Result<(Weights, Weights)> {
    let weights = if checkpoint.meta.kind == Kind::Subnet {
        checkpoint.weights(BACKBONE)
    } else {
        checkpoint.require(path, Kind::Supernet, "finetune starts from a supernet's (RUN/supernet/checkpoint_last.safetensors)")?;
        let graph = architecture.deployed(points);
        let weights = architecture.from_supernet(&graph, &supernet_weights(checkpoint))?;
        match config.reference.is_off() {
            true => recalibrated(&graph, &weights, train, TrainedOn::share(checkpoint.meta.trained_on.as_ref(), train)?)?,
            false => weights,
        }
    };
    let pose = match config.reference.is_off() {
        true => checkpoint.weights(POSE),
        false => init::pose_net(&architecture.pose_net(), !config.seed),
    };
    Ok((weights, pose))
}
