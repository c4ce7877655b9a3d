//! How much there is to win: the spread of the networks' true errors at equal cost, and how well their order is known before training.

use luts::kendall_tau;
use serde::Serialize;
use statrs::distribution::{ContinuousCDF, FisherSnedecor};

use super::comparison::{Comparison, lines};
use super::estimate::{Estimate, Spread};
use super::trained::Trained;

/// The spread of random networks' errors at equal cost, percentage points.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Worth {
    /// Random networks.
    pub networks: usize,
    /// Standard deviation of their errors at equal cost: of networks and trainings.
    pub observed: f64,
    /// Networks that were trained twice.
    pub repeated: usize,
    /// Standard deviation of one network's errors over trainings; none if nothing was trained twice.
    pub noise: Option<f64>,
    /// Standard deviation of the networks' true errors: what is left without the noise, 0 at least.
    pub truth: Option<Estimate>,
}

impl Worth {
    /// Of the random networks of several seeds; none where they cannot be compared at equal cost.
    pub fn of<'a>(seeds: impl IntoIterator<Item = &'a Comparison>) -> Option<Self> {
        let lines = lines(seeds)?;
        let networks = lines.residuals().count();
        let twice: Vec<f64> = lines.residuals().filter_map(|(net, _)| Some((net.nme - net.again?).powi(2) / 2.0)).collect();
        let repeated = twice.len();
        let noise = (repeated > 0).then(|| twice.iter().sum::<f64>() / repeated as f64);
        let truth = noise.map(|noise| without(lines.residual.powi(2), noise, lines.freedom, repeated as f64));
        Some(Self { networks, observed: lines.residual, repeated, noise: noise.map(f64::sqrt), truth })
    }
}

/// The standard deviation that is left of a variance without that of the noise. The interval is that of the ratio of both variances
/// (Fisher's F).
fn without(variance: f64, noise: f64, freedom: f64, noise_freedom: f64) -> Estimate {
    let left = |variance: f64| variance.max(0.0).sqrt();
    let quantile = |a: f64, b: f64| FisherSnedecor::new(a, b).ok().map(|f| f.inverse_cdf(0.975));
    let ends = quantile(freedom, noise_freedom).zip(quantile(noise_freedom, freedom));
    let interval = ends.map(|(low, high)| [left(variance / low - noise), left(variance * high - noise)]);
    Estimate { value: left(variance - noise), interval }
}

/// How well the order of random networks of equal cost by finetuned error is known from their errors with the supernet's weights.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Ranking {
    /// Random networks.
    pub networks: usize,
    /// Kendall's τ, the mean over the seeds.
    pub tau: f64,
    /// 95 % of unrelated orders have a τ of at most this size.
    pub chance: f64,
    /// Correlation of the two errors.
    pub correlation: f64,
    /// By how much the best of 64 by the supernet's error is expected to be better than a random network, percentage points; below 0: worse.
    pub gain: f64,
}

/// Expected largest of 64 normal values, in standard deviations.
const LARGEST_OF_64: f64 = 2.3440;

impl Ranking {
    /// Of the random networks of several seeds whose errors with the supernet's weights are known; none if no seed has three of them.
    pub fn of<'a>(seeds: impl IntoIterator<Item = &'a Comparison>) -> Option<Self> {
        let seeds: Vec<Vec<(f64, f64)>> = seeds.into_iter().map(known).filter(|pairs| pairs.len() > 2).collect();
        if seeds.is_empty() {
            return None;
        }
        let n = seeds.len() as f64;
        let tau = Spread::of(seeds.iter().map(|pairs| kendall_tau(pairs))).mean;
        // The variance of τ of two unrelated orders (Kendall).
        let variance = |pairs: &Vec<(f64, f64)>| {
            let n = pairs.len() as f64;
            2.0 * (2.0 * n + 5.0) / (9.0 * n * (n - 1.0))
        };
        let chance = 1.96 * seeds.iter().map(variance).sum::<f64>().sqrt() / n;
        let networks: usize = seeds.iter().map(Vec::len).sum();
        let sum = |of: fn(f64, f64) -> f64| seeds.iter().flatten().map(|&(x, y)| of(x, y)).sum::<f64>();
        let (xx, yy, xy) = (sum(|x, _| x * x), sum(|_, y| y * y), sum(|x, y| x * y));
        let correlation = if xx > 0.0 && yy > 0.0 { xy / (xx * yy).sqrt() } else { 0.0 };
        let deviation = (yy / (networks as f64 - 2.0 * n)).sqrt();
        Some(Self { networks, tau, chance, correlation, gain: correlation * deviation * LARGEST_OF_64 })
    }
}

