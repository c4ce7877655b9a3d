//! The predicted cost of a network.

use serde::{Deserialize, Serialize};

/// What a network costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Predicted {
    /// The searched layers.
    pub searched: f64,
    /// The trunk; none where the table has none.
    pub trunk: Option<f64>,
    /// Both.
    pub total: f64,
    /// Its 95 % interval; none where the table does not know it.
    #[serde(default)]
    pub interval: Option<[f64; 2]>,
}

impl Predicted {
    /// Σ share · figure.
    pub(super) fn shared(each: &[Self], shares: &[f64]) -> Self {
        let sum = |figure: &dyn Fn(&Self) -> Option<f64>| -> Option<f64> {
            each.iter().zip(shares).filter(|(_, share)| **share > 0.0).map(|(p, share)| Some(share * figure(p)?)).sum()
        };
        let end = |i: usize| sum(&|p| p.interval.map(|ends| ends[i]));
        Self {
            searched: sum(&|p| Some(p.searched)).unwrap_or(0.0),
            trunk: sum(&|p| p.trunk),
            total: sum(&|p| Some(p.total)).unwrap_or(0.0),
            interval: end(0).zip(end(1)).map(|(low, high)| [low, high]),
        }
    }
}
