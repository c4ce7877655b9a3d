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
    /// SHA-256 of which ones those are, by their places in the list: it depends on more than the list, as on whose pictures they are.
    /// Checkpoints of before this was recorded do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_sha256: Option<String>,
}

/// A list that would now be divided into other examples than it was for a training.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the training held back other faces of this list than would be held back now, because meta.csv beside the list (whose pictures \
     they are) has changed; restore that file, or train again"
)]
pub struct OtherwiseDivided;

impl TrainedOn {
    /// The same, with these examples held back.
    #[must_use]
    pub fn holding(self, held: &[usize]) -> Self {
        let places = held.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        Self { held_sha256: (!held.is_empty()).then(|| files::sha256(places)), ..self }
    }

    /// Refuses other examples than those that were held back, as far as that is known.
    ///
    /// # Errors
    /// [`OtherwiseDivided`].
    pub fn check(&self, now: &Self) -> Result<(), OtherwiseDivided> {
        match (&self.held_sha256, &now.held_sha256) {
            (Some(then), Some(now)) if then != now => Err(OtherwiseDivided),
            _ => Ok(()),
        }
    }
}
