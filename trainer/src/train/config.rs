//! `config.toml`: everything a run was started with, resolved.

use std::path::{Path, PathBuf};

use blocks::Space;
use files::FileError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::setting::{SettingError, not_negative, positive};
use super::steps::{ArchData, ArchPaths, WarmUp};
use crate::choose::Choose;
use crate::compute::Compute;
use crate::cost::{Combine, CostError, Costs, LatencyScope, PerfMetric, TermMode};
use crate::nni::Reference;
use crate::optim::Algorithm;
use crate::parallel;
use crate::run::{EPOCHS, TrainedOn, write_atomically};
use crate::task::{Split, Task};

/// The settings that every training has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Optimizer of the weights.
    pub opt: Algorithm,
    /// Learning rate at the start.
    pub base_lr: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Epochs.
    pub end_epoch: usize,
    /// Examples a step.
    pub batch: usize,
    /// Seed of all random numbers.
    pub seed: u64,
    /// Whether to do as the reference does in what no other setting says.
    #[serde(default, skip_serializing_if = "Reference::is_off")]
    pub reference: Reference,
    /// What the network is trained on; `device` in files, as it was called first.
    #[serde(default, rename = "device", skip_serializing_if = "Compute::is_cpu")]
    pub compute: Compute,
}

// A struct with flattened parts may still refuse unknown settings, as long as no part has a flattened part itself.

/// A search, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig<T> {
    /// Built-in name or file of the search space.
    pub space: String,
    /// The latency tables; none with `perf_metric = "flops"`.
    pub lut: Vec<PathBuf>,
    /// SHA-256 of those files.
    pub lut_sha256: Vec<String>,
    /// How the times of several tables become one.
    pub combine: Combine,
    /// How the latency term joins the loss.
    pub mode: TermMode,
    /// The term's factor.
    pub alpha: f64,
    /// The term's exponent.
    pub beta: f64,
    /// Most µs that the chosen network may take.
    pub target_us: Option<f64>,
    /// Learning rate of the architecture.
    pub theta_lr: f64,
    /// What the term adds up.
    pub perf_metric: PerfMetric,
    /// Over which part.
    pub latency_scope: LatencyScope,
    /// Epochs of warm-up, in which only weights are trained.
    pub start_epoch: usize,
    /// Temperature of the Gumbel softmax at the start.
    pub tau: f64,
    /// Its decay: τ · e^(−decay) an epoch after the warm-up.
    pub tau_decay: f64,
    /// What the architecture is trained on.
    pub arch_data: ArchData,
    /// What a step of the warm-up trains.
    #[serde(default, skip_serializing_if = "WarmUp::is_mixture")]
    pub warm_up: WarmUp,
    /// What a step of the architecture sees.
    #[serde(default, skip_serializing_if = "ArchPaths::is_mixture")]
    pub arch_paths: ArchPaths,
    /// How the network is chosen at the end.
    #[serde(default, skip_serializing_if = "Choose::is_probable")]
    pub choose: Choose,
    /// Settings of the task.
    #[serde(flatten)]
    pub task: T,
    /// Settings of every training.
    #[serde(flatten)]
    pub train: TrainConfig,
}

/// A finetune, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinetuneConfig<T> {
    /// The search's checkpoint; none for a network that starts from scratch.
    pub supernet: Option<PathBuf>,
    /// SHA-256 of that file.
    pub supernet_sha256: Option<String>,
    /// Built-in name or file of the search space, or [`blocks::baseline::NAME`].
    pub space: String,
    /// The choice, a name a layer; empty for the baseline.
    pub choice: Vec<String>,
    /// Part of the training list that is held back for validation; 0: none.
    pub hold_back: f64,
    /// The seed that chooses what is held back; none: that of the training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_seed: Option<u64>,
    /// Settings of the task.
    #[serde(flatten)]
    pub task: T,
    /// Settings of every training.
    #[serde(flatten)]
    pub train: TrainConfig,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig<T> {
    /// The search that was run here.
    pub search: Option<SearchConfig<T>>,
    /// The finetune that was run here.
    pub finetune: Option<FinetuneConfig<T>>,
}

/// A configuration cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// Its text.
    #[error("{} is not a run's configuration:\n{source}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// A value that TOML has no form for.
    #[error("a setting cannot be written as TOML: {0}")]
    Value(#[from] toml::ser::Error),
}

impl TrainConfig {
    /// Refuses what no training can start with.
    fn check(&self) -> Result<(), SettingError> {
        positive(&[("--base-lr", self.base_lr)])?;
        not_negative(&[("--weight-decay", self.weight_decay)])?;
        if !(1..=EPOCHS).contains(&self.end_epoch) {
            return Err(SettingError::Epochs(self.end_epoch));
        }
        if self.batch == 0 {
            return Err(SettingError::EmptyBatch);
        }
        Ok(parallel::check_batch(self.batch)?)
    }
}

