//! Block latencies from blocks alone and whole networks.
//!
//! A block alone, minus the time of a graph with one operation, is a guess at its share of a network: seams, layouts and
//! caches differ. Whole networks say what the shares add up to. So the guesses are a Gaussian prior, the networks are the
//! observations, and the posterior mean is `latency_us`:
//!
//! - a latency's prior: mean alone − overhead; independent standard deviation τ of it (and the measurement's own error); and
//!   errors that parts share: one scale for all, one for the parts of a group (same shapes; the trunk), one for those of a
//!   family (what they do beside computing; the trunk), one overhead for all;
//! - a network's time is the sum of its parts, with the standard error of its median, and ρ of it for what does not add up;
//! - τ and ρ of the latencies are fixed, so that two tables of a device agree; their errors are those of the τ and ρ under which
//!   the networks' times are likeliest. Times without noise are fitted with the τ and ρ that predict networks best from the others.
//!
//! What the networks cannot tell apart (a constant moved from every candidate of a layer that cannot be left out to the trunk)
//! stays with the prior.

use blocks::Family;

use super::cholesky::Cholesky;

/// A measured time and its standard error, both in µs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The median.
    pub us: f64,
    /// Its standard error.
    pub error: f64,
}

/// A part: a block or a piece of the trunk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// Its own graph's time, alone.
    pub alone: Measured,
    /// Parts of one group are alike: what is wrong with one as a guess is wrong with all.
    pub group: usize,
    /// The same for parts of one family, whatever their group.
    pub family: Family,
}

/// A whole network: how often each part is in it, and its time.
#[derive(Clone, Debug)]
pub struct Net {
    /// Count of each part, in the order of the parts.
    pub parts: Vec<f64>,
    /// Its time.
    pub time: Measured,
}

/// Whether the times have noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noise {
    /// They were measured.
    Present,
    /// They were simulated, and are the same each time.
    Absent,
}

/// What was fitted.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// Latency of each part and its standard error.
    pub parts: Vec<Measured>,
    /// The likeliest spread of a part around its guess, relative; without noise the one that is always taken.
    pub tau: f64,
    /// The likeliest share of a network that does not add up; without noise the one that is always taken.
    pub rho: f64,
    /// Root mean square relative error of networks, each predicted from the others; 0 without networks.
    pub residual: f64,
}

const TAU: [f64; 8] = [0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2];
/// τ and ρ of the latencies themselves. Chosen for each table, they would follow the networks' noise, and two tables of one
/// device would differ more. What the likeliest ones would have made of a part goes into its error instead.
const STEADY: (f64, f64) = (0.02, 0.01);
/// The same of deep networks: each part is a small share of them, so that they tell little of it unless its guess may be far off.
const STEADY_OF_DEEP: (f64, f64) = (0.05, 0.01);
/// Searched layers from which on networks are deep.
const DEEP: usize = 10;
/// What is tried for times without noise, beside [`RHO`]: in some engines a block alone is computed by another algorithm than in a network,
/// and takes half or twice its share.
const EXACT_TAU: [f64; 6] = [0.01, 0.02, 0.05, 0.1, 0.2, 0.4];
const RHO: [f64; 7] = [0.0, 0.002, 0.004, 0.007, 0.01, 0.015, 0.025];
/// Least networks that tell τ and ρ: the likeliest ones of two or three networks are those that make them fit exactly.
const TELLING: usize = 20;
/// Fewer tell only that they are larger than is taken, and only where that is so many times likelier: decisive by Jeffreys (*Theory of
/// Probability*, appendix B).
const DECISIVE: f64 = 100.0;
/// Standard deviation of the scale all parts share.
const COMMON_SCALE: f64 = 0.3;
/// Standard deviation of the scale that the parts of a group share.
const GROUP_SCALE: f64 = 0.02;
/// Standard deviation of the scale that the parts of a family share.
const FAMILY_SCALE: f64 = 0.025;
/// Standard deviation of the overhead all parts share, in parts of the one measured.
const COMMON_OVERHEAD: f64 = 0.02;
/// Least guess at a part's share, in parts of its time alone: some of what a lone graph costs is the operation itself.
const LEAST: f64 = 0.2;

