//! What the steps of a search train, on which examples, and what they see.

use serde::{Deserialize, Serialize};

/// What the architecture is trained on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchData {
    /// A fifth of the training list, which the weights then do not see.
    Split,
    /// The test list, as the reference does: the choice has then seen the test examples.
    Test,
}

/// What a step of the warm-up trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WarmUp {
    /// Mixtures of all candidates.
    #[default]
    Mixture,
    /// One candidate a layer, each as often as any other.
    Fair,
}

impl WarmUp {
    pub(super) fn is_mixture(&self) -> bool {
        *self == Self::Mixture
    }
}

/// What a step of the architecture sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ArchPaths {
    /// Mixtures of all candidates.
    #[default]
    Mixture,
    /// The outputs of one candidate a layer. Batch norm takes the statistics of the batch, so that they are this path's own.
    Single,
}

impl ArchPaths {
    pub(super) fn is_mixture(&self) -> bool {
        *self == Self::Mixture
    }
}