impl<T: Task> SearchConfig<T> {
    /// Refuses what no search can start with.
    ///
    /// # Errors
    /// The first such setting.
    pub fn check(&self) -> Result<(), SettingError> {
        self.train.check()?;
        positive(&[("--theta-lr", self.theta_lr), ("--tau", self.tau)])?;
        not_negative(&[("--tau-decay", self.tau_decay)])?;
        if self.start_epoch > self.train.end_epoch {
            return Err(SettingError::WarmUp { start: self.start_epoch, end: self.train.end_epoch });
        }
        if self.warm_up == WarmUp::Fair && !self.train.compute.is_cpu() {
            return Err(SettingError::PathsOnGpu);
        }
        if !self.choose.is_probable() {
            if self.arch_data == ArchData::Test {
                return Err(SettingError::ChoiceByTest);
            }
            if self.choose.count() == 0 {
                return Err(SettingError::NoCandidates);
            }
            if matches!(self.choose, Choose::Halving { finalists, epochs, .. } if finalists.min(epochs) == 0) {
                return Err(SettingError::NoFinalists);
            }
        }
        match self.perf_metric {
            PerfMetric::Latency if self.lut.is_empty() => Err(SettingError::NoTable),
            PerfMetric::Flops if self.target_us.is_some() => Err(SettingError::TargetWithoutTimes),
            _ => Ok(()),
        }
    }

    /// The costs that it is searched with, for networks with so many points.
    ///
    /// # Errors
    /// As [`CostError`] says.
    pub fn costs(&self, space: &Space, points: usize, allow_emulated: bool) -> Result<Costs, CostError> {
        match self.perf_metric {
            PerfMetric::Flops => Ok(Costs::from_macs(space, points, self.latency_scope)),
            PerfMetric::Latency => Costs::from_tables(&self.lut, self.combine, space, points, self.latency_scope, allow_emulated),
        }
    }
}

impl<T: Task> FinetuneConfig<T> {
    /// Refuses what no finetune can start with.
    ///
    /// # Errors
    /// The first such setting.
    pub fn check(&self) -> Result<(), SettingError> {
        self.train.check()?;
        if (0.0..1.0).contains(&self.hold_back) { Ok(()) } else { Err(SettingError::HoldBack(self.hold_back)) }
    }
}

/// The examples of the training list that weights are trained on, with the part `held_back` held back, which `seed` chooses.
pub(super) fn trained_on(task: &impl Task, held_back: f64, seed: u64) -> TrainedOn {
    let list_sha256 = task.list_sha256(Split::Train).unwrap_or_default().to_string();
    TrainedOn { list_sha256, held_back, seed, held_sha256: None }
}

impl<T> Default for RunConfig<T> {
    fn default() -> Self {
        Self { search: None, finetune: None }
    }
}

impl<T: Serialize + DeserializeOwned> RunConfig<T> {
    /// The finetune, if it trained another network than the search chose.
    pub fn other_network(&self, chosen: &[String]) -> Option<&FinetuneConfig<T>> {
        self.finetune.as_ref().filter(|finetune| finetune.choice != chosen)
    }

    /// Reads the file; empty if there is none.
    ///
    /// # Errors
    /// It cannot be read or is something else.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        if !path.exists() {
            return Ok(Self::default());
        }
        let text = std::fs::read_to_string(path).map_err(FileError::new("cannot read", path))?;
        toml::from_str(&text).map_err(|source| ConfigError::Syntax { path: path.to_owned(), source: Box::new(source) })
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ConfigError> {
        Ok(write_atomically(path, toml::to_string(self)?.as_bytes())?)
    }
}

/// Digest of what decides a training's numbers: the configuration without the places of its files, whose contents count, without what it
/// is trained on, and without how the network is chosen after it.
///
/// # Errors
/// A value has no form in TOML.
pub fn digest<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    let table = toml::Table::try_from(config)?;
    let places = ["data", "lut", "supernet", "points_file", "device", "choose"];
    let text: String =
        table.iter().filter(|(key, _)| !places.contains(&key.as_str())).map(|(k, v)| format!("{k} = {v}\n")).collect();
    Ok(files::sha256(text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::faces::FaceTask;

    const SEARCH: &str = include_str!("../../results/scut86/config.toml");

    #[test]
    fn a_file_is_written_as_it_was_read_and_unknown_settings_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(&path, SEARCH).unwrap();
        let run = RunConfig::<FaceTask>::load(&path).unwrap();
        assert!(run.search.is_some() && run.finetune.is_some());
        run.save(&path).unwrap();
        assert_eq!(RunConfig::load(&path).unwrap(), run);
        let lines = |text: &str| {
            text.lines().filter(|line| !line.is_empty()).map(str::to_string).collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!(lines(&std::fs::read_to_string(&path).unwrap()), lines(SEARCH));

        for section in ["[search]", "[finetune]"] {
            std::fs::write(&path, SEARCH.replace(section, &format!("{section}\nunknown = 1"))).unwrap();
            assert!(matches!(RunConfig::<FaceTask>::load(&path), Err(ConfigError::Syntax { .. })), "{section}");
        }
        std::fs::write(&path, SEARCH.replacen("batch = ", "batches = ", 1)).unwrap();
        assert!(matches!(RunConfig::<FaceTask>::load(&path), Err(ConfigError::Syntax { .. })));
    }
}