/// Fits the parts' latencies.
///
/// `overhead` is the time of a graph of one operation, `layers` how many a network's searched layers are. `None` where the figures are no
/// numbers.
pub fn fit(parts: &[Part], overhead: Measured, nets: &[Net], layers: usize, noise: Noise) -> Option<Fitted> {
    let prior: Vec<f64> = parts.iter().map(|p| (p.alone.us - overhead.us).max(LEAST * p.alone.us)).collect();
    let prior = &prior;
    let (tau, rho) = if layers >= DEEP { STEADY_OF_DEEP } else { STEADY };
    let of = |tau: f64, rho: f64| Posterior::new(prior, parts, overhead, nets, tau, rho);
    if noise == Noise::Absent {
        let tried = EXACT_TAU.iter().flat_map(|&tau| RHO.iter().filter_map(move |&rho| of(tau, rho)));
        return exact(parts.len(), nets, if nets.len() < TELLING { vec![of(tau, rho)?] } else { tried.collect() });
    }
    let steady = of(tau, rho)?;
    let is_telling = nets.len() >= TELLING;
    let all = TAU.iter().flat_map(|&tau| RHO.iter().map(move |&rho| (tau, rho)));
    let all = all.filter(|&tried| is_telling || (tried.0 >= tau && tried.1 >= rho)).filter_map(|(tau, rho)| of(tau, rho));
    let likeliest = all.max_by(|a, b| a.likelihood().total_cmp(&b.likelihood()))?;
    let is_told = is_telling || likeliest.likelihood() - steady.likelihood() > DECISIVE.ln();
    let likeliest = if is_told { &likeliest } else { &steady };
    let part = |j: usize| {
        let (steady, likeliest) = (steady.part(j), likeliest.part(j));
        Measured { us: steady.us, error: likeliest.error.hypot(steady.us - likeliest.us) }
    };
    let fitted = (0..parts.len()).map(part).collect();
    Some(Fitted { parts: fitted, tau: likeliest.tau, rho: likeliest.rho, residual: steady.residual(nets) })
}

/// The fit of times without noise: by the τ and ρ under which networks are predicted best from the others. Two tables of a simulated
/// device are the same, so that nothing is gained by fixing them; and no logarithm is taken, as the likelihood's, which two hosts may
/// round differently.
fn exact(parts: usize, nets: &[Net], tried: Vec<Posterior>) -> Option<Fitted> {
    let with_residual = tried.into_iter().map(|posterior| (posterior.residual(nets), posterior));
    let (residual, best) = with_residual.min_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let fitted = (0..parts).map(|j| best.part(j)).collect();
    Some(Fitted { parts: fitted, tau: best.tau, rho: best.rho, residual })
}

/// Prior and observations under one τ and ρ.
struct Posterior {
    tau: f64,
    rho: f64,
    prior: Vec<f64>,
    /// Prior covariance of the parts.
    covariance: Vec<Vec<f64>>,
    /// Prior covariance between a part and each network's time.
    with_nets: Vec<Vec<f64>>,
    observed: Cholesky,
    /// Networks' times minus their prior.
    surprise: Vec<f64>,
    /// The observations' inverse covariance times `surprise`.
    weighted: Vec<f64>,
}

impl Posterior {
    fn new(prior: &[f64], parts: &[Part], overhead: Measured, nets: &[Net], tau: f64, rho: f64) -> Option<Self> {
        let n = prior.len();
        let common = (COMMON_OVERHEAD * overhead.us).powi(2) + overhead.error.powi(2);
        let covariance: Vec<Vec<f64>> = (0..n)
            .map(|i| {
                let if_same = |same: bool, scale: f64| if same { scale.powi(2) } else { 0.0 };
                let scale = |j: usize| {
                    let group = if_same(parts[i].group == parts[j].group, GROUP_SCALE);
                    COMMON_SCALE.powi(2) + group + if_same(parts[i].family == parts[j].family, FAMILY_SCALE)
                };
                let shared = |j: usize| scale(j) * prior[i] * prior[j] + common;
                let own = (tau * prior[i]).powi(2) + parts[i].alone.error.powi(2);
                (0..n).map(|j| shared(j) + if i == j { own } else { 0.0 }).collect()
            })
            .collect();
        let dot = |a: &[f64], b: &[f64]| std::iter::zip(a, b).map(|(x, y)| x * y).sum::<f64>();
        let with_nets: Vec<Vec<f64>> = covariance.iter().map(|row| nets.iter().map(|net| dot(row, &net.parts)).collect()).collect();
        let noise = |net: &Net| net.time.error.powi(2) + (rho * net.time.us).powi(2) + 1e-12 * net.time.us.powi(2);
        let observed = (0..nets.len())
            .map(|a| {
                let of = |b: usize| (0..n).map(|j| nets[a].parts[j] * with_nets[j][b]).sum::<f64>();
                (0..nets.len()).map(|b| of(b) + if a == b { noise(&nets[a]) } else { 0.0 }).collect()
            })
            .collect();
        let observed = Cholesky::new(observed)?;
        let surprise: Vec<f64> = nets.iter().map(|net| net.time.us - dot(&net.parts, prior)).collect();
        let weighted = observed.solve(&surprise);
        weighted.iter().all(|w| w.is_finite()).then(|| Self {
            tau,
            rho,
            prior: prior.to_vec(),
            covariance,
            with_nets,
            observed,
            surprise,
            weighted,
        })
    }

