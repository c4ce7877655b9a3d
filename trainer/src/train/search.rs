//! The search: a supernet's weights and its architecture, trained in turn; at its end a network is chosen.

mod choice;
mod passes;

use std::path::Path;

use blocks::Space;
use candle_core::Tensor;

use super::config::{SearchConfig, TrainConfig};
use super::error::TrainError;
use super::finetune::{HELD_BACK, TEST};
use super::pass::{Passed, Stopped, Watch, hint_steps};
use super::phase::{Figures, Judged, Phase, WARM_UP};
use super::search_input::{Examples, Input, unreachable_target};
use super::steps::{ArchData, WarmUp};
use crate::cost::{ArchFile, CostTensors, Costs, LatencyScope, LatencyTerm, MICROS};
use crate::model::{ArchWeights, init};
use crate::optim::{AdamW, Optimizer};
use crate::run::{Checkpoint, CheckpointError, EpochKind, Interrupt, Kind, Meta, PATH_ALPHA, RunFolder, TrainedOn, Training};
use crate::task::{Data, Draws, Loader, Nets, Networks, Task};

/// Decoupled weight decay of the architecture weights.
const ARCH_WEIGHT_DECAY: f64 = 5e-4;

/// A search, as a phase of a run.
pub struct Search<T: Task> {
    config: SearchConfig<T>,
    space: Space,
    points: usize,
    costs: Costs,
    cost_tensors: CostTensors,
    term: LatencyTerm,
    nets: T::Nets,
    arch: ArchWeights,
    arch_optimizer: AdamW,
    train: T::Data,
    trained_on: TrainedOn,
    loader: T::Loader,
    arch_loader: T::Loader,
    /// The examples that the weights do not see.
    validation: (T::Data, Vec<usize>),
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
pub struct Found<T: Task> {
    /// The choice and its costs.
    pub arch: ArchFile,
    /// How the chosen subnet does with the supernet's weights; none if no epoch was trained.
    pub validation: Option<Judged<T>>,
}

impl<T: Task> Search<T> {
    /// Makes everything ready. All input is checked here, before any training.
    ///
    /// # Errors
    /// Whatever is wrong with table, data or configuration.
    pub fn new(config: SearchConfig<T>, allow_emulated: bool) -> Result<Self, TrainError> {
        let input = Input::load(&config, allow_emulated)?;
        let backend = config.train.compute.backend()?;
        let Examples { trained_on, weights, arch: validation } = input.examples(&config)?;
        let TrainConfig { batch, seed, reference, compute, .. } = config.train;
        // The reference keeps an incomplete last batch, and takes the architecture's examples in the list's order.
        let draws = Draws { batch, seed, shuffle: true, drop_last: reference.is_off(), threads: compute.loader_threads() };
        let count = weights.len();
        let loader = config.task.loader(&input.train, weights, draws)?;
        let arch_draws = Draws { seed: !seed, shuffle: reference.is_off(), ..draws };
        let arch_loader = config.task.loader(&validation.0, validation.1.clone(), arch_draws)?;
        hint_steps::<T>(&loader, count, batch);

        let Input { space, head, train, costs, term } = input;
        let points = train.points();
        let supernet = space.supernet(points);
        let (weights, head_weights) = (init::backbone(&supernet, seed), init::pose_net(&head, !seed));
        let networks = Networks {
            backbone: (supernet, &weights),
            head: (head, &head_weights),
            algorithm: config.train.opt,
            weight_decay: config.train.weight_decay,
            backend,
        };
        let candidates: Vec<usize> = space.layers().iter().map(|l| l.primitives.len()).collect();
        let arch = ArchWeights::new(&candidates)?;
        Ok(Self {
            nets: config.task.nets(networks)?,
            cost_tensors: costs.tensors()?,
            arch_optimizer: AdamW::new(arch.path_alpha().elem_count(), ARCH_WEIGHT_DECAY),
            config,
            space,
            points,
            costs,
            term,
            arch,
            train,
            trained_on,
            loader,
            arch_loader,
            validation,
        })
    }

    fn temperature(&self, epoch: usize) -> f64 {
        self.config.tau * (-self.config.tau_decay * epoch.saturating_sub(self.config.start_epoch) as f64).exp()
    }

    fn is_warm_up(&self, epoch: usize) -> bool {
        epoch < self.config.start_epoch
    }

    /// The candidates that would be chosen now, an index a layer: the most probable network that meets the target, if there is one.
    fn chosen(&self) -> Result<Vec<usize>, TrainError> {
        let chosen = self.costs.best(&self.arch.values()?, self.term.target);
        chosen.ok_or_else(|| unreachable_target(self.term.target.unwrap_or(f64::NAN), &self.costs).into())
    }

    fn judged(&self, network: &[usize]) -> Result<Judged<T>, TrainError> {
        let on = match self.config.arch_data {
            ArchData::Split => HELD_BACK,
            ArchData::Test => TEST,
        };
        Ok(Judged { scores: self.scores(network)?, on, is_recorded: true, can_be_best: true })
    }

    fn arch_file(&self, epochs: usize, chosen: &[usize]) -> Result<ArchFile, TrainError> {
        let (weights, probabilities) = (self.arch.values()?, self.arch.probabilities()?);
        let arch = ArchFile::new(&self.space, self.points, epochs, chosen, &weights, &probabilities, &self.costs);
        Ok(ArchFile { target: self.term.target, chosen_by: self.config.choose, ..arch })
    }
}

impl<T: Task> Phase for Search<T> {
    type Task = T;
    type Outcome = Found<T>;
    const TRAINING: Training = Training::Search;

