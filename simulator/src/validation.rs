//! How near the model came to real chips, as it was last compared.

use serde::Deserialize;

/// What `scripts/validate-simulator.sh` wrote last.
const SUMMARY: &str = include_str!("../validation/results/summary.toml");

/// One comparison with published times of a real chip. Errors are shares of the published time.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Compared {
    /// What was compared, in a few words.
    pub what: String,
    /// How many times.
    pub count: usize,
    /// Mean absolute error.
    pub mape: f64,
    /// Mean signed error.
    pub bias: f64,
    /// Largest absolute error, where it is stated.
    pub largest: Option<f64>,
    /// Kendall's tau of the orders, where it is stated.
    pub kendall_tau: Option<f64>,
}

#[derive(Default, Deserialize)]
struct Summary {
    #[serde(default)]
    compared: Vec<Compared>,
}

/// All comparisons that were made; none where there were none.
pub fn validation() -> Vec<Compared> {
    // A test reads it: it is in order.
    toml::from_str::<Summary>(SUMMARY).unwrap_or_default().compared
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_is_in_order() {
        let summary: Summary = toml::from_str(SUMMARY).unwrap();
        assert!(summary.compared.iter().all(|c| c.count > 0 && c.mape >= c.bias.abs() - 1e-9), "{:?}", summary.compared);
    }
}
