//! `config.toml`: everything a run was started with, resolved; and what a resumed run must share with it.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{FileError, write_atomically};
use crate::loss::{PointLoss, PoseWeight, TermMode};
use crate::optim::Algorithm;
use crate::place::Place;
use crate::reference::Reference;
use crate::search::Combine;

/// What the latency term adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum PerfMetric {
    /// µs of the table.
    Latency,
    /// Multiply-adds; needs no table.
    Flops,
}

/// Which part of the network the latency term adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum LatencyScope {
    /// The searched layers.
    Searched,
    /// The trunk too.
    Whole,
}

/// What the architecture is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum ArchData {
    /// A fifth of the training list, which the weights then do not see.
    Split,
    /// The test list, as the reference does: what is then chosen has seen the test faces.
    Test,
}

/// A search, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchConfig {
    /// Built-in name or file of the search space.
    pub space: String,
    /// The latency tables; none with `perf_metric = "flops"`.
    pub lut: Vec<PathBuf>,
    /// SHA-256 of those files.
    pub lut_sha256: Vec<String>,
    /// How the times of several tables become one.
    pub combine: Combine,
    /// The data folder.
    pub data: PathBuf,
    /// File name of the lists.
    pub list: String,
    /// SHA-256 of the training list.
    pub list_sha256: String,
    /// A point scheme of the user's.
    pub points_file: Option<PathBuf>,
    /// SHA-256 of the file with the point scheme, the user's or the data folder's; empty where it is built in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub points_sha256: String,
    /// How the latency term joins the loss.
    pub mode: TermMode,
    /// The term's factor.
    pub alpha: f64,
    /// The term's exponent.
    pub beta: f64,
    /// µs that the chosen network may take at most.
    pub target_us: Option<f64>,
    /// Learning rate of the architecture.
    pub theta_lr: f64,
    /// What the term adds up.
    pub perf_metric: PerfMetric,
    /// Over which part.
    pub latency_scope: LatencyScope,
    /// Optimizer of the weights.
    pub opt: Algorithm,
    /// Learning rate at the start.
    pub base_lr: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Epochs of warm-up, weights only.
    pub start_epoch: usize,
    /// Epochs in all.
    pub end_epoch: usize,
    /// Faces a step.
    pub batch: usize,
    /// Of everything drawn.
    pub seed: u64,
    /// Temperature at the start.
    pub tau: f64,
    /// Its decay: τ · e^(−decay) an epoch after warm-up.
    pub tau_decay: f64,
    /// What the architecture is trained on.
    pub arch_data: ArchData,
    /// SHA-256 of the test list, where it is that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_list_sha256: Option<String>,
    /// Augmentation preset.
    pub augment: String,
    /// Loss of the points.
    pub loss: PointLoss,
    /// How pose weighs a face.
    pub pose_weight: PoseWeight,
    /// Whether to do as the reference does in what no other setting says.
    #[serde(default, skip_serializing_if = "Reference::is_off")]
    pub reference: Reference,
    /// Where the net is trained.
    #[serde(default, skip_serializing_if = "Place::is_cpu")]
    pub device: Place,
}

/// A finetune, resolved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FinetuneConfig {
    /// The search's checkpoint; none for a network that starts from scratch.
    pub supernet: Option<PathBuf>,
    /// SHA-256 of that file.
    pub supernet_sha256: Option<String>,
    /// Built-in name or file of the search space, or [`blocks::baseline::NAME`].
    pub space: String,
    /// The choice, a name a layer; empty for the baseline.
    pub choice: Vec<String>,
    /// The data folder.
    pub data: PathBuf,
    /// File name of the lists.
    pub list: String,
    /// SHA-256 of the training list.
    pub list_sha256: String,
    /// A point scheme of the user's.
    pub points_file: Option<PathBuf>,
    /// SHA-256 of the file with the point scheme, the user's or the data folder's; empty where it is built in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub points_sha256: String,
    /// Part of the training list that is held back for validation; 0: none.
    pub hold_back: f64,
    /// SHA-256 of the test list, where it is judged on that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_list_sha256: Option<String>,
    /// Optimizer of the weights.
    pub opt: Algorithm,
    /// Learning rate at the start.
    pub base_lr: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// Epochs.
    pub end_epoch: usize,
    /// Faces a step.
    pub batch: usize,
    /// Of everything drawn.
    pub seed: u64,
    /// Augmentation preset.
    pub augment: String,
    /// Loss of the points.
    pub loss: PointLoss,
    /// How pose weighs a face.
    pub pose_weight: PoseWeight,
    /// Whether to do as the reference does in what no other setting says.
    #[serde(default, skip_serializing_if = "Reference::is_off")]
    pub reference: Reference,
    /// Where the net is trained.
    #[serde(default, skip_serializing_if = "Place::is_cpu")]
    pub device: Place,
}

