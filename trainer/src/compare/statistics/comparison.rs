//! A searched network among random ones of one seed.

use serde::Serialize;

use super::equal_cost::{Adjusted, Lines};
use super::estimate::{Estimate, Spread, Uncertain, Verdict};
use super::trained::Trained;
use crate::cost;

/// A searched network among random ones: `baselines/random.json`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The searched one.
    pub searched: Trained,
    /// The random ones, at least one.
    pub random: Vec<Trained>,
    /// `µs` or `MAC`.
    pub unit: String,
    /// On which faces NME was taken: `test`, or `held back`.
    pub on: String,
    /// Mean NME of the random ones, per cent.
    pub mean: f64,
    /// Its standard deviation (of a sample); none for a single network.
    pub sd: Option<f64>,
    /// The searched network's error less that of a random one, whatever their times, percentage points.
    pub difference: Estimate,
    /// The same at equal times; none for fewer than three random networks, or where their times are all the same.
    pub adjusted: Option<Adjusted>,
}

impl Comparison {
    /// Holds `searched` against `random`, of which there is at least one.
    pub fn new(searched: Trained, random: Vec<Trained>, unit: &str, on: &str) -> Self {
        let n = random.len() as f64;
        let Spread { mean, sd } = Spread::of(random.iter().map(|net| net.nme));
        let error = sd.map_or(f64::NAN, |sd| sd * (1.0 + 1.0 / n).sqrt());
        let difference = Uncertain { value: searched.nme - mean, error, freedom: n - 1.0 }.estimate();
        let adjusted = Lines::fit([(&searched, random.as_slice())]).map(|lines| lines.adjusted());
        Self { searched, random, unit: unit.to_string(), on: on.to_string(), mean, sd, difference, adjusted }
    }

    /// Whether the searched network is better than random ones, at equal cost if that is known.
    pub fn verdict(&self) -> Verdict {
        self.adjusted.as_ref().map_or(&self.difference, |adjusted| &adjusted.difference).verdict()
    }

    /// The result in sentences; `metric` is what the error is called.
    pub fn sentences(&self, metric: &str) -> Vec<String> {
        let sd = self.sd.map_or(String::new(), |sd| format!(" ± {sd:.3}"));
        let parts = || self.random.iter().map(|net| 100.0 * (net.predicted / self.searched.predicted - 1.0));
        let (low, high) = (parts().fold(f64::INFINITY, f64::min), parts().fold(f64::NEG_INFINITY, f64::max));
        let mut said = vec![format!(
            "{} random network{} (predicted cost {low:+.1} to {high:+.1} % relative to the searched one): {metric} {:.3}{sd} % ({})",
            self.random.len(),
            if self.random.len() == 1 { "" } else { "s" },
            self.mean,
            self.on
        )];
        match &self.adjusted {
            Some(Adjusted { slope, difference, prolonged }) => {
                let (unit, scale) = cost::shown(&self.unit);
                let flat = if slope.verdict() == Verdict::WithinSpread { "; not significantly different from 0" } else { "" };
                said.push(format!("slope of their error over cost: {} percentage points per {unit}{flat}", slope.shown(scale, 4)));
                let prolonged = if *prolonged { " (extrapolated)" } else { "" };
                said.push(format!(
                    "error of the searched network minus that of a random one of equal predicted cost{prolonged}: {} percentage points; {}",
                    difference.shown(1.0, 3),
                    difference.verdict()
                ));
            }
            None => {
                let why = if self.random.len() < 3 { "there are fewer than three networks" } else { "all costs are the same" };
                said.push(format!(
                    "error of the searched network minus that of a random one: {} percentage points, not adjusted for cost, since {why}; {}",
                    self.difference.shown(1.0, 3),
                    self.difference.verdict()
                ));
            }
        }
        said
    }
}

impl Adjusted {
    /// Of the searched networks of several seeds against their random ones, all together; none for too few networks, or if all costs are
    /// the same.
    pub fn of<'a>(seeds: impl IntoIterator<Item = &'a Comparison>) -> Option<Self> {
        lines(seeds).map(|lines| lines.adjusted())
    }
}

