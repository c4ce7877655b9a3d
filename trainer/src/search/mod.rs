//! The search: a supernet's weights and its architecture, trained in turn.

mod absent;
mod arch_file;
mod choice;
mod cost;
mod input;
mod provenance;

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use blocks::Space;
use candle_core::{Device, Tensor};
use faces::augment::Augment;
use faces::data::{Dataset, Loader, LoaderOptions, Split};
use indicatif::ProgressBar;

pub use arch_file::{ArchFile, CandidateChance, LayerChoice, Piece, TablePrediction};
pub use choice::best_within;
pub use cost::{Combine, CostError, CostTensors, Costs, Predicted, primitives};
pub use input::examine;
use input::{Input, trained_on, unreachable_target};
pub use provenance::Provenance;

use crate::error::{Error, Result};
use crate::evaluate::{Candle, Evaluation, evaluate_like};
use crate::loss::LatencyTerm;
use crate::masks::{ArchWeights, Draw, Purpose};
use crate::model::init;
use crate::nets::{BACKBONE, Nets, Objective};
use crate::optim::{self, AdamW, Optimizer, cosine};
use crate::parallel;
use crate::pass::{Passed, Stopped, Watch, check_finite, hint_steps, open_dataset, pass, progress_bar, say};
use crate::recalibrate::recalibrated;
use crate::run::{
    ArchData, Checkpoint, CheckpointError, Interrupt, Kind, LatencyScope, Meta, MetricsLog, Phase, Row, RunFolder, SearchConfig,
    Stage, TrainedOn, digest,
};
use crate::space::subnet_weights;

/// Decoupled weight decay of the architecture's weights.
const ARCH_WEIGHT_DECAY: f64 = 5e-4;
/// Part of the training list that the architecture is trained on.
pub const ARCH_FRACTION: f64 = 0.2;
/// The name under which a checkpoint holds the architecture's weights.
pub const PATH_ALPHA: &str = "path_alpha";

/// Where a search begins.
#[derive(Clone, Debug, PartialEq)]
pub enum Start {
    /// With fresh weights.
    Scratch,
    /// With its folder's last checkpoint.
    Resumed,
    /// With the checkpoint that another search left at the end of the same warm-up; only what comes after it may differ.
    WarmUp(PathBuf),
}

/// The checkpoint that a search leaves at the end of its warm-up.
pub const WARM_UP: &str = "warmup";

