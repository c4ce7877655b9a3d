//! What the networks with the largest errors have in common.
//!
//! A network's residual is its signed error minus the mean over all networks. If a candidate's row in the table is wrong at
//! some layer, the networks that hold it there are off together: the mean of their residuals is large in parts of its standard
//! error. With dozens of candidates one is always the largest; how often chance alone gives one as large is found by dealing the
//! errors to the networks again.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::random::Random;

/// How often the errors are dealt again.
const DEALS: usize = 1000;

/// A candidate at a layer, and how far off the networks are that hold it there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Shared {
    /// Layer, from 1.
    pub layer: usize,
    /// The candidate.
    pub candidate: String,
    /// Networks that hold it.
    pub nets: usize,
    /// How many of these are among the worst.
    pub worst: usize,
    /// Mean of their residuals, a share.
    pub mean_residual: f64,
    /// Its standard error: that of so many networks drawn from all.
    pub standard_error: f64,
}

impl Shared {
    /// The mean in parts of its standard error.
    pub fn z(&self) -> f64 {
        self.mean_residual / self.standard_error
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Suspects {
    /// Candidates, the largest |mean| in parts of its standard error first.
    pub candidates: Vec<Shared>,
    /// Share of random deals of the errors whose largest is as large as the first one here; absent where there is none.
    pub by_chance: Option<f64>,
}

/// Looks for what networks share: `nets` are their architectures and signed errors, `worst` the numbers of the worst of them.
/// Candidates of a single network are passed over, and those that all networks hold.
pub fn find(nets: &[(Vec<&str>, f64)], worst: &[usize]) -> Suspects {
    let mut holders: BTreeMap<(usize, &str), Vec<usize>> = BTreeMap::new();
    for (i, (architecture, _)) in nets.iter().enumerate() {
        for (layer, &candidate) in architecture.iter().enumerate() {
            holders.entry((layer + 1, candidate)).or_default().push(i);
        }
    }
    holders.retain(|_, held| (2..nets.len()).contains(&held.len()));
    let (errors, spread) = residuals(nets.iter().map(|n| n.1).collect());
    // Errors are shares: below a millionth of a percent there is only rounding.
    if holders.is_empty() || spread < 1e-8 {
        return Suspects::default();
    }
    let candidate = |(&(layer, name), held): (&(usize, &str), &Vec<usize>)| Shared {
        layer,
        candidate: name.to_string(),
        nets: held.len(),
        worst: held.iter().filter(|i| worst.contains(i)).count(),
        mean_residual: mean_of(held, &errors),
        standard_error: standard_error(held.len(), nets.len(), spread),
    };
    let mut candidates: Vec<Shared> = holders.iter().map(candidate).collect();
    candidates.sort_by(|a, b| b.z().abs().total_cmp(&a.z().abs()));
    let by_chance = candidates.first().map(|first| chance(&holders, errors, spread, first.z().abs()));
    Suspects { candidates, by_chance }
}

/// Errors minus their mean, and their standard deviation.
fn residuals(mut errors: Vec<f64>) -> (Vec<f64>, f64) {
    let mean = errors.iter().sum::<f64>() / errors.len() as f64;
    errors.iter_mut().for_each(|e| *e -= mean);
    let squares = errors.iter().map(|e| e * e).sum::<f64>();
    let spread = (squares / (errors.len() as f64 - 1.0).max(1.0)).sqrt();
    (errors, spread)
}

fn mean_of(held: &[usize], errors: &[f64]) -> f64 {
    held.iter().map(|&i| errors[i]).sum::<f64>() / held.len() as f64
}

/// Standard error of the mean of `count` values drawn without replacement from `all`, whose standard deviation is `spread`.
fn standard_error(count: usize, all: usize, spread: f64) -> f64 {
    let (count, all) = (count as f64, all as f64);
    spread * ((1.0 - count / all) / count).sqrt()
}

/// Share of random deals in which some candidate's |mean| is at least `z` standard errors.
fn chance(holders: &BTreeMap<(usize, &str), Vec<usize>>, mut errors: Vec<f64>, spread: f64, z: f64) -> f64 {
    let mut random = Random::new(1);
    let all = errors.len();
    let as_large = (0..DEALS).filter(|_| {
        random.shuffle(&mut errors);
        // A hair less, so that rounding does not part equals.
        holders.values().any(|held| mean_of(held, &errors).abs() >= (z - 1e-9) * standard_error(held.len(), all, spread))
    });
    as_large.count() as f64 / DEALS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 networks of two layers with three candidates each; errors are noise, and `extra` more with `b` at layer 2.
    fn nets(extra: f64) -> Vec<(Vec<&'static str>, f64)> {
        let mut random = Random::new(11);
        let net = |_| {
            let choice = vec![["a", "b", "c"][random.below(3)], ["a", "b", "c"][random.below(3)]];
            let noise = 0.03 + 0.01 * (random.unit() - 0.5);
            let error = noise + if choice[1] == "b" { extra } else { 0.0 };
            (choice, error)
        };
        (0..60).map(net).collect()
    }

    #[test]
    fn a_candidate_whose_row_is_wrong_is_found() {
        let nets = nets(-0.02);
        let mut order: Vec<usize> = (0..nets.len()).collect();
        order.sort_by(|&a, &b| nets[a].1.total_cmp(&nets[b].1));
        let found = find(&nets, &order[..5]);
        let first = &found.candidates[0];
        assert_eq!((first.layer, first.candidate.as_str(), first.worst), (2, "b", 5));
        assert!(first.mean_residual < -0.01 && first.z() < -5.0, "{first:?}");
        assert_eq!(found.by_chance, Some(0.0));
        assert_eq!(found.candidates.len(), 6);
    }

    #[test]
    fn noise_alone_is_called_chance() {
        let found = find(&nets(0.0), &[]);
        assert!(found.by_chance.is_some_and(|p| p > 0.05), "{found:?}");
    }

    #[test]
    fn means_and_standard_errors_are_those_of_the_formula() {
        let nets = vec![(vec!["a"], 0.01), (vec!["a"], 0.03), (vec!["b"], -0.01), (vec!["b"], -0.03), (vec!["c"], 0.05)];
        let found = find(&nets, &[4]);
        // Mean 0.01, variance (0 + 4 + 4 + 16 + 16) · 1e-4 / 4 = 1e-3; c is in one network only.
        let expected = (1e-3f64 * (1.0 - 0.4) / 2.0).sqrt();
        assert_eq!(found.candidates.len(), 2);
        let (first, second) = (&found.candidates[0], &found.candidates[1]);
        assert_eq!((first.candidate.as_str(), second.candidate.as_str(), first.nets, first.worst), ("b", "a", 2, 0));
        assert!((first.mean_residual + 0.03).abs() < 1e-12 && (second.mean_residual - 0.01).abs() < 1e-12);
        assert!((first.standard_error - expected).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_suspected_where_all_are_alike() {
        assert_eq!(find(&[(vec!["a"], 0.1), (vec!["a"], 0.2)], &[]), Suspects::default());
        assert_eq!(find(&[(vec!["a"], 0.1), (vec!["a"], 0.1), (vec!["b"], 0.1)], &[]), Suspects::default());
    }
}
