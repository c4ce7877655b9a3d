//! What `profiler bench` measured of a run's network.

use std::path::Path;

use crate::run::{FileError, RunFolder, read_json};

/// What the profiler's `bench --json` is saved as in a run's folder.
pub const MEASURED: &str = "measured.json";

/// Median µs and half-width of its 95 % interval of the exported net, where [`MEASURED`] has it: of samples paired with the canary, as
/// the table's are, where there are such.
///
/// # Errors
/// The file is something else.
pub fn measured(folder: &RunFolder) -> Result<Option<(f64, f64)>, FileError> {
    let path = &folder.file(MEASURED);
    if !path.exists() {
        return Ok(None);
    }
    #[derive(serde::Deserialize)]
    struct Bench {
        model: Option<String>,
        median_us: f64,
        #[serde(default)]
        ci95_us: serde_json::Value,
        paired_us: Option<f64>,
        #[serde(default)]
        paired_ci95_us: serde_json::Value,
    }
    let bench: Vec<Bench> = read_json(path, "cannot read")?;
    let half = |v: &serde_json::Value| match v {
        serde_json::Value::Array(ends) => ends.last().zip(ends.first()).and_then(|(h, l)| Some((h.as_f64()? - l.as_f64()?) / 2.0)),
        other => other.as_f64(),
    };
    let figure = |b: &Bench| match b.paired_us {
        Some(paired) => (paired, half(&b.paired_ci95_us).unwrap_or(f64::NAN)),
        None => (b.median_us, half(&b.ci95_us).unwrap_or(f64::NAN)),
    };
    // Other models may have been measured with it.
    let own = |b: &&Bench| b.model.as_ref().is_none_or(|model| Path::new(model).file_stem().is_some_and(|stem| stem == "subnet"));
    Ok(bench.iter().find(own).map(figure))
}