/// A search, ready to run.
pub struct Search {
    config: SearchConfig,
    digest: String,
    space: Space,
    points: usize,
    costs: Costs,
    cost_tensors: CostTensors,
    term: LatencyTerm,
    nets: Nets,
    arch: ArchWeights,
    device: Device,
    arch_optimizer: AdamW,
    weight_loader: Loader,
    trained_on: TrainedOn,
    arch_loader: Loader,
    validation: (Arc<Dataset>, Vec<usize>),
    folder: RunFolder,
    log: MetricsLog,
    epoch: usize,
    best: Option<f64>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found {
    /// The choice and its costs.
    pub arch: ArchFile,
    /// Validation of the chosen subnet with the supernet's weights.
    pub validation: Option<Evaluation>,
}

impl Search {
    /// Makes everything ready; all input is checked here, before any training.
    ///
    /// # Errors
    /// Whatever is wrong with table, data, configuration or checkpoint.
    pub fn new(config: SearchConfig, folder: RunFolder, start: &Start, allow_emulated: bool) -> Result<Self> {
        let device = config.device.device()?;
        let Input { space, pose_graph, train, costs, term } = Input::load(&config, allow_emulated)?;
        let points = train.scheme().count;
        let augment = Augment::preset(&config.augment)?;
        let trained_on = trained_on(&config);
        let (weight_faces, held) = trained_on.split(&train)?;
        let (arch_set, arch_faces) = match config.arch_data {
            ArchData::Split => (train.clone(), held),
            ArchData::Test => {
                let points_file = config.points_file.as_deref();
                let test = open_dataset(&config.data, Split::Test, &config.list, points_file, space.input())?;
                let faces = (0..test.len()).collect();
                (test, faces)
            }
        };
        let count = weight_faces.len();
        let reference = config.reference;
        // The reference keeps an incomplete last batch, and takes the architecture's faces in the list's order.
        let options = LoaderOptions {
            drop_last: reference.is_off(),
            share: parallel::share(),
            ..LoaderOptions::train(config.batch, config.seed, augment)
        };
        let weight_loader = Loader::new(train, weight_faces, options.clone())?;
        let arch_loader = Loader::new(
            arch_set.clone(),
            arch_faces.clone(),
            LoaderOptions { seed: !config.seed, shuffle: reference.is_off(), ..options },
        )?;
        hint_steps(&weight_loader, count, config.batch);

        let supernet = space.supernet(points);
        let weights = init::backbone(&supernet, config.seed);
        let pose_weights = init::pose_net(&pose_graph, !config.seed);
        let objective = Objective { points: config.loss, pose: config.pose_weight };
        let how = (config.opt, config.weight_decay);
        let nets = Nets::new((supernet, &weights), (pose_graph, &pose_weights), objective, how, &device)?;
        let candidates: Vec<usize> = space.layers().iter().map(|l| l.primitives.len()).collect();
        let arch = ArchWeights::new(&candidates, &device)?;
        let log = MetricsLog::open(&folder.file("metrics.csv"))?;
        let mut search = Self {
            digest: digest(&config)?,
            cost_tensors: costs.tensors(&device)?,
            arch_optimizer: AdamW::new(arch.path_alpha().elem_count(), ARCH_WEIGHT_DECAY),
            validation: (arch_set, arch_faces),
            config,
            space,
            points,
            costs,
            term,
            nets,
            arch,
            device,
            weight_loader,
            trained_on,
            arch_loader,
            folder,
            log,
            epoch: 0,
            best: None,
        };
        match start {
            Start::Scratch => {}
            Start::Resumed => search.restore(&search.folder.checkpoint(Stage::Search, "last"))?,
            Start::WarmUp(path) => search.branch(path)?,
        }
        let done = search.epoch;
        let resumed = *start == Start::Resumed;
        search.log.retain(|row| resumed && Stage::Search.owns(row.phase) && row.epoch <= done);
        Ok(search)
    }

