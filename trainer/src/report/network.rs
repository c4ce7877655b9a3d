//! A network in the plane of latency and error.

use serde::Serialize;

/// What the published baseline is called beside other networks.
pub const BASELINE: &str = "MobileNetV3-PFLD";

/// Where a network comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// The run's own.
    Searched,
    /// Of a sweep from the run's warm-up.
    Sweep,
    /// Drawn at random.
    Random,
    /// The published baseline.
    Baseline,
}

/// A network in the plane of latency and error.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Net {
    /// What it is called.
    pub name: String,
    /// Where it comes from.
    #[serde(rename = "kind")]
    pub origin: Origin,
    /// Predicted cost in the table's unit; µs of the baseline, which is not of the space, are measured.
    pub cost: f64,
    /// NME of its last epoch, per cent.
    pub nme: f64,
    /// Whether no other network is both as fast and as good.
    pub on_front: bool,
}

/// Sorts by cost and marks those that no other one is better than: Pareto's front.
pub(super) fn mark_front(nets: &mut [Net]) {
    nets.sort_by(|a, b| a.cost.total_cmp(&b.cost).then(a.nme.total_cmp(&b.nme)));
    let mut least = f64::INFINITY;
    for net in nets {
        net.on_front = net.nme < least;
        least = least.min(net.nme);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(name: &str, cost: f64, nme: f64) -> Net {
        Net { name: name.to_string(), origin: Origin::Sweep, cost, nme, on_front: false }
    }

    #[test]
    fn the_front_holds_what_nothing_is_better_than() {
        let mut nets = [net("slow", 300.0, 2.0), net("bad", 200.0, 3.0), net("fast", 100.0, 2.5), net("as good", 150.0, 2.5)];
        mark_front(&mut nets);
        let front: Vec<_> = nets.iter().filter(|n| n.on_front).map(|n| n.name.as_str()).collect();
        assert_eq!(front, ["fast", "slow"]);
    }
}