    fn settings(&self) -> &TrainConfig {
        &self.config.train
    }

    fn describe(&self) -> Vec<String> {
        let mut lines = vec![format!(
            "search space {} ({} layers, {} candidates), {} landmarks; weights on {} {examples}, architecture on {}",
            self.space,
            self.space.layers().len(),
            self.space.candidates().count(),
            self.points,
            self.loader.examples(),
            self.arch_loader.examples(),
            examples = T::EXAMPLES,
        )];
        lines.extend(self.costs.describe());
        if let Some(target) = self.term.target {
            let of = if self.config.latency_scope == LatencyScope::Whole { "network" } else { "searched layers" };
            lines.push(format!("target: the {of} may take at most {target} {}", self.costs.unit));
        }
        if self.term.is_off() {
            lines.push("the latency term is off".to_string());
        }
        if self.config.arch_data == ArchData::Test {
            lines.push("WARNING: the architecture is trained on the test list, so its test error is biased".to_string());
        }
        lines
    }

    fn steps(&self, epochs: usize) -> usize {
        epochs * self.loader.batches() + epochs.saturating_sub(self.config.start_epoch) * self.arch_loader.batches()
    }

    fn train(&mut self, epoch: usize, learning_rate: f64, watch: &Watch<'_>) -> Result<(Passed, Option<Passed>), Stopped> {
        let is_fair = self.is_warm_up(epoch) && self.config.warm_up == WarmUp::Fair;
        let weights = match is_fair {
            true => self.path_pass(epoch, learning_rate, watch)?,
            false => self.weight_pass(epoch, learning_rate, watch)?,
        };
        let arch = if self.is_warm_up(epoch) { None } else { Some(self.arch_pass(epoch, watch)?) };
        Ok((weights, arch))
    }

    fn figures(&self, epoch: usize) -> Result<Figures, TrainError> {
        let (unit, temperature) = (self.costs.unit, self.temperature(epoch));
        let (expected, chosen) = (self.costs.expected(&self.arch.probabilities()?), self.costs.steered(&self.chosen()?));
        let shown = |cost: f64| if unit == MICROS { format!("{cost:.0}") } else { format!("{cost:.3e}") };
        Ok(Figures {
            kind: if self.is_warm_up(epoch) { EpochKind::Warmup } else { EpochKind::Search },
            temperature: Some(temperature),
            expected_cost: Some(expected),
            chosen_cost: Some(chosen),
            line: format!("  chosen {} {unit}, expected {}  τ {temperature:.2}", shown(chosen), shown(expected)),
        })
    }

    /// The subnet that would be chosen now, with the supernet's weights and running statistics of its own.
    fn judge(&self, epochs: usize) -> Result<Option<Judged<T>>, TrainError> {
        let can_be_best = !self.is_warm_up(epochs - 1);
        Ok(Some(Judged { can_be_best, ..self.judged(&self.chosen()?)? }))
    }

    fn state(&self) -> Result<Checkpoint, TrainError> {
        let mut checkpoint = Checkpoint::new(Meta::blank());
        self.nets.save(&mut checkpoint)?;
        let alpha = self.arch.path_alpha();
        checkpoint.insert(PATH_ALPHA, alpha.dims(), alpha.flatten_all()?.to_vec1()?);
        for (part, values) in self.arch_optimizer.state() {
            checkpoint.insert(format!("optimizer.{PATH_ALPHA}.{part}"), &[values.len()], values);
        }
        Ok(checkpoint)
    }

    fn meta(&self, epochs: usize) -> Result<Meta, TrainError> {
        let chosen = self.chosen()?;
        Ok(Meta {
            kind: Kind::Supernet,
            space: self.config.space.clone(),
            space_hash: self.space.hash(),
            points: self.points,
            choice: self.recorded(&chosen, &chosen),
            temperature: Some(self.temperature(epochs)),
            trained_on: Some(self.trained_on.clone()),
            ..Meta::blank()
        })
    }

    fn restore(&mut self, checkpoint: &Checkpoint, path: &Path) -> Result<(), TrainError> {
        self.nets.restore(checkpoint, path)?;
        let alpha = self.arch.path_alpha();
        let values = checkpoint.tensor(path, PATH_ALPHA, alpha.elem_count())?;
        alpha.set(&Tensor::from_slice(values, alpha.shape(), alpha.device())?)?;
        let part = |part: &str| checkpoint.get(&format!("optimizer.{PATH_ALPHA}.{part}")).map(<[f32]>::to_vec);
        if !self.arch_optimizer.restore(&part) {
            return Err(CheckpointError::Tensor { path: path.to_owned(), name: format!("optimizer.{PATH_ALPHA}.*") }.into());
        }
        Ok(())
    }

    fn learning_rate_of(&self, tensor: &str) -> &'static str {
        if tensor.contains(PATH_ALPHA) { "--theta-lr" } else { "--base-lr" }
    }

    fn kept(&self, epochs: usize) -> Option<&'static str> {
        (epochs == self.config.start_epoch).then_some(WARM_UP)
    }

    fn finish(
        &self,
        epochs: usize,
        last: Option<Judged<T>>,
        folder: &RunFolder,
        interrupt: &Interrupt,
    ) -> Result<Found<T>, Stopped> {
        let probable = self.chosen()?;
        let chosen = self.choose(&probable, folder, interrupt)?;
        self.record(&chosen, &probable, folder)?;
        let arch = self.arch_file(epochs, &chosen)?;
        arch.save(&folder.file("arch.json"))?;
        Ok(Found { arch, validation: if chosen == probable { last } else { Some(self.judged(&chosen)?) } })
    }
}
