//! Which faces weights were trained on, and which were held back.

use faces::data::Dataset;
use serde::{Deserialize, Serialize};

use super::files::sha256_of_file;
use crate::error::Result;

/// The faces of a training list that weights were trained on: all but a part that was held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// SHA-256 of the list.
    pub list_sha256: String,
    /// The part of it that was held back; 0: none.
    pub held_back: f64,
    /// The seed that chose which.
    pub seed: u64,
}

impl TrainedOn {
    /// The faces (trained on, held back), both ascending.
    ///
    /// # Errors
    /// The list cannot be divided so.
    pub fn split(&self, train: &Dataset) -> Result<(Vec<usize>, Vec<usize>)> {
        if self.held_back == 0.0 {
            return Ok(((0..train.len()).collect(), Vec::new()));
        }
        Ok(train.split(self.held_back, self.seed)?)
    }

    /// Whether that is the list which the weights were trained on.
    ///
    /// # Errors
    /// It cannot be read any more.
    pub fn is_of(&self, train: &Dataset) -> Result<bool> {
        Ok(sha256_of_file(train.list_path())? == self.list_sha256)
    }

    /// The faces of a training list that are the weights' to take statistics of: those they were trained on; of another list, or where
    /// nothing is known of the weights, all.
    ///
    /// # Errors
    /// The list cannot be read or divided.
    pub fn share(of: Option<&Self>, train: &Dataset) -> Result<Vec<usize>> {
        match of {
            Some(of) if of.is_of(train)? => Ok(of.split(train)?.0),
            _ => Ok((0..train.len()).collect()),
        }
    }
}
