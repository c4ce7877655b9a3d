//! Where a table comes from: the TOML in its comment lines.

use std::fmt;

use blocks::{Measurable, Space};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::folder::Folder;
use crate::units::{Celsius, Megahertz, Micros};

/// How the times were got.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The device ran the blocks, and a clock was read.
    Measured,
    /// A model of a CPU computed them.
    Simulated,
    /// An emulator ran the blocks: the path works, the times mean nothing.
    Emulated,
    /// Read from another tool's table.
    Imported,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Measured => "measured",
            Self::Simulated => "simulated",
            Self::Emulated => "emulated",
            Self::Imported => "imported",
        })
    }
}

/// A table's provenance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// How the times were got.
    pub source: Source,
    /// When the build ended: RFC 3339, UTC. Absent from a simulated table, which is the same whenever it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Version of the program that made the table.
    pub profiler: String,
    /// How `latency_us` comes from the samples, in a few words.
    pub method: String,
    /// Landmarks of the networks measured; decides the size of `trunk:fc`. Absent of a space of ONNX files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<usize>,
    /// Threads the engine used.
    pub threads: usize,
    /// CPUs the process was pinned to; empty where it was not pinned.
    pub cpus: Vec<usize>,
    /// Why measuring ended: `precision` or `budget`; absent where nothing was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_by: Option<String>,
    /// What computed the right outputs that the device's were compared with: `onnxruntime 1.32.0, unoptimised, host`, or `none` where
    /// nothing did. Absent where the project's own formulas did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The search space.
    pub space: SpaceId,
    /// What ran the blocks.
    pub device: Device,
    /// What executed them.
    pub engine: EngineId,
    /// What simulated the device, of a simulated table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulator: Option<Simulator>,
    /// The compute loop that every sample was divided by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub canary: Option<Canary>,
    /// What decided on the clock while measuring: `performance (was interactive)`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub governor: Option<String>,
    /// Clock seen while measuring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock: Option<ClockBand>,
    /// Temperature seen while measuring.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<TemperatureBand>,
    /// The units that measured together, where they were several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub units: Option<Units>,
    /// Whole networks used in fitting.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fit: Option<Fit>,
    /// The table's own error, found on networks it never saw.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checked: Option<Checked>,
}

/// Which search space it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceId {
    /// Its name.
    pub name: String,
    /// SHA-256 of what it measures, in hex.
    pub hash: String,
    /// Its slots, of a space of ONNX files; absent of a space of primitives, whose layers the programs know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<Folder>,
}

impl From<&Space> for SpaceId {
    fn from(space: &Space) -> Self {
        Self { name: space.name().to_string(), hash: space.hash(), folder: None }
    }
}

impl From<&dyn Measurable> for SpaceId {
    fn from(space: &dyn Measurable) -> Self {
        Self { name: space.name().to_string(), hash: space.hash(), folder: space.folder().map(Folder::from) }
    }
}

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

/// The fixed compute loop beside each sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// What it computes; canaries of different kinds cannot be compared.
    pub kind: String,
    /// Its time while the device was idle. A latency is the ratio of a sample to its canaries, times this.
    pub stated_us: Micros,
    /// Its median over the whole build.
    pub median_us: Micros,
}

/// Clock frequencies seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClockBand {
    /// Lowest.
    pub min_mhz: Megahertz,
    /// Median.
    pub median_mhz: Megahertz,
    /// Highest.
    pub max_mhz: Megahertz,
}

/// Temperatures seen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemperatureBand {
    /// At the start.
    pub start_c: Celsius,
    /// Lowest.
    pub min_c: Celsius,
    /// Highest.
    pub max_c: Celsius,
}

/// Several units of one model that measured one table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Units {
    /// `spread` (they shared the work) or `replicate` (each did all of it).
    pub mode: String,
    /// How many.
    pub count: usize,
    /// Hashes of their serial numbers, where they gave one.
    pub serial_hashes: Vec<String>,
    /// Median over the rows of slowest unit / fastest unit − 1; absent where each unit did a part only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub median_spread: Option<f64>,
    /// The largest of these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub largest_spread: Option<f64>,
}