    /// Lines for people: what is searched, with what.
    pub fn describe(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "search space {} ({} layers, {} candidates), {} points; weights on {} faces, architecture on {}",
            self.space,
            self.space.layers().len(),
            self.space.candidates().count(),
            self.points,
            self.weight_loader.faces(),
            self.arch_loader.faces(),
        )];
        for table in self.costs.provenances() {
            lines.push(table.line());
            lines.extend(table.warnings());
            lines.extend(table.scaled.iter().map(|s| format!("note: {s}")));
        }
        match self.costs.provenances().count() {
            0 => lines.push("cost: multiply-adds, no table".to_string()),
            1 => {}
            n => lines
                .push(format!("cost: the {} of {n} tables", if self.costs.combine() == Combine::Max { "largest" } else { "mean" })),
        }
        if let Some(target) = self.term.target {
            let of = if self.config.latency_scope == LatencyScope::Whole { "network" } else { "searched layers" };
            lines.push(format!("target: at most {target} {} for the {of}", self.costs.unit));
        }
        if self.term.is_off() {
            lines.push("the latency term is off".to_string());
        }
        if self.config.arch_data == ArchData::Test {
            lines.push(
                "WARNING: the architecture is trained on the test list; its test error is no honest figure any more".to_string(),
            );
        }
        lines
    }

    /// Trains to the last epoch. How long after `started` the first step begins is told.
    ///
    /// # Errors
    /// [`Error::Interrupted`] where the user stopped it; whatever fails.
    pub fn run(mut self, interrupt: &Interrupt, command: &str, started: Instant) -> Result<Found> {
        let (weight_steps, arch_steps) = (self.weight_loader.batches(), self.arch_loader.batches());
        let steps = |epochs: usize| epochs * weight_steps + epochs.saturating_sub(self.config.start_epoch) * arch_steps;
        let bar = progress_bar(steps(self.config.end_epoch), steps(self.epoch));
        self.save_start()?;
        let (device, started) = (self.device.clone(), Cell::new(Some(started)));
        let mut validation = None;
        while self.epoch < self.config.end_epoch {
            let watch = Watch { interrupt, progress: &bar, device: &device, started: &started };
            match self.train_epoch(&watch) {
                Ok(result) => validation = Some(result),
                Err(Stopped::Failed(error)) => return Err(*error),
                Err(Stopped::Interrupted) => {
                    bar.finish_and_clear();
                    return Err(Error::Interrupted { epoch: self.epoch + 1, command: command.to_string() });
                }
            }
        }
        bar.finish_and_clear();
        let arch = self.arch_file()?;
        arch.save(&self.folder.file("arch.json"))?;
        Ok(Found { arch, validation })
    }

    fn temperature(&self, epoch: usize) -> f64 {
        self.config.tau * (-self.config.tau_decay * epoch.saturating_sub(self.config.start_epoch) as f64).exp()
    }

    fn train_epoch(&mut self, watch: &Watch<'_>) -> std::result::Result<Evaluation, Stopped> {
        let start = Instant::now();
        let epoch = self.epoch;
        let warm_up = epoch < self.config.start_epoch;
        let lr = cosine(self.config.base_lr, epoch, self.config.end_epoch);
        let temperature = self.temperature(epoch);
        watch.progress.set_message(format!("epoch {}/{}", epoch + 1, self.config.end_epoch));
        let weights = self.weight_pass(watch, lr, temperature)?;
        let arch = if warm_up { None } else { Some(self.arch_pass(watch, temperature)?) };
        let mut checkpoint = self.state()?;
        let flag = |tensor: &str| if tensor.contains(PATH_ALPHA) { "--theta-lr" } else { "--base-lr" };
        check_finite(&checkpoint, epoch + 1, flag, &self.folder.checkpoint(Stage::Search, "last"))?;
        let validation = self.validate()?;
        let nme = 100.0 * validation.nme;
        self.epoch += 1;
        let is_best = !warm_up && nme.is_finite() && self.best.is_none_or(|best| nme < best);
        if is_best {
            self.best = Some(nme);
        }
        let probabilities = self.arch.probabilities()?;
        let row = Row {
            phase: if warm_up { Phase::Warmup } else { Phase::Search },
            epoch: self.epoch,
            train_loss: weights.loss,
            arch_loss: arch.map(|a| a.loss),
            val_loss: Some(validation.loss),
            val_nme: Some(nme),
            lr,
            temperature: Some(temperature),
            expected_cost: Some(self.costs.expected(&probabilities)),
            chosen_cost: Some(self.costs.steered(&self.chosen()?)),
            images_per_s: weights.faces as f64 / weights.seconds,
            loader_wait_s: weights.waited + arch.map_or(0.0, |a| a.waited),
            seconds: start.elapsed().as_secs_f64(),
        };
        self.report(&row, watch.progress);
        self.log.push(row)?;
        checkpoint.meta = self.meta(Some(nme))?;
        if is_best {
            checkpoint.save(&self.folder.checkpoint(Stage::Search, "best"))?;
        }
        if let Some(number) = self.config.reference.kept(self.epoch) {
            checkpoint.save(&self.folder.checkpoint(Stage::Search, number))?;
        }
        if self.epoch == self.config.start_epoch {
            checkpoint.save(&self.folder.checkpoint(Stage::Search, WARM_UP))?;
        }
        checkpoint.save(&self.folder.checkpoint(Stage::Search, "last"))?;
        Ok(validation)
    }

    fn report(&self, row: &Row, bar: &ProgressBar) {
        let unit = self.costs.unit;
        let cost = |c: Option<f64>| c.map_or(String::new(), |c| if unit == "µs" { format!("{c:.0}") } else { format!("{c:.3e}") });
        let line = format!(
            "epoch {:3}/{} {:7?}  loss {:.4}  chosen subnet: NME {:5.2} %, {} {unit} (expected {})  τ {:.2}  {:.0} images/s  {:.0} s",
            row.epoch,
            self.config.end_epoch,
            row.phase,
            row.train_loss,
            row.val_nme.unwrap_or(f64::NAN),
            cost(row.chosen_cost),
            cost(row.expected_cost),
            row.temperature.unwrap_or(f64::NAN),
            row.images_per_s,
            row.seconds
        );
        say(bar, &line);
    }

    /// The candidates that would be chosen now, an index a layer: the most probable network, that meets the target if there is one.
    fn chosen(&self) -> Result<Vec<usize>> {
        let chosen = self.costs.best(&self.arch.values()?, self.term.target);
        chosen.ok_or_else(|| unreachable_target(&self.config, &self.costs).into())
    }

    fn weight_pass(&mut self, watch: &Watch<'_>, lr: f64, temperature: f64) -> std::result::Result<Passed, Stopped> {
        let draw = self.draws();
        // The architecture is a constant here.
        let costs = self.cost_tensors.clone();
        let Self { nets, arch, term, weight_loader, epoch, .. } = self;
        pass(weight_loader, *epoch, watch, |step, faces| {
            let masks = arch.masks(&arch.noise(draw(Purpose::WeightMasks, step))?, temperature)?.detach();
            let cost = expected_cost(arch, draw(Purpose::WeightLatency, step), temperature, &costs)?.detach();
            let loss = nets.training_loss(faces, Some(&masks), draw(Purpose::WeightDropout, step).seed())?;
            let loss = term.apply(&loss, &cost)?;
            nets.step(&loss, lr)?;
            Ok(loss)
        })
    }

    fn arch_pass(&mut self, watch: &Watch<'_>, temperature: f64) -> std::result::Result<Passed, Stopped> {
        let draw = self.draws();
        let costs = self.cost_tensors.clone();
        let Self { nets, arch, arch_optimizer, term, arch_loader, epoch, config, .. } = self;
        let mode = config.reference.arch_mode();
        pass(arch_loader, *epoch, watch, |step, faces| {
            let masks = arch.masks(&arch.noise(draw(Purpose::ArchMasks, step))?, temperature)?;
            let cost = expected_cost(arch, draw(Purpose::ArchLatency, step), temperature, &costs)?;
            let loss = nets.architecture_loss(faces, &masks, mode, draw(Purpose::ArchDropout, step).seed())?;
            let loss = term.apply(&loss, &cost)?;
            let gradients = loss.backward()?;
            if let Some(gradient) = gradients.get(arch.path_alpha()) {
                optim::step(arch_optimizer, arch.path_alpha(), gradient, config.theta_lr)?;
            }
            Ok(loss)
        })
    }

    /// The addresses of this epoch's draws.
    fn draws(&self) -> impl Fn(Purpose, u64) -> Draw + use<> {
        let (seed, epoch) = (self.config.seed, self.epoch as u64);
        move |purpose, step| Draw { seed, purpose, epoch, step }
    }

    /// The subnet that would be chosen now, with the supernet's weights and statistics of its own, on the faces that the weights do not
    /// see.
    fn validate(&self) -> Result<Evaluation> {
        let choice = primitives(&self.space, &self.chosen()?);
        let graph = self.space.deployed(&choice, self.points);
        let weights = subnet_weights(&self.space, &choice, &graph, &self.nets.backbone().weights()?)?;
        let (dataset, faces) = &self.validation;
        let reference = self.config.reference;
        let weights = if reference.is_off() {
            let train = self.weight_loader.dataset();
            recalibrated(&graph, &weights, train, self.trained_on.split(train)?.0)?
        } else {
            weights
        };
        let mut network = Candle::like(reference, graph, &weights)?;
        evaluate_like(reference, &mut network, dataset, faces.clone(), |_| {})
    }

    fn arch_file(&self) -> Result<ArchFile> {
        let (weights, probabilities) = (self.arch.values()?, self.arch.probabilities()?);
        let chosen = self.chosen()?;
        let arch = ArchFile::new(&self.space, self.points, self.epoch, &chosen, &weights, &probabilities, &self.costs);
        Ok(ArchFile { target: self.term.target, ..arch })
    }

    /// A checkpoint before the first epoch, so that a run can be resumed whenever it is cut off.
    fn save_start(&self) -> Result<()> {
        let last = self.folder.checkpoint(Stage::Search, "last");
        if !last.exists() {
            let mut checkpoint = self.state()?;
            checkpoint.meta = self.meta(None)?;
            checkpoint.save(&last)?;
        }
        Ok(())
    }

    /// What a checkpoint says of itself.
    fn meta(&self, nme: Option<f64>) -> Result<Meta> {
        Ok(Meta {
            kind: Kind::Supernet,
            space: self.config.space.clone(),
            space_hash: self.space.hash(),
            points: self.points,
            // Without one the most probable candidates are meant.
            choice: match self.term.target {
                Some(_) => Some(primitives(&self.space, &self.chosen()?).iter().map(ToString::to_string).collect()),
                None => None,
            },
            epoch: self.epoch,
            seed: self.config.seed,
            temperature: Some(self.temperature(self.epoch)),
            config: self.digest.clone(),
            nme,
            best_nme: self.best,
            trained_on: Some(self.trained_on.clone()),
            ..Meta::blank()
        })
    }

    /// A checkpoint's tensors.
    fn state(&self) -> Result<Checkpoint> {
        let mut checkpoint = Checkpoint::new(Meta::blank());
        self.nets.save(&mut checkpoint)?;
        let alpha = self.arch.path_alpha();
        checkpoint.insert(PATH_ALPHA, alpha.dims(), alpha.flatten_all()?.to_vec1()?);
        for (part, values) in self.arch_optimizer.state() {
            checkpoint.insert(format!("optimizer.{PATH_ALPHA}.{part}"), &[values.len()], values);
        }
        Ok(checkpoint)
    }

    fn restore(&mut self, path: &Path) -> Result<()> {
        let checkpoint = Checkpoint::load(path)?;
        checkpoint.require(path, Kind::Supernet, "a search resumes from a supernet's")?;
        if checkpoint.meta.config != self.digest {
            return Err(CheckpointError::Configuration { path: path.to_owned() }.into());
        }
        self.take(&checkpoint, path)
    }

    /// Begins where another search's warm-up ended. What may differ is what the weights of a warm-up do not depend on: the latency
    /// term, which then only scales the loss, and what steers the architecture.
    fn branch(&mut self, path: &Path) -> Result<()> {
        let checkpoint = Checkpoint::load(path)?;
        checkpoint.require(path, Kind::Supernet, "a warm-up's is a supernet's")?;
        if (checkpoint.meta.epoch, checkpoint.meta.seed) != (self.config.start_epoch, self.config.seed) {
            return Err(CheckpointError::Configuration { path: path.to_owned() }.into());
        }
        self.take(&checkpoint, path)
    }

    fn take(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<()> {
        checkpoint.space(path, Some(&self.config.space))?;
        let meta = &checkpoint.meta;
        if meta.points != self.points {
            return Err(CheckpointError::Configuration { path: path.to_owned() }.into());
        }
        self.nets.restore(checkpoint, path)?;
        let alpha = self.arch.path_alpha();
        let values = checkpoint.tensor(path, PATH_ALPHA, alpha.elem_count())?;
        alpha.set(&Tensor::from_slice(values, alpha.shape(), alpha.device())?)?;
        let part = |part: &str| checkpoint.get(&format!("optimizer.{PATH_ALPHA}.{part}")).map(<[f32]>::to_vec);
        if !self.arch_optimizer.restore(&part) {
            return Err(CheckpointError::Tensor { path: path.to_owned(), name: format!("optimizer.{PATH_ALPHA}.*") }.into());
        }
        (self.epoch, self.best) = (meta.epoch, meta.best_nme);
        Ok(())
    }
}

