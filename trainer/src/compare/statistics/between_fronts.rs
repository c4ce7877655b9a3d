//! The whole front: searched networks of several costs against random ones of the same costs.
//!
//! At each point (a target) the searched network is compared with random ones of its cost, all seeds together. The differences, linked by
//! straight lines over the cost, enclose an area with the axis: that between the searched networks' curve and the random ones' mean
//! curve. Divided by the range of costs it is the mean difference. No point is left out because another one is better: the best of several
//! noisy errors would be too good on either side.

use std::collections::BTreeMap;

use serde::Serialize;

use super::comparison::{Comparison, lines};
use super::estimate::{Estimate, Uncertain};

/// A searched network among random ones at one point of the front.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FrontPoint {
    /// What its search differed in, as `target-150us`.
    pub name: String,
    /// The networks.
    pub networks: Comparison,
}

/// One point, all seeds together.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PointDifference {
    /// Its name.
    pub name: String,
    /// Mean predicted cost of the searched networks.
    pub cost: f64,
    /// Their mean error, per cent.
    pub nme: f64,
    /// Their error less that of a random one of their cost, percentage points.
    pub difference: Estimate,
}

/// What lies between the two fronts.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct BetweenFronts {
    /// The cheapest first.
    pub points: Vec<PointDifference>,
    /// The area, percentage points times the unit of cost; below 0 the searched networks are better.
    pub area: Estimate,
    /// The area divided by the range of costs, percentage points.
    pub mean: Estimate,
}

impl BetweenFronts {
    /// Of the points of each seed; those of one name belong together. None for fewer than two points that can be compared at equal cost,
    /// or if all cost the same.
    pub fn of<'a>(seeds: impl IntoIterator<Item = &'a [FrontPoint]>) -> Option<Self> {
        let mut by_name: BTreeMap<&str, Vec<&Comparison>> = BTreeMap::new();
        for point in seeds.into_iter().flatten() {
            by_name.entry(&point.name).or_default().push(&point.networks);
        }
        let one = |(name, seeds): (&str, Vec<&Comparison>)| {
            let difference = lines(seeds.iter().copied())?.difference();
            let mean = |of: fn(&Comparison) -> f64| seeds.iter().map(|seed| of(seed)).sum::<f64>() / seeds.len() as f64;
            let (cost, nme) = (mean(|seed| seed.searched.predicted), mean(|seed| seed.searched.nme));
            Some((PointDifference { name: name.to_string(), cost, nme, difference: difference.estimate() }, difference))
        };
        let mut points: Vec<(PointDifference, Uncertain)> = by_name.into_iter().filter_map(one).collect();
        points.sort_by(|(a, _), (b, _)| a.cost.total_cmp(&b.cost));
        let costs: Vec<f64> = points.iter().map(|(point, _)| point.cost).collect();
        let range = costs.last()? - costs.first()?;
        if range <= 1e-9 * costs[0] {
            return None;
        }
        let weights = trapezoids(&costs);
        let over = |by: f64| {
            let terms: Vec<_> =
                std::iter::zip(&weights, &points).map(|(weight, (_, difference))| (weight / by, *difference)).collect();
            Uncertain::sum(&terms).estimate()
        };
        Some(Self { area: over(1.0), mean: over(range), points: points.into_iter().map(|(point, _)| point).collect() })
    }
}

/// How much each of several ascending places counts in the area under the straight lines that link values there.
fn trapezoids(places: &[f64]) -> Vec<f64> {
    let at = |i: usize| places[i.min(places.len() - 1)];
    (0..places.len()).map(|i| (at(i + 1) - places[i.saturating_sub(1)]) / 2.0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::made_up::net;
    use super::*;

    /// A point whose searched network is `effect` below the line of its random ones, which are `noise` above and below it in turn.
    fn point(name: &str, cost: f64, effect: f64, noise: f64) -> FrontPoint {
        let line = |at: f64| 4.0 - 0.01 * at;
        let random = [-2.0, -1.0, 1.0, 2.0].iter().zip([1.0, -1.0, -1.0, 1.0]);
        let random = random.map(|(from, sign)| net(cost + from, line(cost + from) + sign * noise)).collect();
        FrontPoint { name: name.to_string(), networks: Comparison::new(net(cost, line(cost) - effect), random, "µs", "test") }
    }

    #[test]
    fn the_area_is_that_under_the_differences() {
        // 0.1 at 100 µs, 0.3 at 200 µs, 0 at 400 µs: 0.2 · 100 + 0.15 · 200.
        let seed = [point("c", 400.0, 0.0, 0.0), point("a", 100.0, 0.1, 0.0), point("b", 200.0, 0.3, 0.0)];
        let found = BetweenFronts::of([seed.as_slice()]).unwrap();
        assert_eq!(found.points.iter().map(|point| point.name.as_str()).collect::<Vec<_>>(), ["a", "b", "c"]);
        assert!((found.area.value + 50.0).abs() < 1e-9 && (found.mean.value + 50.0 / 300.0).abs() < 1e-12);
        assert!(BetweenFronts::of([&seed[..1]]).is_none());
    }

    #[test]
    fn its_interval_adds_up_the_points_and_seeds_make_it_smaller() {
        let seed = [point("a", 100.0, 0.1, 0.05), point("b", 200.0, 0.1, 0.05)];
        let one = BetweenFronts::of([seed.as_slice()]).unwrap();
        // Four networks and two degrees of freedom a point: residual √(4 · 0.05² / 2), error · √(1 + 1/4); half of each counts.
        let error = (4.0f64 * 0.05f64.powi(2) / 2.0 * 1.25).sqrt();
        // t of four degrees of freedom is 2.776445.
        let half = 2.776_445 * (2.0 * (0.5 * error).powi(2)).sqrt();
        let [low, high] = one.mean.interval.unwrap();
        assert!((one.mean.value + 0.1).abs() < 1e-12 && ((high - low) / 2.0 - half).abs() < 1e-6, "{low} {high} {half}");
        let three = BetweenFronts::of([seed.as_slice(), &seed, &seed]).unwrap();
        let [low_of_three, high_of_three] = three.mean.interval.unwrap();
        assert!(high_of_three - low_of_three < 0.6 * (high - low));
    }
}
