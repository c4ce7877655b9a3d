//! What is counted as cost, and how several devices' costs become one.

use serde::{Deserialize, Serialize};

/// The unit of a table's times, as files and messages name it.
pub const MICROS: &str = "µs";
/// The unit of multiply-adds.
pub const MACS: &str = "MAC";

/// The unit that people are shown costs in, and how many of `unit` one of it is: multiply-adds are shown in millions.
pub fn shown(unit: &str) -> (&str, f64) {
    if unit == MACS { ("MMAC", 1e6) } else { (unit, 1.0) }
}

/// How the times of several devices become one cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Combine {
    /// That of the slowest device.
    Max,
    /// Their mean.
    Mean,
}

/// What the latency term adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PerfMetric {
    /// µs of the table.
    Latency,
    /// Multiply-adds; needs no table.
    Flops,
}

/// Which part of the network the latency term adds up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LatencyScope {
    /// The searched layers.
    Searched,
    /// The trunk too.
    Whole,
}
