//! What `profiler bench` measured of networks.

use std::path::Path;

use files::FileError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::files::read_json;
use super::folder::RunFolder;

/// What the profiler's `bench --json` is saved as in a run's folder.
pub const MEASURED: &str = "measured.json";

/// A model in the output of `profiler bench --json`; fields that are not needed here are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bench {
    /// The model's file.
    pub model: Option<String>,
    /// Median time of a run, µs.
    pub median_us: f64,
    /// Its 95 % interval, or half the width of that.
    #[serde(default)]
    pub ci95_us: Value,
    /// Median of the samples paired with the canary, as a table's are, µs.
    pub paired_us: Option<f64>,
    /// Its 95 % interval, or half the width of that.
    #[serde(default)]
    pub paired_ci95_us: Value,
    /// All others.
    #[serde(flatten)]
    pub more: serde_json::Map<String, Value>,
}

impl Bench {
    /// Median and half-width of its 95 % interval, µs; of the paired samples, if there are any.
    pub fn figure(&self) -> (f64, f64) {
        let half = |v: &Value| match v {
            Value::Array(ends) => ends.last().zip(ends.first()).and_then(|(h, l)| Some((h.as_f64()? - l.as_f64()?) / 2.0)),
            other => other.as_f64(),
        };
        match self.paired_us {
            Some(paired) => (paired, half(&self.paired_ci95_us).unwrap_or(f64::NAN)),
            None => (self.median_us, half(&self.ci95_us).unwrap_or(f64::NAN)),
        }
    }

    /// Whether it is of a run's own network: other models may have been measured with it.
    fn is_own(&self) -> bool {
        self.model.as_ref().is_none_or(|model| Path::new(model).file_stem().is_some_and(|stem| stem == "subnet"))
    }
}

/// Median µs and half-width of its 95 % interval of the run's exported network, if [`MEASURED`] has it.
///
/// # Errors
/// The file is something else.
pub fn measured(folder: &RunFolder) -> Result<Option<(f64, f64)>, FileError> {
    let path = &folder.file(MEASURED);
    if !path.exists() {
        return Ok(None);
    }
    let bench: Vec<Bench> = read_json(path, "cannot read")?;
    Ok(bench.iter().find(|bench| bench.is_own()).map(Bench::figure))
}
