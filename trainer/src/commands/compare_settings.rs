//! The settings file of `trainer compare`: flags of `search` and `finetune`, and what else is trained and measured.

use std::ffi::OsString;
use std::path::Path;

use clap::{Args, Parser};
use files::FileError;
use serde::Deserialize;

use super::error::Result;
use super::finetune::FinetuneArgs;
use super::flags::{SettingsError, words_of};
use super::search::SearchArgs;
use crate::compare::{Experiment, Measure, Nets, Point};
use crate::task::faces::FaceTask;
use crate::train::{FinetuneConfig, SearchConfig};

/// Where the temperature of the Gumbel softmax ends if the settings give no decay.
const LAST_TEMPERATURE: f64 = 0.2;
/// The file. Paths are relative to the working folder, as in flags.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The seeds; for each of them everything is trained.
    pub seeds: Vec<u64>,
    /// Flags that `search` and `finetune` both get.
    #[serde(default)]
    both: toml::Table,
    /// Flags of `search`.
    #[serde(default)]
    search: toml::Table,
    /// Flags of `finetune`: the recipe of all networks.
    #[serde(default)]
    finetune: toml::Table,
    #[serde(default)]
    baseline: Baseline,
    #[serde(default)]
    random: Random,
    #[serde(default)]
    sweep: Sweep,
    /// What the networks are measured on.
    #[serde(default)]
    pub measure: Vec<Measure>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Baseline {
    /// Epochs; without, as many as search and finetune have together.
    end_epoch: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Random {
    /// Number of random networks; 0: none.
    nets: usize,
    /// How many of them are trained once more, with another seed.
    again: usize,
}

impl Default for Random {
    fn default() -> Self {
        Self { nets: 8, again: 0 }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct Sweep {
    betas: Vec<f64>,
    targets_us: Vec<f64>,
    /// Number of random networks beside each; 0: none.
    nets: usize,
}

/// The flags of a command alone.
#[derive(Debug, Parser)]
#[command(no_binary_name = true)]
struct Flags<T: Args> {
    #[command(flatten)]
    args: T,
}

impl Settings {
    /// Reads the file.
    ///
    /// # Errors
    /// It cannot be read or holds something else.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(FileError::new("cannot read", path))?;
        let read: std::result::Result<Self, _> = toml::from_str(&text);
        let settings = read.map_err(|source| SettingsError::Syntax { path: path.to_owned(), source: Box::new(source) })?;
        if settings.seeds.is_empty() { Err(SettingsError::NoSeeds.into()) } else { Ok(settings) }
    }

    /// The trainings of a seed.
    ///
    /// # Errors
    /// A flag is wrong, or a file that it names cannot be read.
    pub fn experiment(&self, seed: u64) -> Result<Experiment<FaceTask>> {
        let search = self.search_config(seed)?;
        let recipe = FinetuneConfig {
            space: search.space.clone(),
            ..self.parse::<FinetuneArgs>("finetune", &self.finetune, seed)?.recipe()?
        };
        recipe.check().map_err(crate::train::TrainError::from)?;
        Ok(Experiment {
            recipe,
            baseline_epochs: self.baseline.end_epoch,
            nets: Nets { count: self.random.nets, again: self.random.again },
            nets_a_point: Nets { count: self.sweep.nets, again: 0 },
            points: Point::all(&self.sweep.betas, &self.sweep.targets_us),
            allow_emulated: self.search.get("allow-emulated").and_then(toml::Value::as_bool).unwrap_or(false),
            search,
        })
    }

    fn search_config(&self, seed: u64) -> Result<SearchConfig<FaceTask>> {
        let search = self.parse::<SearchArgs>("search", &self.search, seed)?.resolve(None)?;
        if self.search.contains_key("tau-decay") {
            return Ok(search);
        }
        let epochs = search.train.end_epoch.saturating_sub(search.start_epoch).max(1);
        let decay = (search.tau / LAST_TEMPERATURE).ln().max(0.0) / epochs as f64;
        Ok(SearchConfig { tau_decay: (decay * 1e4).round() / 1e4, ..search })
    }

    /// The arguments that a command would have with the flags of a section.
    fn parse<T: Args>(&self, section: &'static str, table: &toml::Table, seed: u64) -> Result<T> {
        // Every training gets a folder of its own later.
        let mut words: Vec<OsString> = vec!["--out".into(), "run".into(), format!("--seed={seed}").into()];
        for (section, table) in [("both", &self.both), (section, table)] {
            for (flag, value) in table {
                words.extend(words_of(section, flag, value)?);
            }
        }
        let parsed = Flags::<T>::try_parse_from(words);
        let reason = |e: clap::Error| e.to_string().lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
        Ok(parsed.map_err(|e| SettingsError::Flags { section, reason: reason(e) })?.args)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_read() {
        let settings: Settings = toml::from_str(include_str!("../../compare.toml")).unwrap();
        assert_eq!((settings.seeds, settings.random.nets, settings.measure.len()), (vec![0, 1, 2], 8, 2));
    }

    #[test]
    fn unknown_sections_and_flags_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("compare.toml");
        let load = |text: &str| {
            std::fs::write(&path, text).unwrap();
            Settings::load(&path)
        };
        use super::super::error::Error;
        assert!(matches!(load("seeds = []"), Err(Error::Settings(SettingsError::NoSeeds))));
        assert!(matches!(load("seeds = [0]\n[serch]"), Err(Error::Settings(SettingsError::Syntax { .. }))));
        let found = load("seeds = [0]\n[search]\nbetta = 1").unwrap().experiment(0);
        assert!(matches!(found, Err(Error::Settings(SettingsError::Flags { section: "search", .. }))));
    }
}
