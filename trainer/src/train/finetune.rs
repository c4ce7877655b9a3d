//! The finetune: the weights of one network. A chosen subnet starts from the supernet's weights, the baseline from scratch.

use std::path::Path;

use blocks::Weights;
use files::FileError;
use serde::{Deserialize, Serialize};

use super::config::{FinetuneConfig, TrainConfig, trained_on};
use super::error::TrainError;
use super::pass::{Passed, Stopped, Watch, hint_steps, pass};
use super::phase::{Figures, Judged, Phase, check_fits};
use crate::model::{Architecture, Draw, Purpose, init};
use crate::run::{
    BACKBONE, Checkpoint, EpochKind, Interrupt, Kind, Meta, POSE, RunFolder, TrainedOn, Training, read_json, write_atomically,
};
use crate::task::{Data, Draws, Loader, Nets, Networks, Part, Split, Task};

/// What an error is taken on if no examples are held back.
pub const TEST: &str = "test";
/// What it is taken on if some are.
pub const HELD_BACK: &str = "held back";

/// A finetune, as a phase of a run.
pub struct Finetune<T: Task> {
    config: FinetuneConfig<T>,
    architecture: Architecture,
    points: usize,
    nets: T::Nets,
    loader: T::Loader,
    trained_on: TrainedOn,
    /// The examples that its error is taken on, which it is not trained on.
    judged: (T::Data, Vec<usize>),
    eval_every: usize,
}

/// How a finetune ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finetuned<S> {
    /// Errors of the last epoch's network.
    pub evaluation: S,
    /// On which examples: `test`, or `held back`.
    pub on: String,
}

impl<S: Serialize + for<'a> Deserialize<'a>> Finetuned<S> {
    /// Its place in a run's folder.
    pub const FILE: &str = "evaluation.json";

    /// Reads one; none if there is no such file.
    ///
    /// # Errors
    /// The file is something else.
    pub fn load(path: &Path) -> Result<Option<Self>, FileError> {
        if path.exists() { read_json(path, "no evaluation:").map(Some) } else { Ok(None) }
    }

    fn save(&self, path: &Path) -> Result<(), FileError> {
        let text = serde_json::to_string(self).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
        write_atomically(path, (text + "\n").as_bytes())
    }
}

/// The examples that a finetune's error is of.
pub fn judged_on<T: Task>(config: &FinetuneConfig<T>) -> &'static str {
    if config.hold_back > 0.0 { HELD_BACK } else { TEST }
}

impl<T: Task> Finetune<T> {
    /// Makes everything ready. All input is checked here. A `resumed` one gets its weights from its own checkpoint. Each `eval_every`
    /// epochs (0: never) the test error is shown; nothing depends on it.
    ///
    /// # Errors
    /// Whatever is wrong with the supernet's checkpoint, data or configuration.
    pub fn new(config: FinetuneConfig<T>, resumed: bool, eval_every: usize) -> Result<Self, TrainError> {
        let backend = config.train.compute.backend()?;
        config.check()?;
        let architecture = Architecture::new(&config.space, &config.choice)?;
        let train = config.task.open(Split::Train, architecture.input())?;
        let points = train.points();
        let trained_on = trained_on(&config.task, config.hold_back, config.split_seed.unwrap_or(config.train.seed));
        let (which, held) = train.split(&trained_on)?;
        let trained_on = trained_on.holding(&held);
        let TrainConfig { batch, seed, reference, compute, .. } = config.train;
        let count = which.len();
        let draws = Draws { batch, seed, shuffle: true, drop_last: reference.is_off(), threads: compute.loader_threads() };
        let loader = config.task.loader(&train, which, draws)?;
        hint_steps::<T>(&loader, count, batch);

        let begin = Beginning { config: &config, architecture: &architecture, points, train: &train };
        let (weights, head_weights) = match &config.supernet {
            Some(supernet) if !resumed => begin.with_supernet(supernet)?,
            _ => begin.with_fresh_weights(),
        };
        let networks = Networks {
            backbone: (architecture.trained(points), &weights),
            head: (architecture.pose_net(), &head_weights),
            algorithm: config.train.opt,
            weight_decay: config.train.weight_decay,
            backend,
        };
        let nets = config.task.nets(networks)?;
        let judged = if config.hold_back > 0.0 {
            (train, held)
        } else {
            let test = config.task.open(Split::Test, architecture.input())?;
            let all = (0..test.count()).collect();
            (test, all)
        };
        Ok(Self { config, architecture, points, nets, loader, trained_on, judged, eval_every })
    }

    fn holds_back(&self) -> bool {
        self.config.hold_back > 0.0
    }

    /// Errors of the network as it is now, on the examples held back, or on the test list if none are.
    ///
    /// # Errors
    /// An example cannot be read.
    pub fn evaluate(&self) -> Result<Finetuned<T::Scores>, TrainError> {
        let (data, which) = &self.judged;
        let (graph, reference) = (self.architecture.deployed(self.points), self.config.train.reference);
        let weights = self.nets.backbone().weights()?;
        let evaluation = self.config.task.evaluate(reference, graph, &weights, data, which)?;
        Ok(Finetuned { evaluation, on: judged_on(&self.config).to_string() })
    }
}

impl<T: Task> Phase for Finetune<T> {
    type Task = T;
    type Outcome = Finetuned<T::Scores>;
    const TRAINING: Training = Training::Finetune;

