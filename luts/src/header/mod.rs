//! Where a table comes from: the TOML in its comment lines.

mod conditions;
mod device;
mod fit;

use std::collections::BTreeSet;
use std::fmt;

use blocks::{Measurable, Space};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::folder::Folder;
use crate::units::Micros;
pub use conditions::{Canary, ClockBand, TemperatureBand, Units};
pub use device::{Cluster, Device, EngineId, ModelError, Simulator};
pub use fit::{Anchor, Checked, Fit};

/// How the times were obtained.
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
    /// How the times were obtained.
    pub source: Source,
    /// When the build ended: RFC 3339, UTC. Absent from a simulated table, which is the same whenever it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Version of the program that made the table.
    pub profiler: String,
    /// How `latency_us` comes from the samples, in a few words.
    pub method: String,
    /// Of a merged table: the [rows' digests](crate::Table::rows_digest) of the tables that were measured or imported, whatever was merged
    /// in between. Empty of any other table.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub merged_from: Vec<String>,
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

impl Header {
    /// A header that says how the times were got and for which space, and nothing else: one thread, no date, no device.
    pub fn unmeasured(source: Source, space: SpaceId) -> Self {
        Self {
            source,
            date: None,
            profiler: String::new(),
            method: String::new(),
            merged_from: Vec::new(),
            points: None,
            threads: 1,
            cpus: Vec::new(),
            stopped_by: None,
            reference: None,
            space,
            device: Device::default(),
            engine: EngineId::default(),
            simulator: None,
            canary: None,
            governor: None,
            clock: None,
            temperature: None,
            units: None,
            fit: None,
            checked: None,
        }
    }

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
        let is_folder = self.space.folder.is_some();
        need(self.points.is_some() || is_folder, "points", "is missing");
        need(self.points.is_none() || !is_folder, "points", "is not allowed if the space is a folder");
        need(self.points != Some(0), "points", "must be at least 1");
        need(self.threads > 0, "threads", "must be at least 1");
        let simulated = self.source == Source::Simulated;
        need(self.date.is_some() || simulated, "date", "is missing; only a simulated table may leave it out");
        need(self.simulator.is_none() || simulated, "simulator", "is only allowed if the source is 'simulated'");
        if let Some(canary) = &self.canary {
            let positive = |t: Micros| t.0.is_finite() && t.0 > 0.0;
            need(positive(canary.stated_us) && positive(canary.median_us), "canary", "times must be above 0");
        } else {
            need(self.source != Source::Measured, "canary", "is missing; a measured table needs it");
        }
        if let Some(fit) = &self.fit {
            need(fit.residual.is_finite() && fit.residual >= 0.0, "fit.residual", "must be a number of at least 0");
            let positive = |anchor: &Anchor| anchor.measured_us.0.is_finite() && anchor.measured_us.0 > 0.0;
            need(fit.anchors.iter().all(positive), "fit.anchors", "times must be above 0");
            let errors = fit.anchors.iter().filter_map(|anchor| anchor.standard_error).chain(fit.noise);
            need(errors.into_iter().all(|e| e.is_finite() && e >= 0.0), "fit", "standard errors must be numbers of at least 0");
        }
        // Texts of a table are shown on terminals, which they must not control.
        let mut entries = BTreeSet::new();
        if let Ok(header) = toml::Value::try_from(self) {
            with_control_characters(&header, "", &mut entries);
        }
        faults.extend(entries.into_iter().map(|entry| Fault::ControlCharacters { entry }));
        faults.extend(self.space.folder.iter().flat_map(Folder::faults));
        faults
    }
}

/// Adds the entries below `entry` whose texts contain control characters other than line ends and tabs, and the sections with such names.
fn with_control_characters(value: &toml::Value, entry: &str, found: &mut BTreeSet<String>) {
    let is_plain = |text: &str| files::plain(text) == *text;
    match value {
        toml::Value::String(text) if is_plain(text) => {}
        toml::Value::Table(table) if table.keys().all(|name| is_plain(name)) => {
            for (name, value) in table {
                let inner = if entry.is_empty() { name.clone() } else { format!("{entry}.{name}") };
                with_control_characters(value, &inner, found);
            }
        }
        toml::Value::String(_) | toml::Value::Table(_) => {
            found.insert(entry.to_string());
        }
        toml::Value::Array(values) => values.iter().for_each(|value| with_control_characters(value, entry, found)),
        _ => {}
    }
}