/// Whole networks that were measured along with the blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Root mean square of (predicted − measured) / measured over those networks, each predicted from the others.
    pub residual: f64,
    /// Root mean square over those networks of the standard error of their own times, as a share: what of the residual is noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Their architectures: primitives of the layers, separated by blanks.
    pub architectures: Vec<String>,
    /// Some of them with their times: measured again later, they tell how the device's state has changed since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchors: Vec<Anchor>,
}

/// A whole network and what it took when the table was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Its architecture.
    pub architecture: String,
    /// Its time, as measured, not as fitted.
    pub measured_us: Micros,
    /// That time's standard error, as a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}

/// What `profiler check` found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// When: RFC 3339, UTC. Absent from a simulated table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Networks measured.
    pub nets: usize,
    /// Seed that drew them.
    pub seed: u64,
    /// Mean of |predicted − measured| / measured.
    pub mape: f64,
    /// Mean of (predicted − measured) / measured.
    pub bias: f64,
    /// Share of networks within 5 %.
    pub within_5: f64,
    /// Share of networks within 10 %.
    pub within_10: f64,
    /// Agreement of the two orders, −1 to 1.
    pub kendall_tau: f64,
    /// How much slower than at the build the device was, by the anchors; the other figures are without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<f64>,
    /// Mean signed error with that state left in the networks' figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_with_state: Option<f64>,
    /// Share of networks whose figure lies in the predicted 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<f64>,
}

impl Fit {
    /// Standard error, as a share, of a network's prediction against its true time: the residual without what the networks' own noise puts
    /// into it, as variances subtract (at least half of it, since the noise is only known so well).
    pub fn prediction_error(&self) -> f64 {
        let noise = self.noise.unwrap_or_default();
        (self.residual.powi(2) - noise.powi(2)).max(0.0).sqrt().max(0.5 * self.residual)
    }
}

impl Header {
    /// When it was made, for people.
    pub fn made(&self) -> &str {
        self.date.as_deref().unwrap_or("of any date")
    }

    /// What is wrong with the header's own figures; empty where nothing is.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let mut need = |ok: bool, field: &'static str, reason: &'static str| {
            if !ok {
                faults.push(Fault::Header { field, reason });
            }
        };
        // Whoever shows a table shows these: no table shall steer the terminal.
        let is_plain = toml::Value::try_from(self).map_or(true, |header| is_plain(&header));
        need(is_plain, "a text", "holds control characters");
        let is_folder = self.space.folder.is_some();
        need(self.points.is_some() || is_folder, "points", "is missing");
        need(self.points.is_none() || !is_folder, "points", "is there, and the space is a folder");
        need(self.points != Some(0), "points", "must be at least 1");
        need(self.threads > 0, "threads", "must be at least 1");
        let simulated = self.source == Source::Simulated;
        need(self.date.is_some() || simulated, "date", "is missing, and the source is not 'simulated'");
        need(self.simulator.is_none() || simulated, "simulator", "is there, and the source is not 'simulated'");
        if let Some(canary) = &self.canary {
            let positive = |t: Micros| t.0.is_finite() && t.0 > 0.0;
            need(positive(canary.stated_us) && positive(canary.median_us), "canary", "times must be above 0");
        } else {
            need(self.source != Source::Measured, "canary", "is missing, and the source is 'measured'");
        }
        if let Some(fit) = &self.fit {
            need(fit.residual.is_finite() && fit.residual >= 0.0, "fit.residual", "must be a number of at least 0");
            let positive = |anchor: &Anchor| anchor.measured_us.0.is_finite() && anchor.measured_us.0 > 0.0;
            need(fit.anchors.iter().all(positive), "fit.anchors", "times must be above 0");
            let errors = fit.anchors.iter().filter_map(|anchor| anchor.standard_error).chain(fit.noise);
            need(errors.into_iter().all(|e| e.is_finite() && e >= 0.0), "fit", "standard errors must be numbers of at least 0");
        }
        faults.extend(self.space.folder.iter().flat_map(Folder::faults));
        faults
    }
}

/// Whether no text holds a control character other than line ends and tabs.
fn is_plain(value: &toml::Value) -> bool {
    match value {
        toml::Value::String(text) => files::plain(text) == *text,
        toml::Value::Array(values) => values.iter().all(is_plain),
        toml::Value::Table(table) => table.values().all(is_plain),
        _ => true,
    }
}