/// The file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The search that was run here.
    pub search: Option<SearchConfig>,
    /// The finetune that was run here.
    pub finetune: Option<FinetuneConfig>,
}

/// A configuration cannot be used.
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
    /// A resumed run that would not be the same run.
    #[error(
        "the run cannot be resumed with another configuration; it differs in:{}\nLeave these flags away to go on as it was, or start \
         another run (--out)", .differences.iter().map(|d| format!("\n  {d}")).collect::<String>()
    )]
    Differs {
        /// A line a setting.
        differences: Vec<String>,
    },
    /// A needed flag is not given.
    #[error("{flag} is needed")]
    Needed {
        /// As typed.
        flag: &'static str,
    },
    /// A value makes no sense.
    #[error("{0}")]
    Value(String),
}

impl RunConfig {
    /// Reads the file; empty where there is none.
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
        let text = toml::to_string(self).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
        Ok(write_atomically(path, text.as_bytes())?)
    }
}

/// Digest of what decides a run's numbers: the configuration but for the places of its files, whose contents count, and its device.
pub(crate) fn digest<T: Serialize>(config: &T) -> Result<String, ConfigError> {
    let table = toml::Table::try_from(config).map_err(|e| ConfigError::Value(e.to_string()))?;
    let places = ["data", "lut", "supernet", "points_file", "device"];
    let text: String =
        table.iter().filter(|(key, _)| !places.contains(&key.as_str())).map(|(k, v)| format!("{k} = {v}\n")).collect();
    Ok(::files::sha256(text))
}

/// Chooses each setting: what the user gave, else what the run had, else the default; collects where a resumed run's would differ.
pub struct Resolver<'a, T> {
    /// The run's configuration, if it is resumed.
    pub saved: Option<&'a T>,
    /// A line a setting that differs.
    pub differences: Vec<String>,
}

/// A setting as it was typed, or nearly so.
fn shown(value: &impl std::fmt::Debug) -> String {
    let text = format!("{value:?}");
    let inner = ["Some(", "Reference("].iter().find_map(|name| text.strip_prefix(name)?.strip_suffix(')')).unwrap_or(&text);
    if inner.chars().all(|c| c.is_ascii_alphabetic()) { inner.to_lowercase() } else { inner.to_string() }
}

/// A resolver for a run, resumed where `saved` is there.
pub fn resolve<T>(saved: Option<&T>) -> Resolver<'_, T> {
    Resolver { saved, differences: Vec::new() }
}

impl<T> Resolver<'_, T> {
    /// The setting `flag`: given or saved.
    fn known<V: PartialEq + std::fmt::Debug>(&mut self, flag: &str, given: Option<V>, saved: impl Fn(&T) -> V) -> Option<V> {
        let saved = self.saved.map(saved);
        if let (Some(given), Some(saved)) = (&given, &saved)
            && given != saved
        {
            self.differences.push(format!("{flag}: the run has {}, now {}", shown(saved), shown(given)));
        }
        saved.or(given)
    }

    /// The setting `flag`.
    pub fn pick<V: PartialEq + std::fmt::Debug>(&mut self, flag: &str, given: Option<V>, saved: impl Fn(&T) -> V, default: V) -> V {
        self.known(flag, given, saved).unwrap_or(default)
    }

    /// A setting that may stay open.
    pub fn maybe<V: PartialEq + std::fmt::Debug>(
        &mut self,
        flag: &str,
        given: Option<V>,
        saved: impl Fn(&T) -> Option<V>,
    ) -> Option<V> {
        match given {
            Some(given) => self.known(flag, Some(Some(given)), saved).flatten(),
            None => self.saved.and_then(saved),
        }
    }

    /// Where a file lies: that may change between a run and its resumption, what it holds may not (see [`Resolver::same`]).
    pub fn place(&self, given: Option<PathBuf>, saved: impl Fn(&T) -> Option<PathBuf>) -> Option<PathBuf> {
        given.or_else(|| self.saved.and_then(saved))
    }

    /// A digest that must be the same in a resumed run.
    pub fn same(&mut self, what: &str, now: &str, saved: impl Fn(&T) -> String) {
        if let Some(saved) = self.saved.map(saved)
            && saved != now
        {
            self.differences.push(format!("{what} has other contents than when the run began"));
        }
    }

    /// Refuses a resumed run that differs.
    ///
    /// # Errors
    /// It differs.
    pub fn finish(self) -> Result<(), ConfigError> {
        if self.differences.is_empty() { Ok(()) } else { Err(ConfigError::Differs { differences: self.differences }) }
    }
}
