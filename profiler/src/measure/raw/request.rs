//! What a raw file's first line says was asked for.

use serde::{Deserialize, Serialize};

/// What was asked for; samples of different requests do not mix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// The command. Files of before checks kept theirs do not say it.
    #[serde(default)]
    pub purpose: Purpose,
    /// The space's hash; absent where models were given as files.
    pub space: Option<String>,
    /// Landmarks; absent where models were given as files.
    pub points: Option<usize>,
    /// Threads.
    pub threads: usize,
    /// CPUs asked for.
    pub cpus: Vec<usize>,
    /// The engine's name on the command line.
    pub engine: String,
    /// The device asked for.
    pub device: String,
    /// What computed the expected outputs; absent where this program knows the blocks itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Everything that is measured.
    pub items: Vec<String>,
}

/// What the samples are for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// A table.
    #[default]
    Build,
    /// A table's error.
    Check {
        /// The table's digest.
        table: String,
        /// Seed that drew the networks.
        seed: u64,
    },
    /// Models that were given as files.
    Bench,
}
