//! How a command measures.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use engines::EngineKind;

use super::error::CollectError;
use crate::agent::clock;
use crate::devices::{self, Access, Address, Transport, TransportError};
use crate::measure::raw::{Purpose, Request};
use crate::measure::reserve::holder;
use crate::notices::with_notices;
use crate::protocol::{Hold, Item, Job, PROTOCOL, Plan};

/// The settings of every command that measures.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The device.
    pub device: Address,
    /// The engine.
    pub engine: EngineKind,
    /// Its library on the host, where given.
    pub engine_lib: Option<PathBuf>,
    /// Key file for ssh, where given.
    pub identity: Option<PathBuf>,
    /// Threads of the engine.
    pub threads: usize,
    /// CPUs to be pinned to; the agent chooses where empty.
    pub cpus: Vec<usize>,
    /// Whether the engine may have more threads than there are CPUs for them.
    pub oversubscribe: bool,
    /// How and how long to measure, all passes together.
    pub plan: Plan,
    /// What the device is held at meanwhile.
    pub hold: Hold,
    /// Measurement passes, each in fresh processes.
    pub passes: usize,
    /// Whether passes are added beyond the planned time while a model has too few samples for a median: where the user set no time.
    pub is_extended: bool,
    /// Most memory that the agent may use, in KiB; by what the device has where absent.
    pub memory_kib: Option<u64>,
    /// Seed of the order.
    pub seed: u64,
    /// Timed runs of each model on a simulated device.
    pub timed_runs: usize,
    /// Whether a simulated device may execute instructions that the simulator does not know.
    pub allow_unknown: bool,
}

impl Setting {
    /// Refuses what can be refused before models are prepared: on this machine, an engine that this program does not hold, and more
    /// threads than CPUs; on a simulated device, what it cannot run, and more threads than its one processor.
    ///
    /// # Errors
    /// [`CollectError::Engine`], [`CollectError::Crowded`], [`CollectError::OneProcessor`], [`CollectError::Transport`].
    pub fn check_engine(&self) -> Result<(), CollectError> {
        if self.device.is_simulated() {
            self.check_simulated()?;
        }
        self.engine.check_library(self.engine_lib.as_deref())?;
        if self.device == Address::Local && !self.engine.is_built() {
            return Err(self.engine.not_built().into());
        }
        let room = clock::room(&self.cpus);
        if self.device == Address::Local && self.threads > room && !self.oversubscribe {
            return Err(CollectError::Crowded { threads: self.threads, cpus: room });
        }
        Ok(())
    }

    #[cfg(not(target_os = "android"))]
    fn check_simulated(&self) -> Result<(), CollectError> {
        crate::devices::simulated::check_engine(self.engine).map_err(TransportError::from)?;
        if self.threads > 1 || !self.cpus.is_empty() {
            let option = if self.threads > 1 { format!("--threads {}", self.threads) } else { "--cpus".to_string() };
            return Err(CollectError::OneProcessor { device: self.device.clone(), option });
        }
        Ok(())
    }

    #[cfg(target_os = "android")]
    fn check_simulated(&self) -> Result<(), CollectError> {
        Ok(())
    }

    /// The engine's library where this machine can use it as well: it is named, and of this machine.
    pub fn host_library(&self) -> Option<&Path> {
        let is_here = self.device == Address::Local && self.engine == EngineKind::OnnxRuntime;
        self.engine_lib.as_deref().filter(|_| is_here)
    }

    /// Opens the device, and tells the user what there is to know of that.
    pub(super) fn open(&self) -> Result<Box<dyn Transport>, TransportError> {
        let access = Access { identity: self.identity.as_deref(), allow_unknown: self.allow_unknown };
        with_notices(|notices| devices::open(&self.device, access, notices))
    }

    /// What a raw file's first line says of this, and of these items; for a table.
    pub fn request(&self, items: Vec<String>) -> Request {
        Request {
            purpose: Purpose::Build,
            space: None,
            points: None,
            threads: self.threads,
            cpus: self.cpus.clone(),
            engine: self.engine.to_string(),
            device: self.device.to_string(),
            reference: None,
            sampling: self.sampling(),
            items,
        }
    }

    /// The options that change what a sample is.
    fn sampling(&self) -> BTreeMap<String, String> {
        let us = |us: f64| format!("{us}us");
        let own = if self.device.is_simulated() {
            vec![("--timed-runs", self.timed_runs.to_string())]
        } else {
            vec![("--sample", us(self.plan.sample_us)), ("--canary", us(self.plan.canary_us))]
        };
        let cold = [("--cold", self.plan.cold_runs.to_string())];
        own.into_iter().chain(cold).map(|(option, value)| (option.to_string(), value)).collect()
    }

    /// Seed of the order in a pass.
    pub(super) fn seed_of(&self, pass: usize) -> u64 {
        self.seed.wrapping_add(pass as u64)
    }

    /// The job of a process on a device with noise.
    pub(super) fn job(&self, seed: u64, engine_lib: Option<String>, plan: Plan, hold: Hold, items: Vec<Item>) -> Job {
        Job {
            protocol: PROTOCOL,
            engine: self.engine.name().to_string(),
            engine_lib,
            threads: self.threads,
            cpus: self.cpus.clone(),
            oversubscribe: self.oversubscribe,
            holder: holder(),
            lock_timeout_ms: 0,
            simulated: false,
            seed,
            plan,
            hold,
            items,
        }
    }

    /// What one of several devices does that share the work: its part of the time, for its part of the precision.
    pub fn share(&self, device: Address, sharers: usize) -> Self {
        let plan = Plan {
            precision: self.plan.precision * (sharers as f64).sqrt(),
            budget_ms: (self.plan.budget_ms / sharers as u64).max(1),
            // Each unit's own median must have an interval.
            min_samples: self.plan.min_samples.div_ceil(sharers).max(6),
            ..self.plan
        };
        Self { device, plan, ..self.clone() }
    }
}

#[cfg(test)]
impl Setting {
    /// One of this machine, for tests: a test names the values that it is about.
    pub(crate) fn example() -> Self {
        Self {
            device: Address::Local,
            engine: EngineKind::OnnxRuntime,
            engine_lib: None,
            identity: None,
            threads: 1,
            cpus: Vec::new(),
            oversubscribe: false,
            plan: crate::protocol::examples::plan(),
            hold: Hold { celsius: None, start_celsius: None, governor: false },
            passes: 1,
            is_extended: false,
            memory_kib: None,
            seed: 1,
            timed_runs: 1,
            allow_unknown: false,
        }
    }
}
