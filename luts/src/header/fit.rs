//! What the times were fitted to, and how they were checked.

use serde::{Deserialize, Serialize};

use crate::units::Micros;

/// Whole networks that were measured along with the blocks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fit {
    /// Root mean square of (predicted − measured) / measured over those networks, each predicted from the others.
    pub residual: f64,
    /// Root mean square over those networks of the standard error of their own times, as a share: what of the residual is noise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noise: Option<f64>,
    /// Their architectures: primitives of the layers, separated by blanks.
    pub architectures: Vec<String>,
    /// Some of them with their times: measured again later, they tell how the device's state has changed since.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub anchors: Vec<Anchor>,
}

/// A whole network and what it took when the table was built.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anchor {
    /// Its architecture.
    pub architecture: String,
    /// Its time, as measured, not as fitted.
    pub measured_us: Micros,
    /// That time's standard error, as a share of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<f64>,
}

/// What `profiler check` found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checked {
    /// When: RFC 3339, UTC. Absent from a simulated table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
    /// Networks measured.
    pub nets: usize,
    /// Seed that drew them.
    pub seed: u64,
    /// Mean of |predicted − measured| / measured.
    pub mape: f64,
    /// Mean of (predicted − measured) / measured.
    pub bias: f64,
    /// Share of networks within 5 %.
    pub within_5: f64,
    /// Share of networks within 10 %.
    pub within_10: f64,
    /// Agreement of the two orders, −1 to 1.
    pub kendall_tau: f64,
    /// How much slower than at the build the device was, by the anchors; the other figures are without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<f64>,
    /// Mean signed error with that state left in the networks' figures.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bias_with_state: Option<f64>,
    /// Share of networks whose figure lies in the predicted 95 % interval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub covered: Option<f64>,
}

impl Fit {
    /// Standard error, as a share, of a network's prediction against its true time: the residual without what the networks' own noise puts
    /// into it, as variances subtract (at least half of it, since the noise is only known so well).
    pub fn prediction_error(&self) -> f64 {
        let noise = self.noise.unwrap_or_default();
        (self.residual.powi(2) - noise.powi(2)).max(0.0).sqrt().max(0.5 * self.residual)
    }
}
