//! What the host says: a job, one JSON file.

use serde::{Deserialize, Serialize};

/// What the agent is to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// [`PROTOCOL`](super::PROTOCOL).
    pub protocol: u32,
    /// The engine's name on the command line: `ort`, `tract`, `mnn`.
    pub engine: String,
    /// The engine's library on the device; searched in the usual places without, by an engine that has one.
    pub engine_lib: Option<String>,
    /// Threads of the engine.
    pub threads: usize,
    /// CPUs to be pinned to; chosen by the agent where empty.
    pub cpus: Vec<usize>,
    /// Whether the engine may have more threads than there are CPUs for them.
    #[serde(default)]
    pub oversubscribe: bool,
    /// Who measures, for others that want to measure on the same CPUs: process, command, since when.
    #[serde(default)]
    pub holder: String,
    /// How long to wait for CPUs on which another measures, in ms.
    #[serde(default, rename = "patience_ms")]
    pub lock_timeout_ms: u64,
    /// Whether the device is simulated: each model is timed once, and nothing that only noise needs is done.
    #[serde(default)]
    pub simulated: bool,
    /// Seed of the order of samples.
    pub seed: u64,
    /// How and how long to measure.
    pub plan: Plan,
    /// What the device is to be held at meanwhile.
    pub hold: Hold,
    /// The models.
    pub items: Vec<Item>,
}

/// How and how long to measure.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Wanted relative half-width of the 95 % interval of each median.
    pub precision: f64,
    /// Time for sampling, in ms.
    pub budget_ms: u64,
    /// Length of a sample in µs: as many runs as fill it.
    pub sample_us: f64,
    /// Length of a canary in µs.
    pub canary_us: f64,
    /// Samples an item needs at least.
    pub min_samples: usize,
    /// Runs with cold caches of each item that asks for them.
    pub cold_runs: usize,
    /// The canary's time while the device was idle, in µs a unit, from earlier passes.
    #[serde(rename = "quiet_us")]
    pub idle_us: Option<f64>,
    /// By how much wider the interval of a median is than its samples alone tell, since processes differ; from earlier passes.
    pub widening: f64,
}

/// What the device is held at while it measures.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hold {
    /// How far its temperature may be from that at the start, in °C; not looked at where absent.
    pub celsius: Option<f64>,
    /// The first temperature that an earlier process of the measurement read, in °C; where absent, this one's own is the first.
    pub start_celsius: Option<f64>,
    /// Whether the governor is set to `performance`, where that is allowed, and set back at the end.
    pub governor: bool,
}

/// One model to measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Its name in events.
    pub id: String,
    /// The name of its file, in the engine's format, in the job's folder; or, with the ending `.join`, of a recipe for it.
    pub model: String,
    /// What is known of its inputs, by name; the agent makes up the rest.
    pub inputs: Vec<Input>,
    /// Files of the outputs expected (f32, little-endian), in the session's order; empty for a user's model, whose outputs are not
    /// known.
    pub expected: Vec<String>,
    /// Parts of its samples that are timed by themselves, as in its first process; found at loading where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parts: Option<u64>,
    /// Its good samples of earlier processes, so that all samples are judged together.
    pub earlier: Vec<Taken>,
    /// Whether it is also run with cold caches.
    #[serde(default)]
    pub cold: bool,
}

/// A good sample, as far as it decides when it is enough; in a job four numbers in this order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "[f64; 4]", into = "[f64; 4]")]
pub struct Taken {
    /// Its time in canary units.
    pub ratio: f64,
    /// The same without interference, as far as the host has taken that out.
    pub corrected: f64,
    /// How much its parts differ, as a share: [`Sample::spread`](super::Sample::spread).
    pub spread: f64,
    /// Time of one canary unit around it, in µs.
    pub canary_us: f64,
}

impl From<[f64; 4]> for Taken {
    fn from([ratio, corrected, spread, canary_us]: [f64; 4]) -> Self {
        Self { ratio, corrected, spread, canary_us }
    }
}

impl From<Taken> for [f64; 4] {
    fn from(Taken { ratio, corrected, spread, canary_us }: Taken) -> Self {
        [ratio, corrected, spread, canary_us]
    }
}

/// What a model is given as one of its inputs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Input {
    /// The input's name.
    pub name: String,
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values; made up by the agent where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
}

/// A file of values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Values {
    /// Its name in the job's folder; row-major, little-endian.
    pub file: String,
    /// Their type, by NumPy's name.
    pub element: String,
}