    fn settings(&self) -> &TrainConfig {
        &self.config.train
    }

    fn describe(&self) -> Vec<String> {
        let graph = self.architecture.deployed(self.points);
        let mut lines = vec![format!(
            "{}: {} parameters, {:.2} MMAC; {} training {}",
            self.architecture,
            graph.parameter_count(),
            graph.macs() as f64 / 1e6,
            self.loader.examples(),
            T::EXAMPLES
        )];
        if !self.config.train.reference.is_off() && !self.holds_back() {
            lines.push("WARNING: the best epoch is chosen on the test list, so the test error of that epoch is biased".to_string());
        }
        lines
    }

    fn steps(&self, epochs: usize) -> usize {
        epochs * self.loader.batches()
    }

    fn train(&mut self, epoch: usize, learning_rate: f64, watch: &Watch<'_>) -> Result<(Passed, Option<Passed>), Stopped> {
        let seed = self.config.train.seed;
        let Self { nets, loader, .. } = self;
        let passed = pass(loader, epoch, watch, |step, batch| {
            let draw = Draw { seed, purpose: Purpose::WeightDropout, epoch: epoch as u64, step };
            let loss = nets.training_loss(batch, Part::Whole, draw.seed())?;
            nets.step(&loss, Part::Whole, learning_rate)?;
            Ok(loss)
        })?;
        Ok((passed, None))
    }

    fn figures(&self, _epoch: usize) -> Result<Figures, TrainError> {
        let kind = EpochKind::Finetune;
        Ok(Figures { kind, temperature: None, expected_cost: None, chosen_cost: None, line: String::new() })
    }

    fn judge(&self, epochs: usize) -> Result<Option<Judged<T>>, TrainError> {
        let is_shown = self.eval_every > 0 && epochs.is_multiple_of(self.eval_every);
        // If no examples are held back, nothing may depend on the test list, unless the reference's ways are asked for.
        let counts = self.holds_back() || !self.config.train.reference.is_off();
        if !counts && !is_shown && epochs != self.config.train.end_epoch {
            return Ok(None);
        }
        let scores = self.evaluate()?.evaluation;
        Ok(Some(Judged { scores, on: judged_on(&self.config), is_recorded: counts, can_be_best: counts }))
    }

    fn state(&self) -> Result<Checkpoint, TrainError> {
        let mut checkpoint = Checkpoint::new(Meta::blank());
        self.nets.save(&mut checkpoint)?;
        Ok(checkpoint)
    }

    fn meta(&self, _epochs: usize) -> Result<Meta, TrainError> {
        Ok(Meta {
            kind: self.architecture.kind(),
            space: self.config.space.clone(),
            space_hash: self.architecture.space_hash(),
            points: self.points,
            choice: Some(self.config.choice.clone()),
            trained_on: Some(self.trained_on.clone()),
            ..Meta::blank()
        })
    }

    fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<(), TrainError> {
        Ok(self.nets.restore(checkpoint, path)?)
    }

    fn finish(
        &self,
        _epochs: usize,
        last: Option<Judged<T>>,
        folder: &RunFolder,
        _interrupt: &Interrupt,
    ) -> Result<Self::Outcome, Stopped> {
        let done = match last {
            Some(judged) => Finetuned { evaluation: judged.scores, on: judged.on.to_string() },
            None => self.evaluate()?,
        };
        done.save(&folder.file(Finetuned::<T::Scores>::FILE))?;
        Ok(done)
    }
}

/// The weights, of the network and of its head, that a finetune begins with.
struct Beginning<'a, T: Task> {
    config: &'a FinetuneConfig<T>,
    architecture: &'a Architecture,
    points: usize,
    train: &'a T::Data,
}

impl<T: Task> Beginning<'_, T> {
    fn with_fresh_weights(&self) -> (Weights, Weights) {
        let seed = self.config.train.seed;
        (init::backbone(&self.architecture.trained(self.points), seed), self.fresh_head())
    }

    fn fresh_head(&self) -> Weights {
        init::pose_net(&self.architecture.pose_net(), !self.config.train.seed)
    }

    /// Those of a checkpoint: a subnet's as they are (an imported one's), or a supernet's with running statistics of the subnet's own.
    /// The reference keeps the supernet's statistics, and takes a new head.
    fn with_supernet(&self, path: &Path) -> Result<(Weights, Weights), TrainError> {
        let checkpoint = Checkpoint::load(path)?;
        let own = Meta { space: self.config.space.clone(), points: self.points, ..Meta::blank() };
        check_fits(&checkpoint, path, &own)?;
        let is_off = self.config.train.reference.is_off();
        let weights = if checkpoint.meta.kind == Kind::Subnet {
            checkpoint.weights(BACKBONE)
        } else {
            checkpoint.require(
                path,
                Kind::Supernet,
                "finetune starts from a supernet's (RUN/supernet/checkpoint_last.safetensors)",
            )?;
            let graph = self.architecture.deployed(self.points);
            let weights = self.architecture.from_supernet(&graph, &checkpoint.weights(BACKBONE))?;
            match is_off {
                true => {
                    let which = self.train.trained_on(checkpoint.meta.trained_on.as_ref())?;
                    self.config.task.recalibrated(&graph, &weights, self.train, which)?
                }
                false => weights,
            }
        };
        Ok((weights, if is_off { checkpoint.weights(POSE) } else { self.fresh_head() }))
    }
}