/// The random networks' errors before and after they were trained, each less that of its line over the cost.
fn known(seed: &Comparison) -> Vec<(f64, f64)> {
    let of = |net: &Trained| Some((net.predicted, net.recalibrated?, net.nme));
    let nets: Vec<(f64, f64, f64)> = seed.random.iter().filter_map(of).collect();
    let before = from_line(nets.iter().map(|net| (net.0, net.1)));
    let after = from_line(nets.iter().map(|net| (net.0, net.2)));
    std::iter::zip(before, after).collect()
}

/// Values less those of the line through them.
fn from_line(points: impl Iterator<Item = (f64, f64)> + Clone) -> Vec<f64> {
    let n = points.clone().count() as f64;
    let (x, y) = points.clone().fold((0.0, 0.0), |(x, y), point| (x + point.0 / n, y + point.1 / n));
    let sum = |of: fn(f64, f64) -> f64| points.clone().map(|point| of(point.0 - x, point.1 - y)).sum::<f64>();
    let spread = sum(|x, _| x * x);
    let slope = if spread > 0.0 { sum(|x, y| x * y) / spread } else { 0.0 };
    points.map(|point| point.1 - y - slope * (point.0 - x)).collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::super::made_up::{net, normal};
    use super::*;

    /// True errors spread by `truth`, trainings by `noise`, and errors of the supernet that are the true ones, doubled, and noise.
    fn made_up(rng: &mut ChaCha8Rng, nets: usize, truth: f64, noise: f64) -> Comparison {
        let mut one = |i: usize| {
            let cost = 97.0 + 6.0 * i as f64 / (nets - 1) as f64;
            let own = truth * normal(rng);
            let trained = |rng: &mut ChaCha8Rng| 3.0 - 0.01 * cost + own + noise * normal(rng);
            let (nme, again) = (trained(rng), Some(trained(rng)));
            Trained { again, recalibrated: Some(9.0 + 2.0 * own + noise * normal(rng)), ..net(cost, nme) }
        };
        let random = (0..nets).map(&mut one).collect();
        Comparison::new(net(100.0, 2.0), random, "µs", "test")
    }

    #[test]
    fn the_noise_is_taken_out_of_the_spread() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        for truth in [0.03, 0.0] {
            let found = Worth::of(&[made_up(&mut rng, 2000, truth, 0.02)]).unwrap();
            assert_eq!((found.networks, found.repeated), (2000, 2000));
            let (noise, left) = (found.noise.unwrap(), found.truth.unwrap());
            assert!((noise - 0.02).abs() < 0.001, "{noise}");
            assert!((found.observed - (truth * truth + 4e-4).sqrt()).abs() < 0.001, "{}", found.observed);
            let [low, high] = left.interval.unwrap();
            assert!(low <= truth && truth <= high && high - low < 0.01, "{truth}: {left:?}");
        }
        let mut once = made_up(&mut rng, 8, 0.03, 0.02);
        once.random.iter_mut().for_each(|net| net.again = None);
        let found = Worth::of(&[once]).unwrap();
        assert_eq!((found.repeated, found.noise, found.truth), (0, None, None));
    }

    #[test]
    fn intervals_of_few_networks_hold_the_true_spread_as_often_as_they_say() {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let trials = 1000;
        let holds = |rng: &mut ChaCha8Rng| {
            let seeds: Vec<Comparison> = (0..3).map(|_| made_up(rng, 8, 0.03, 0.02)).collect();
            let [low, high] = Worth::of(&seeds).unwrap().truth.unwrap().interval.unwrap();
            low <= 0.03 && 0.03 <= high
        };
        let held = (0..trials).filter(|_| holds(&mut rng)).count() as f64 / f64::from(trials);
        // The observed spread is wide of the noise, so that the interval is a little too wide rather than too narrow.
        assert!((0.94..=1.0).contains(&held), "{held}");
    }

    #[test]
    fn an_order_that_is_known_is_told_from_one_that_is_not() {
        assert_eq!(kendall_tau(&[(1.0, 1.0), (2.0, 3.0), (3.0, 2.0)]), 1.0 / 3.0);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let known = Ranking::of(&[made_up(&mut rng, 30, 0.03, 0.005), made_up(&mut rng, 30, 0.03, 0.005)]).unwrap();
        assert!(known.networks == 60 && known.tau > 0.7 && known.correlation > 0.9, "{known:?}");
        assert!((known.gain - LARGEST_OF_64 * 0.03).abs() < 0.02, "{known:?}");
        let unknown = Ranking::of(&[made_up(&mut rng, 30, 0.0, 0.02), made_up(&mut rng, 30, 0.0, 0.02)]).unwrap();
        assert!(unknown.tau.abs() < unknown.chance && unknown.chance < 0.2, "{unknown:?}");
        let mut none = made_up(&mut rng, 3, 0.03, 0.02);
        none.random.iter_mut().for_each(|net| net.recalibrated = None);
        assert_eq!(Ranking::of(&[none]), None);
    }
}
