//! What the agent says: events, one JSON line each.

use serde::{Deserialize, Serialize};

use crate::hardware::Knowledge;

/// An input or output as it was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shaped {
    /// Its name.
    pub name: String,
    /// Its type, by NumPy's name; absent for an output that is no tensor of numbers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub element: Option<String>,
    /// Its dimensions.
    pub shape: Vec<usize>,
}

/// What is known of the device; everything optional, nothing trusted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DeviceFacts {
    /// Model, chip, processors, sensors.
    pub known: Knowledge,
    /// Processor architecture.
    pub arch: String,
    /// Serial number, as the device gives it.
    pub serial: Option<String>,
    /// What suggests that an emulator runs the agent; empty on real hardware.
    pub emulation: Vec<String>,
}

/// A line of the agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// The first line.
    Start(Box<Start>),
    /// A model is about to be loaded: if nothing follows, it crashed the agent.
    Loading {
        /// The item.
        id: String,
    },
    /// A model is ready and its outputs are right.
    Ready {
        /// The item.
        id: String,
        /// Runs in one sample.
        runs: u64,
        /// Largest difference to the expected outputs, in parts of the largest expected value; absent where none were given.
        error: Option<f64>,
        /// Checksum of the outputs' bits.
        checksum: String,
        /// What it took, on a device with noise; what follows is planned by it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        took: Option<Took>,
    },
    /// How a user's model was run.
    Described {
        /// The item.
        id: String,
        /// What it was given.
        inputs: Vec<Shaped>,
        /// What came out.
        outputs: Vec<Shaped>,
        /// Remarks on its outputs, for the user.
        notes: Vec<String>,
    },
    /// All models are loaded; sampling begins.
    Sampling,
    /// The first temperature of the whole measurement, around which its band lies; not sent where the job states it.
    FirstTemperature {
        /// It, in °C.
        celsius: f64,
    },
    /// One sample.
    Sample(Sample),
    /// One run with cold caches.
    Cold {
        /// The item.
        id: String,
        /// Its time, in µs.
        us: f64,
        /// Time of one canary unit just before, in µs.
        canary_us: f64,
    },
    /// Where the simulated cycles of a run went; the host adds it.
    Explained(Box<Explanation>),
    /// Nothing is measured until the device is fit for it again.
    Resting {
        /// The temperature waited for to come back.
        celsius: f64,
    },
    /// A round is over.
    Round {
        /// Its number, from 1.
        round: u64,
        /// Items that have reached the precision.
        settled: usize,
        /// Time spent sampling, in ms.
        elapsed_ms: u64,
    },
    /// All is done.
    Done {
        /// Whether all items reached the precision (else the budget was spent).
        precise: bool,
    },
    /// The agent gives up.
    Failed {
        /// The item at fault, if it is one.
        id: Option<String>,
        /// What happened.
        reason: String,
        /// Whether a user's model, or what it is given, is at fault, and not the device.
        #[serde(default)]
        by_user: bool,
    },
}

impl Event {
    /// The item that it is about.
    pub fn id(&self) -> Option<&str> {
        match self {
            Self::Loading { id } | Self::Ready { id, .. } | Self::Described { id, .. } | Self::Cold { id, .. } => Some(id),
            Self::Sample(sample) => Some(&sample.id),
            Self::Explained(explanation) => Some(&explanation.id),
            Self::Start(_)
            | Self::Sampling
            | Self::FirstTemperature { .. }
            | Self::Resting { .. }
            | Self::Round { .. }
            | Self::Done { .. }
            | Self::Failed { .. } => None,
        }
    }
}

/// What a model took until it was ready, and takes to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Took {
    /// Reading, loading, first runs and checking, in ms.
    pub load_ms: f64,
    /// A run, in µs: the fastest of a few.
    pub run_us: f64,
    /// Memory of the agent's process that is resident then, in KiB; 0 where the system does not tell.
    pub resident_kib: u64,
}

