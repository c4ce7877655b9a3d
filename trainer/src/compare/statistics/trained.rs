//! A trained network.

use serde::{Deserialize, Serialize};

/// A trained network.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Its folder's name in the run's `baselines/`; `searched` for the run's own.
    pub name: String,
    /// A primitive a layer.
    pub choice: Vec<String>,
    /// Predicted cost of the whole network, in the table's unit.
    pub predicted: f64,
    /// NME of the last epoch, per cent.
    pub nme: f64,
    /// The same of a second training with another seed; none if there was none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<f64>,
    /// NME on the held-back examples with the supernet's weights and running statistics of its own, before it was trained, per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recalibrated: Option<f64>,
}