/// The lines of several seeds.
pub(super) fn lines<'a>(seeds: impl IntoIterator<Item = &'a Comparison>) -> Option<Lines<'a>> {
    Lines::fit(seeds.into_iter().map(|seed| (&seed.searched, seed.random.as_slice())))
}

#[cfg(test)]
mod tests {
    use super::super::made_up::net;
    use super::*;

    fn compare(searched: Trained, random: &[(f64, f64)]) -> Comparison {
        Comparison::new(searched, random.iter().map(|&(cost, nme)| net(cost, nme)).collect(), "µs", "test")
    }

    /// The networks of `trainer/results/scut86/random.json`; the figures are worked out apart, with t = 2.446912 for six degrees of
    /// freedom.
    #[test]
    fn what_is_faster_on_average_is_held_against_the_line_at_equal_time() {
        let random = [
            (144.082, 2.34917),
            (147.057, 2.33312),
            (149.714, 2.31897),
            (143.531, 2.37564),
            (140.502, 2.34546),
            (144.422, 2.35202),
            (146.026, 2.35117),
            (142.542, 2.37434),
        ];
        let found = compare(net(153.379, 2.31115), &random);
        // The searched one is the best of the nine.
        assert!(random.iter().all(|&(_, nme)| nme > 2.31115));
        let Adjusted { slope, difference, prolonged } = found.adjusted.unwrap();
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 2e-6, "{found} {expected}");
        close(slope.value, -0.004550);
        close(difference.value, 0.000496);
        let [low, high] = difference.interval.unwrap();
        close(low, -0.056990);
        close(high, 0.057982);
        let [low, high] = slope.interval.unwrap();
        close(low, -0.009437);
        close(high, 0.000337);
        assert!(prolonged);
        assert_eq!((found.verdict(), slope.verdict()), (Verdict::WithinSpread, Verdict::WithinSpread));
    }

    #[test]
    fn a_network_beyond_the_spread_is_better_or_worse() {
        // Errors fall by 0.01 a µs, with a spread of some hundredths.
        let random: Vec<(f64, f64)> = (0..8)
            .map(|i| {
                let cost = 97.0 + f64::from(i) * 6.0 / 7.0;
                (cost, 3.0 - 0.01 * (cost - 100.0) + if i % 2 == 0 { 0.01 } else { -0.01 })
            })
            .collect();
        for (nme, verdict) in [(2.9, Verdict::Better), (3.1, Verdict::Worse), (3.01, Verdict::WithinSpread)] {
            let found = compare(net(100.0, nme), &random);
            assert_eq!(found.verdict(), verdict, "{nme}");
            assert!(found.sentences("NME").pop().unwrap().contains(&verdict.to_string()));
        }
        // As good as random ones of its own time, though better than their mean.
        let slow = compare(net(110.0, 2.9), &random);
        assert!(slow.difference.interval.unwrap()[1] < 0.0 && slow.verdict() == Verdict::WithinSpread);
    }

    #[test]
    fn too_few_networks_or_equal_times_are_not_adjusted_and_say_so() {
        let one = compare(net(100.0, 2.0), &[(99.0, 2.1)]);
        assert_eq!((one.sd, one.difference.interval, &one.adjusted), (None, None, &None));
        assert_eq!(one.verdict(), Verdict::Unknown);
        let two = compare(net(100.0, 2.0), &[(99.0, 2.1), (101.0, 2.3)]);
        assert!(two.adjusted.is_none());
        // t of one degree of freedom is 12.706; sd 0.1414, of a difference to one more 0.1732.
        assert!((two.difference.interval.unwrap()[1] - (-0.2 + 12.706 * 0.173_205)).abs() < 1e-3);
        let equal = compare(net(100.0, 2.0), &[(100.0, 2.1), (100.0, 2.2), (100.0, 2.3)]);
        assert!(equal.adjusted.is_none());
        assert!(equal.sentences("NME").iter().all(|s| !s.contains("NaN")));
    }
}
