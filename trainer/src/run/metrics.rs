//! `metrics.csv`: a row an epoch.

use std::path::{Path, PathBuf};

use files::FileError;
use serde::{Deserialize, Serialize};

use super::files::{read_csv, write_csv};

/// The kind of an epoch: what it trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EpochKind {
    /// The supernet's weights only.
    Warmup,
    /// The supernet's weights, then the architecture.
    Search,
    /// A subnet's weights.
    Finetune,
}

/// An epoch. Empty where a phase has no such number. The last three columns are times, which no resumed run repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// What was trained.
    pub phase: EpochKind,
    /// From 1.
    pub epoch: usize,
    /// Mean training loss of the weights' pass.
    pub train_loss: f64,
    /// Mean loss of the architecture's pass.
    pub arch_loss: Option<f64>,
    /// Mean squared-distance loss on the validation faces.
    pub val_loss: Option<f64>,
    /// NME on the validation faces, per cent. In a search: of the subnet that would be chosen now, with the supernet's weights.
    pub val_nme: Option<f64>,
    /// Learning rate of the weights.
    pub lr: f64,
    /// Temperature of the Gumbel softmax.
    pub temperature: Option<f64>,
    /// Cost by the probabilities of the candidates: µs, or MACs.
    pub expected_cost: Option<f64>,
    /// Cost of the subnet that would be chosen now: µs, or MACs.
    pub chosen_cost: Option<f64>,
    /// Training faces a second, loading included, validation not.
    pub images_per_s: f64,
    /// Seconds spent waiting for the next batch.
    pub loader_wait_s: f64,
    /// Seconds of the whole epoch.
    pub seconds: f64,
}

/// The rows of a run, kept in memory and rewritten whole after each epoch.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    rows: Vec<Row>,
}

impl MetricsLog {
    /// Reads the file if it is there.
    ///
    /// # Errors
    /// It is there and not readable as metrics.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Ok(Self { path: path.to_owned(), rows: read_csv(path)? })
    }

    /// The rows, oldest first.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// Drops the rows that `keep` refuses, in memory only: what a run is about to repeat.
    pub fn retain(&mut self, keep: impl FnMut(&Row) -> bool) {
        self.rows.retain(keep);
    }

    /// Appends a row and rewrites the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn push(&mut self, row: Row) -> Result<(), FileError> {
        self.rows.push(row);
        write_csv(&self.rows, &self.path)
    }
}
