//! Options that several commands have.

use std::path::PathBuf;

use clap::Args;
use engines::{EngineKind, ModelFormat};

use super::quantity::{Budget, Cpus, Share, Time};
use super::values::{band, memory, passes};
use crate::devices::Address;
use crate::measure::collect::Setting;
use crate::measure::collect::planned::{PASSES, Wanted};
use crate::protocol::{Hold, Plan};

/// Least number of samples of each model.
const MIN_SAMPLES: usize = 12;

/// The engines, as help texts list them: `ort, tract or mnn`.
pub(super) fn engines() -> String {
    let [others @ .., last] = EngineKind::ALL.map(EngineKind::name);
    format!("{} or {last}", others.join(", "))
}

/// What models a command takes, for its help: ONNX files, and those of engines that have a format of their own.
pub(super) fn models() -> String {
    let own = EngineKind::ALL.into_iter().filter(|engine| matches!(engine.format(), ModelFormat::Own(_)));
    let own = own.map(|engine| format!("; with the engine {engine} also .{} files", engine.format().ending()));
    format!("ONNX files{}", own.collect::<String>())
}

/// How to measure.
#[derive(Args)]
pub(super) struct MeasureArgs {
    /// Shared library of the engine [default: ORT_DYLIB_PATH, then the cache folder]
    #[arg(long, value_name = "FILE")]
    engine_lib: Option<PathBuf>,
    /// SSH key file [default: ssh-agent, then ~/.ssh]
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Pin to these CPUs, for example 0-3,5 [default: the last CPUs of the fastest cluster]
    #[arg(long)]
    cpus: Option<Cpus>,
    /// Allow more threads than CPUs
    #[arg(long)]
    oversubscribe: bool,
    /// Number of measurement passes, each in fresh processes [default: 12; for folders 4, if a network takes 5 ms or more]
    #[arg(long, value_parser = passes)]
    passes: Option<usize>,
    /// Memory limit on the device; models are loaded in groups that fit into it [default: 40 % of the free memory, at most 1 GiB]
    #[arg(long, value_parser = memory, value_name = "MIB")]
    memory: Option<u64>,
    /// Allowed temperature change from the first reading of the measurement, in °C; 0 ignores temperature
    #[arg(long, default_value_t = 3.0, value_parser = band, value_name = "DEGREES")]
    band: f64,
    /// Do not change the CPU frequency governor. Without this option it is set to `performance` if that is allowed (root), and restored at
    /// the end
    #[arg(long)]
    keep_governor: bool,
    /// Duration of one sample
    #[arg(long, default_value = "500us", value_name = "TIME")]
    sample: Time,
    /// Duration of the reference kernel (canary) before and after each sample
    #[arg(long, default_value = "100us", value_name = "TIME")]
    canary: Time,
    /// Simulated devices: accept more than 0.1 % of unknown instructions
    #[arg(long)]
    allow_unknown: bool,
    /// Simulated devices: number of timed runs of each model; their mean counts. With some models one run in six is 2 % faster
    /// than the others, because the caches hold other data at its start
    #[arg(long, hide = true, default_value_t = 7, value_parser = passes)]
    timed_runs: usize,
}

/// How long a command samples.
pub(super) struct Sampling {
    /// Longest sampling time in ms, unless a plan replaces it.
    pub(super) budget_ms: u64,
    /// Passes and sampling time that the user gave; they are not planned.
    pub(super) wanted: Wanted,
    /// Whether a few models are measured first, so that passes and time can be planned.
    pub(super) looks: bool,
}

/// What each command reads from its own options.
pub(super) struct Asked {
    pub(super) device: Address,
    pub(super) engine: EngineKind,
    pub(super) threads: usize,
    pub(super) precision: Share,
    /// Longest sampling time in ms, unless a plan replaces it.
    pub(super) budget_ms: u64,
    pub(super) seed: u64,
}

impl MeasureArgs {
    /// How long to sample: `--budget`; without it `usual`, or for a folder a time that is planned for its models.
    pub(super) fn sampling(&self, budget: Option<Budget>, usual: Time, is_folder: bool) -> Sampling {
        let budget = budget.unwrap_or(if is_folder { Budget::Auto } else { Budget::Within(usual) });
        Sampling {
            budget_ms: budget.ms().unwrap_or(usual.0.as_millis() as u64),
            wanted: Wanted { passes: self.passes, budget_ms: budget.ms() },
            looks: is_folder || budget == Budget::Auto,
        }
    }

    pub(super) fn setting(&self, asked: Asked) -> Setting {
        let Asked { device, engine, threads, precision, budget_ms, seed } = asked;
        let plan = Plan {
            precision: precision.0,
            budget_ms,
            sample_us: self.sample.0.as_secs_f64() * 1e6,
            canary_us: self.canary.0.as_secs_f64() * 1e6,
            min_samples: MIN_SAMPLES,
            cold_runs: 0,
            idle_us: None,
            widening: 1.0,
        };
        Setting {
            device,
            engine,
            engine_lib: self.engine_lib.clone(),
            identity: self.identity.clone(),
            threads,
            cpus: self.cpus.clone().map(|c| c.0).unwrap_or_default(),
            oversubscribe: self.oversubscribe,
            plan,
            hold: Hold { celsius: (self.band > 0.0).then_some(self.band), start_celsius: None, governor: !self.keep_governor },
            passes: self.passes.unwrap_or(PASSES),
            is_extended: false,
            memory_kib: self.memory,
            seed,
            timed_runs: self.timed_runs,
            allow_unknown: self.allow_unknown,
        }
    }
}
