//! Searched networks against random ones at equal cost.
//!
//! Random networks are not all as fast as the searched one, and slower ones have smaller errors. So a line is fitted to their errors over
//! their costs, and the searched network is compared with the line at its own cost. The interval is the prediction interval of one more
//! random network there. It contains the spread of networks and trainings, not only the uncertainty of the line: a network is better than
//! random ones only if a random one would rarely be as good.
//!
//! Several seeds are groups, each with a searched network of its own. Their lines have a level each and one slope, and all deviations from
//! them one standard deviation; the difference is the mean over the groups, its interval that of the mean of one more random network a group.

use serde::Serialize;

use super::estimate::{Estimate, Uncertain};
use super::trained::Trained;

/// Searched networks against random ones of their own predicted cost.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Adjusted {
    /// Error over predicted cost among the random networks: percentage points for one unit.
    pub slope: Estimate,
    /// The searched network's error less that of a random one of its cost, percentage points; of several, the mean.
    pub difference: Estimate,
    /// Whether a searched network's cost lies outside those of its random ones, so that the line is prolonged.
    pub prolonged: bool,
}

/// A searched network and its random ones, at least one.
struct Group<'a> {
    searched: &'a Trained,
    random: &'a [Trained],
    /// Mean cost and mean error of the random ones.
    cost: f64,
    nme: f64,
}

impl<'a> Group<'a> {
    fn new(searched: &'a Trained, random: &'a [Trained]) -> Self {
        let n = random.len() as f64;
        let mean = |of: fn(&Trained) -> f64| random.iter().map(of).sum::<f64>() / n;
        Self { searched, random, cost: mean(|net| net.predicted), nme: mean(|net| net.nme) }
    }

    /// Σ over the random networks, of cost and error from their means.
    fn sum(&self, of: impl Fn(f64, f64) -> f64) -> f64 {
        self.random.iter().map(|net| of(net.predicted - self.cost, net.nme - self.nme)).sum()
    }

    fn is_inside(&self) -> bool {
        let costs = || self.random.iter().map(|net| net.predicted);
        costs().any(|cost| cost <= self.searched.predicted) && costs().any(|cost| cost >= self.searched.predicted)
    }
}

/// The lines through the random networks of several groups.
pub(super) struct Lines<'a> {
    groups: Vec<Group<'a>>,
    slope: f64,
    /// Σ (cost − mean cost)².
    spread: f64,
    /// Standard deviation of an error from its line, percentage points.
    pub residual: f64,
    /// Its degrees of freedom, at least 1.
    pub freedom: f64,
}

impl<'a> Lines<'a> {
    /// None if there are fewer than two random networks more than groups, or if all costs are the same.
    pub fn fit(groups: impl IntoIterator<Item = (&'a Trained, &'a [Trained])>) -> Option<Self> {
        let groups: Vec<Group<'a>> = groups.into_iter().map(|(searched, random)| Group::new(searched, random)).collect();
        let networks: usize = groups.iter().map(|group| group.random.len()).sum();
        let freedom = networks.checked_sub(groups.len() + 1).filter(|&freedom| freedom > 0)? as f64;
        let spread: f64 = groups.iter().map(|group| group.sum(|cost, _| cost * cost)).sum();
        // Below that, costs differ by rounding alone.
        if spread.sqrt() <= 1e-9 * groups.first()?.cost {
            return None;
        }
        let slope = groups.iter().map(|group| group.sum(|cost, nme| cost * nme)).sum::<f64>() / spread;
        let squares: f64 = groups.iter().map(|group| group.sum(|cost, nme| (nme - slope * cost).powi(2))).sum();
        Some(Self { groups, slope, spread, residual: (squares / freedom).sqrt(), freedom })
    }

    /// A group's error on its line at a cost.
    fn line(&self, group: &Group<'_>, cost: f64) -> f64 {
        group.nme + self.slope * (cost - group.cost)
    }