/// Where and with what the agent runs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Start {
    /// [`PROTOCOL`](super::PROTOCOL).
    pub protocol: u32,
    /// The agent's version.
    pub version: String,
    /// The device.
    pub device: DeviceFacts,
    /// The engine's name, version and files.
    pub engine: EngineFacts,
    /// CPUs it is pinned to; empty where it could not be pinned.
    pub cpus: Vec<usize>,
    /// What decides on the clock while it measures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// What the canary computes; empty on a simulated device, which has none.
    pub canary: String,
    /// Memory that the system could still give away at the start, in KiB, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_kib: Option<u64>,
    /// Why its CPUs, or some of them, could not be locked against other measurements; absent where they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlocked: Option<String>,
    /// What simulated the device, if it was; the host adds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulator: Option<SimulatorFacts>,
}

/// What simulates a device. Times of two different ones do not mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SimulatorFacts {
    /// The chip's name.
    pub chip: String,
    /// SHA-256 of the texts of the chip's file and of its core's.
    pub chip_sha256: String,
    /// Hash of the model's sources.
    pub simulator: String,
    /// QEMU's version.
    pub qemu: String,
    /// SHA-256 of QEMU's program.
    pub qemu_sha256: String,
    /// SHA-256 of the agent. Another build of the same engine has its code and data at other places, and so other times by some tenths
    /// of a percent.
    pub agent_sha256: String,
}

/// The engine that runs on the device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EngineFacts {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The precision that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// SHA-256 of its library.
    pub library_sha256: Option<String>,
    /// How it was built, where it is part of the agent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
}

/// One timed stretch of runs between two canaries.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The item.
    pub id: String,
    /// When, in ms since sampling began.
    pub at_ms: f64,
    /// Mean time of a run, in µs.
    pub us: f64,
    /// By how much its slowest part was above its fastest, as a share of it; 0 where it has no parts, and then only.
    #[serde(default)]
    pub spread: f64,
    /// Time of one canary unit before it, in µs.
    pub before_us: f64,
    /// Time of one canary unit after it, in µs.
    pub after_us: f64,
    /// CPU it ended on.
    pub cpu: Option<usize>,
    /// The clock just after it, in MHz, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mhz: Option<f64>,
    /// The processors' temperature, in °C, where it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub celsius: Option<f64>,
    /// Why it must not be used, if so.
    pub fault: Option<SampleFault>,
}

/// Where the cycles of a simulated run went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// The item.
    pub id: String,
    /// Whether it was run with cold caches.
    pub cold: bool,
    /// All cycles.
    pub cycles: u64,
    /// Their time, rounded down.
    pub nanoseconds: u64,
    /// Cycles by cause, the simulator's names; those that took none are left out. They add up to the whole.
    pub causes: Vec<(String, u64)>,
    /// Instructions.
    pub instructions: u64,
    /// Floating-point multiply-adds, an element each.
    pub multiply_adds: u64,
    /// Branches that could have gone elsewhere.
    pub branches: u64,
    /// Of these, predicted wrong.
    pub mispredicted: u64,
    /// Instructions that the simulator does not know.
    pub unknown: u64,
    /// Accesses, misses and bytes, by the simulator's names.
    pub memory: Vec<(String, u64)>,
    /// The functions of the program that took most cycles, the longest first.
    pub functions: Vec<(String, u64)>,
}

/// Why a sample is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleFault {
    /// The canaries before and after differ too much.
    Canary,
    /// It ended on a CPU it was not pinned to, or on another one than it began on.
    Moved,
    /// Another process ran on the CPU in between, or the process was stopped.
    Preempted,
    /// The device was too warm or too cold.
    Temperature,
}

impl SampleFault {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Canary, Self::Moved, Self::Preempted, Self::Temperature];
}

impl Sample {
    /// Mean time of the canary units before and after it, in µs.
    pub fn canary_us(&self) -> f64 {
        0.5 * (self.before_us + self.after_us)
    }

    /// Time of a run in canary units.
    pub fn ratio(&self) -> f64 {
        self.us / self.canary_us()
    }
}
