//! Which examples weights were trained on, and which were held back.

use serde::{Deserialize, Serialize};

/// The examples of a training list that weights were trained on: all but a part that was held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// SHA-256 of the list.
    pub list_sha256: String,
    /// The part of it that was held back; 0: none.
    pub held_back: f64,
    /// The seed that chose which.
    pub seed: u64,
}