    /// The searched networks' errors less those of their lines, the mean over the groups.
    pub fn difference(&self) -> Uncertain {
        let n = self.groups.len() as f64;
        let from_mean = |group: &Group<'_>| group.searched.predicted - group.cost;
        let value =
            self.groups.iter().map(|group| group.searched.nme - self.line(group, group.searched.predicted)).sum::<f64>() / n;
        let levels: f64 = self.groups.iter().map(|group| 1.0 + 1.0 / group.random.len() as f64).sum();
        let distance = self.groups.iter().map(from_mean).sum::<f64>() / n;
        let error = self.residual * (levels / (n * n) + distance.powi(2) / self.spread).sqrt();
        Uncertain { value, error, freedom: self.freedom }
    }

    pub fn adjusted(&self) -> Adjusted {
        let slope = Uncertain { value: self.slope, error: self.residual / self.spread.sqrt(), freedom: self.freedom };
        let prolonged = !self.groups.iter().all(Group::is_inside);
        Adjusted { slope: slope.estimate(), difference: self.difference().estimate(), prolonged }
    }

    /// The random networks, each with its error less that of its line.
    pub fn residuals(&self) -> impl Iterator<Item = (&Trained, f64)> {
        self.groups
            .iter()
            .flat_map(move |group| group.random.iter().map(move |net| (net, net.nme - self.line(group, net.predicted))))
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::made_up::{net, normal};
    use super::*;

    /// Networks of one seed: a level of its own, errors that fall by 0.01 a µs, and a searched network that is better by `effect`.
    fn made_up(rng: &mut ChaCha8Rng, nets: usize, effect: f64) -> (Trained, Vec<Trained>) {
        let level = rng.random_range(2.0..3.0);
        let mut one = |cost: f64, effect: f64| net(cost, level - 0.01 * (cost - 100.0) + 0.02 * normal(rng) - effect);
        let costs: Vec<f64> = (0..nets).map(|i| 97.0 + 6.0 * i as f64 / (nets - 1) as f64).collect();
        let random = costs.into_iter().map(|cost| one(cost, 0.0)).collect();
        (one(101.5, effect), random)
    }

    /// A true effect of 0.03 percentage points, in 4000 comparisons of one seed and of three: the estimate is right on average, and 95 % of
    /// the intervals hold it.
    #[test]
    fn a_known_effect_is_found_and_its_interval_holds_it_as_often_as_it_says() {
        let mut rng = ChaCha8Rng::seed_from_u64(7);
        let effect = 0.03;
        let mut widths = Vec::new();
        for (seeds, nets) in [(1, 8), (3, 8), (3, 2)] {
            let (mut sum, mut held, mut width, trials) = (0.0, 0, 0.0, 4000);
            for _ in 0..trials {
                let made: Vec<_> = (0..seeds).map(|_| made_up(&mut rng, nets, effect)).collect();
                let lines = Lines::fit(made.iter().map(|(searched, random)| (searched, random.as_slice()))).unwrap();
                let Adjusted { difference, .. } = lines.adjusted();
                let [low, high] = difference.interval.unwrap();
                sum += difference.value;
                width += high - low;
                held += usize::from((low..=high).contains(&-effect));
            }
            let (mean, share) = (sum / f64::from(trials), held as f64 / f64::from(trials));
            assert!((mean + effect).abs() < 0.0015, "{seeds} seeds: {mean}");
            assert!((share - 0.95).abs() < 0.012, "{seeds} seeds, {nets} networks: {share}");
            widths.push(width / f64::from(trials));
        }
        // Three seeds tell more than one: 2.09 · √(9/8 / 3) instead of 2.45 · √(9/8 + …).
        assert!(widths[1] < 0.55 * widths[0], "{widths:?}");
    }

    #[test]
    fn without_noise_every_effect_is_exact_whatever_the_seeds_levels_are() {
        let random = |level: f64| -> Vec<Trained> { [98.0, 100.0, 103.0].map(|cost| net(cost, level - 0.02 * cost)).to_vec() };
        let made = [(5.0, 99.0, -0.1), (7.0, 102.0, 0.04)];
        let groups = made.map(|(level, cost, effect)| (net(cost, level - 0.02 * cost + effect), random(level)));
        let lines = Lines::fit(groups.iter().map(|(searched, random)| (searched, random.as_slice()))).unwrap();
        let Adjusted { slope, difference, prolonged } = lines.adjusted();
        assert!((slope.value + 0.02).abs() < 1e-12 && (difference.value + 0.03).abs() < 1e-12 && !prolonged);
    }
}
