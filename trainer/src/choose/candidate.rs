//! The networks that a search chooses from: `candidates.csv`.

use std::path::Path;

use files::FileError;
use serde::{Deserialize, Serialize};

use crate::run::{read_csv, write_csv};

/// The file's name in a run's folder.
pub const CANDIDATES: &str = "candidates.csv";

/// A network that may be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// Its index in each layer; not in the file.
    #[serde(skip)]
    pub indices: Vec<usize>,
    /// Its primitives, separated by spaces.
    pub choice: String,
    /// ln of its probability.
    pub log_probability: f64,
    /// Predicted cost of the whole network, in the table's unit.
    pub predicted: f64,
    /// Validation error with the supernet's weights and running statistics of its own, per cent; none if it was not taken.
    pub recalibrated_nme: Option<f64>,
    /// Validation error after the last round of training that it took part in, per cent; none if it was not trained.
    pub finetuned_nme: Option<f64>,
    /// Epochs of all these rounds.
    pub epochs: usize,
    /// Seconds that judging it took.
    pub seconds: f64,
}

impl Candidate {
    /// Reads the file, the chosen network first; none if the run has no such file.
    ///
    /// # Errors
    /// It holds something else.
    pub fn read(path: &Path) -> Result<Vec<Self>, FileError> {
        read_csv(path)
    }

    /// Writes the file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(candidates: &[Self], path: &Path) -> Result<(), FileError> {
        write_csv(candidates, path)
    }
}