/// Σ mask · cost, with a noise of its own.
fn expected_cost(arch: &ArchWeights, draw: Draw, temperature: f64, costs: &CostTensors) -> Result<Tensor> {
    Ok(costs.expected(&arch.masks(&arch.noise(draw)?, temperature)?)?)
}

/// The choice of a supernet's checkpoint: the one written in it (imported ones and searches to a target have that), else the most probable candidate of
/// each layer.
///
/// # Errors
/// It holds no architecture weights of this space.
pub fn chosen(checkpoint: &Checkpoint, path: &Path, space: &Space) -> std::result::Result<Vec<blocks::Primitive>, CheckpointError> {
    if checkpoint.meta.choice.is_some() {
        return checkpoint.choice(path, space);
    }
    let width = space.layers().iter().map(|l| l.primitives.len()).max().unwrap_or(0);
    let values = checkpoint.tensor(path, PATH_ALPHA, width * space.layers().len())?;
    let largest = |(row, n): (&[f32], usize)| (1..n).fold(0, |best, k| if row[k] > row[best] { k } else { best });
    let rows = values.chunks(width).zip(space.layers().iter().map(|l| l.primitives.len()));
    Ok(primitives(space, &rows.map(largest).collect::<Vec<_>>()))
}

/// The supernet's weights in a checkpoint.
pub fn supernet_weights(checkpoint: &Checkpoint) -> blocks::Weights {
    checkpoint.weights(BACKBONE)
}