    /// Of the networks' times, except for what is the same under every τ and ρ.
    fn likelihood(&self) -> f64 {
        let distance: f64 = std::iter::zip(&self.surprise, &self.weighted).map(|(s, w)| s * w).sum();
        -0.5 * (distance + self.observed.log_determinant())
    }

    fn part(&self, j: usize) -> Measured {
        let gain = &self.with_nets[j];
        let moved: f64 = std::iter::zip(gain, &self.weighted).map(|(g, w)| g * w).sum();
        let explained: f64 = std::iter::zip(gain, self.observed.solve(gain)).map(|(g, s)| g * s).sum();
        Measured { us: self.prior[j] + moved, error: (self.covariance[j][j] - explained).max(0.0).sqrt() }
    }

    /// Each network predicted from the others: surprise divided by the inverse covariance's diagonal.
    fn residual(&self, nets: &[Net]) -> f64 {
        let count = self.surprise.len();
        if count == 0 {
            return 0.0;
        }
        let squared = (0..count).map(|i| {
            let mut unit = vec![0.0; count];
            unit[i] = 1.0;
            let diagonal = self.observed.solve(&unit)[i];
            (self.weighted[i] / diagonal / nets[i].time.us).powi(2)
        });
        (squared.sum::<f64>() / count as f64).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// A made-up device: parts cost less within a network than alone, each by its own share.
    #[test]
    fn whole_networks_correct_what_blocks_alone_get_wrong() {
        let mut random = Random::new(11);
        let (layers, choices) = (5, 9);
        let truth: Vec<f64> = (0..layers * choices).map(|_| 8.0 + 30.0 * random.unit()).chain([120.0]).collect();
        let part = |(i, t): (usize, &f64)| Part {
            alone: Measured { us: 6.0 + t * (1.05 + 0.15 * random.unit()), error: 0.05 },
            group: i / choices,
            family: Family::Fixed,
        };
        let alone: Vec<Part> = truth.iter().enumerate().map(part).collect();
        let mut net = |noise: f64| {
            let mut parts = vec![0.0; truth.len()];
            parts[truth.len() - 1] = 1.0;
            for layer in 0..layers {
                parts[layer * choices + random.below(choices)] = 1.0;
            }
            let us = std::iter::zip(&parts, &truth).map(|(p, t)| p * t).sum::<f64>() * (1.0 + noise * (2.0 * random.unit() - 1.0));
            Net { parts, time: Measured { us, error: us * noise / 2.0 } }
        };
        let (seen, unseen): (Vec<Net>, Vec<Net>) = ((0..72).map(|_| net(0.01)).collect(), (0..50).map(|_| net(0.0)).collect());
        let fitted = fit(&alone, Measured { us: 6.0, error: 0.02 }, &seen, layers, Noise::Present).unwrap();
        let mean_error = |parts: &[f64]| {
            let errors = unseen.iter().map(|net| {
                let predicted: f64 = std::iter::zip(&net.parts, parts).map(|(p, t)| p * t).sum();
                (predicted / net.time.us - 1.0).abs()
            });
            errors.sum::<f64>() / unseen.len() as f64
        };
        let naive: Vec<f64> = alone.iter().map(|p| p.alone.us).collect();
        let minus_overhead: Vec<f64> = alone.iter().map(|p| p.alone.us - 6.0).collect();
        let posterior: Vec<f64> = fitted.parts.iter().map(|m| m.us).collect();
        assert!(mean_error(&naive) > 0.2 && mean_error(&minus_overhead) > 0.08);
        assert!(mean_error(&posterior) < 0.01, "{}", mean_error(&posterior));
        assert!(fitted.residual < 0.02, "{}", fitted.residual);
        // The intervals hold the truth about as often as they say, and are no wider than that takes.
        let held = std::iter::zip(&fitted.parts, &truth).filter(|(m, t)| (m.us - **t).abs() < 1.96 * m.error).count();
        assert!(held >= 38, "{held} of {}", truth.len());
        let squared = std::iter::zip(&fitted.parts, &truth).map(|(m, t)| ((m.us - t) / m.error).powi(2)).sum::<f64>();
        let deviation = (squared / truth.len() as f64).sqrt();
        assert!((0.6..=1.5).contains(&deviation), "errors are {deviation} of what is stated");
    }

    /// A made-up engine that computes every third block by another algorithm alone than in a network.
    #[test]
    fn without_noise_blocks_whose_time_alone_says_nothing_are_found_by_the_networks() {
        let mut random = Random::new(3);
        let (layers, choices) = (5, 9);
        let truth: Vec<f64> = (0..layers * choices).map(|_| 80.0 + 300.0 * random.unit()).chain([1200.0]).collect();
        let alone = truth.iter().enumerate().map(|(i, t)| Part {
            alone: Measured { us: 6.0 + t * if i % 3 == 0 { 1.6 } else { 1.0 }, error: 0.0 },
            group: i / choices,
            family: Family::Fixed,
        });
        let alone: Vec<Part> = alone.collect();
        let mut net = || {
            let mut parts = vec![0.0; truth.len()];
            parts[truth.len() - 1] = 1.0;
            (0..layers).for_each(|layer| parts[layer * choices + random.below(choices)] = 1.0);
            let us = std::iter::zip(&parts, &truth).map(|(p, t)| p * t).sum::<f64>() * (1.0 + 0.004 * (random.unit() - 0.5));
            Net { parts, time: Measured { us, error: 0.0 } }
        };
        let (seen, unseen): (Vec<Net>, Vec<Net>) = ((0..80).map(|_| net()).collect(), (0..50).map(|_| net()).collect());
        let largest = |noise| {
            let fitted = fit(&alone, Measured { us: 6.0, error: 0.0 }, &seen, layers, noise).unwrap();
            let errors = unseen.iter().map(|net| {
                let predicted: f64 = std::iter::zip(&net.parts, &fitted.parts).map(|(count, part)| count * part.us).sum();
                (predicted / net.time.us - 1.0).abs()
            });
            (errors.fold(0.0, f64::max), fitted)
        };
        let (largest_error, fitted) = largest(Noise::Absent);
        assert!(fitted.tau >= 0.1 && fitted.residual < 0.005, "{} {}", fitted.tau, fitted.residual);
        assert!(largest_error < 0.01 && largest(Noise::Present).0 > 2.0 * largest_error, "{largest_error}");
    }

    /// Eight networks of three layers, whose blocks cost up to `off` more or less of their time alone than in a network.
    fn eight_networks(off: f64) -> (Vec<f64>, Fitted) {
        let mut random = Random::new(5);
        let truth: Vec<f64> = (0..9).map(|_| 20.0 + 30.0 * random.unit()).collect();
        let part = |(i, t): (usize, &f64)| Part {
            alone: Measured { us: 6.0 + t * (1.0 + off * (2.0 * random.unit() - 1.0)), error: 0.05 },
            group: i / 3,
            family: Family::Fixed,
        };
        let alone: Vec<Part> = truth.iter().enumerate().map(part).collect();
        let mut net = |_| {
            let mut parts = vec![0.0; truth.len()];
            (0..3).for_each(|layer| parts[3 * layer + random.below(3)] = 1.0);
            let us: f64 = std::iter::zip(&parts, &truth).map(|(p, t)| p * t).sum();
            Net { parts, time: Measured { us: us * (1.0 + 0.006 * (random.unit() - 0.5)), error: 0.002 * us } }
        };
        let nets: Vec<Net> = (0..8).map(&mut net).collect();
        (truth, fit(&alone, Measured { us: 6.0, error: 0.02 }, &nets, 3, Noise::Present).unwrap())
    }

    #[test]
    fn a_few_networks_that_contradict_the_blocks_widen_their_intervals() {
        let (_, agreeing) = eight_networks(0.01);
        assert_eq!((agreeing.tau, agreeing.rho), STEADY);
        let (truth, contradicting) = eight_networks(0.5);
        assert!(contradicting.tau >= 0.1, "{}", contradicting.tau);
        let held = std::iter::zip(&contradicting.parts, &truth).filter(|(m, t)| (m.us - **t).abs() < 1.96 * m.error).count();
        assert!(held >= 7, "{held} of 9");
    }

    #[test]
    fn without_networks_the_prior_stays() {
        let part = |us| Part { alone: Measured { us, error: 0.1 }, group: 0, family: Family::Fixed };
        let alone = [part(20.0), part(6.5)];
        let fitted = fit(&alone, Measured { us: 6.0, error: 0.1 }, &[], 1, Noise::Present).unwrap();
        assert_eq!(fitted.parts[0].us, 14.0);
        assert_eq!(fitted.parts[1].us, LEAST * 6.5);
        assert_eq!(fitted.residual, 0.0);
    }
}
