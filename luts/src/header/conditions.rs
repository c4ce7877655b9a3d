//! Under which conditions it was measured.

use serde::{Deserialize, Serialize};

use crate::units::{Celsius, Megahertz, Micros};

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
    /// The first reading, before the first sample.
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
