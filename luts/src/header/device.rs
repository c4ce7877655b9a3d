//! What was measured, and with which engine.

use serde::{Deserialize, Serialize};

use crate::units::Megahertz;

/// A device, as far as it could be found out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// What people call it.
    pub model: String,
    /// Processor architecture: `aarch64`.
    pub arch: String,
    /// System on chip or processor model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soc: Option<String>,
    /// Hash of the serial number: tells units apart without naming them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_hash: Option<String>,
    /// System: `Android 9`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<String>,
    /// Kernel release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<String>,
    /// Memory in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// Names of its temperature sensors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensors: Vec<String>,
    /// Its clusters of processors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clusters: Vec<Cluster>,
}

/// Processors of one kind that share clock and cache.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cluster {
    /// Their numbers: `0-3`.
    pub cpus: String,
    /// Their core: `Cortex-A53`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core: Option<String>,
    /// What tells the processor from another one of the same name: `GenuineIntel family 6 model 143 stepping 8`,
    /// `implementer 0x41 part 0xd03 variant 0x0 revision 4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub processor: Option<String>,
    /// Its instruction sets that bear on arithmetic, separated by blanks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instruction_sets: Option<String>,
    /// Lowest frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_mhz: Option<Megahertz>,
    /// Highest frequency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_mhz: Option<Megahertz>,
    /// Those that share the second cache with the first of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_l2: Option<String>,
}

/// An engine's build.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineId {
    /// Its name: `onnxruntime`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// The precision that it was told to compute in, where it can be told one: `high`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub precision: Option<String>,
    /// SHA-256 of its library, in hex, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub library_sha256: Option<String>,
    /// How it was built, where it is part of a program: its sources and their hash, options, target, compiler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// SHA-256 of the program that it was part of, in hex: of tables of schema 2, not written any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program_sha256: Option<String>,
}

/// What simulated a device. Times of two different ones are not mixed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Simulator {
    /// The chip's name: `sd625`.
    pub chip: String,
    /// SHA-256, in hex, of the texts of the chip's file and of its core's.
    pub chip_sha256: String,
    /// Version of the model.
    pub model: String,
    /// QEMU's version.
    pub qemu: String,
    /// SHA-256, in hex, of QEMU and its libraries; empty where that is not known.
    pub qemu_sha256: String,
    /// SHA-256, in hex, of the agent that held the engine. Another build of the same engine has its code and data at other places, and
    /// so other times by some tenths of a percent.
    pub agent_sha256: String,
    /// How near the model came to real chips.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<ModelError>,
}

/// How near a model came to a real chip in one comparison. Errors are of the simulated time against the published one, as shares.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelError {
    /// What was compared, in a few words.
    pub what: String,
    /// How many times.
    pub count: usize,
    /// Mean absolute error.
    pub mape: f64,
    /// Mean signed error.
    pub bias: f64,
    /// Largest absolute error, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest: Option<f64>,
    /// Kendall's tau of the orders, where it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kendall_tau: Option<f64>,
}
