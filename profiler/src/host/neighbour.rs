//! What a neighbour on the same processor does to networks beyond what it does to the canary.
//!
//! Ratios of samples over canaries do not depend on the clock. But a virtual machine's core shares its execution units and caches
//! with others, and a network suffers from that by a few percent more than the canary:
//!
//! - **levels**: how much more depends on the canary's own slowdown, and is much the same for all models;
//! - **processes**: for seconds at a time, models are slowed while the canary, which lives in the first-level cache, is not; whole
//!   networks more than single blocks.
//!
//! Both are estimated from the samples of a run together, and taken out of each. Before, samples that were disturbed within
//! ([`crate::steady`]) are left out, and those of times that were not quiet, where a model has enough of others. On a quiet phone all
//! canaries and all processes are alike, and nothing is left or taken out.

use std::collections::BTreeMap;

use super::job;
use super::raw::{ItemSamples, Samples};
use crate::stats::median;

/// Samples whose canary is at most this much above its quiet time are taken alone, …
const NEAR: f64 = 1.1;
/// … of a model that has as many of them. What slows the canary by more slows networks by a varying percent or two besides.
const ENOUGH: usize = 12;
/// Levels of the canary, each with as many samples.
const LEVELS: usize = 16;
/// Of them the quiet ones, to which all others are compared.
const QUIET: usize = 2;
/// Least samples from which an effect is estimated.
const LEAST: usize = 100;
/// Least models that must share an effect for it to be theirs and not each one's own.
const LEAST_MODELS: usize = 8;
/// Medians of the models and the effects are taken in turn; these many turns change them by less than 0.1 %.
const TURNS: usize = 4;

/// Steady samples' ratios, as a quiet core would have given them.
#[derive(Clone, Debug, Default)]
pub struct QuietRatios {
    items: BTreeMap<String, Vec<f64>>,
    /// What was taken out at the level of the canary where it was most; a share.
    pub most: f64,
}

/// A sample's logarithms, and where it belongs.
struct Point {
    item: usize,
    /// The process that took it, of whole networks or of single blocks.
    process: usize,
    ratio: f64,
    canary: f64,
}

impl QuietRatios {
    /// Estimates the neighbour's effect, and takes it out.
    pub fn of(samples: &Samples) -> Self {
        let limit = samples.canary_us().map_or(f64::INFINITY, |(quiet, _)| NEAR * quiet);
        let of_item = |(item, (id, own)): (usize, (&String, &ItemSamples))| -> Vec<Point> {
            let point = |(sample, process): (&crate::protocol::Sample, usize)| Point {
                item,
                process: 2 * process + usize::from(job::is_net(id)),
                ratio: sample.ratio().ln(),
                canary: sample.canary_us().ln(),
            };
            let near: Vec<_> = own.steady().filter(|(sample, _)| sample.canary_us() <= limit).collect();
            if near.len() >= ENOUGH { near.into_iter().map(point).collect() } else { own.steady().map(point).collect() }
        };
        let points: Vec<Point> = samples.items.iter().enumerate().flat_map(of_item).collect();
        let (levels, processes) = effects(&points, samples.items.len(), 2 * samples.processes.max(1));
        let mut quiet: Vec<Vec<f64>> = vec![Vec::new(); samples.items.len()];
        for (i, point) in points.iter().enumerate() {
            quiet[point.item].push((point.ratio - levels[i] - processes[point.process]).exp());
        }
        let most = levels.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        Self { items: samples.items.keys().cloned().zip(quiet).collect(), most: most.exp_m1() }
    }

    /// An item's ratios in the order of the samples that they are of; none where it has none.
    pub fn item(&self, id: &str) -> &[f64] {
        self.items.get(id).map_or(&[], Vec::as_slice)
    }
}

/// What is to be taken from the logarithms: of each point for its canary's level, and of each process.
fn effects(points: &[Point], items: usize, processes: usize) -> (Vec<f64>, Vec<f64>) {
    let groups = |count: usize, of: &dyn Fn(&Point) -> usize| {
        let mut groups = vec![Vec::new(); count];
        points.iter().enumerate().for_each(|(i, point)| groups[of(point)].push(i));
        groups
    };
    let (by_item, by_process) = (groups(items, &|p| p.item), groups(processes, &|p| p.process));
    let mut by_canary: Vec<usize> = (0..points.len()).collect();
    by_canary.sort_by(|&a, &b| points[a].canary.total_cmp(&points[b].canary));
    let count = (points.len() / LEAST).min(LEVELS);
    // Networks and single blocks each by themselves: even and odd places.
    let telling =
        [0, 1].map(|kind| -> Vec<usize> { (kind..processes).step_by(2).filter(|&p| tells(points, &by_process[p])).collect() });
    let bound = |level: usize| level * points.len() / count;

    let (mut of_level, mut of_process) = (vec![0.0; points.len()], vec![0.0; processes]);
    for _ in 0..TURNS {
        let own = |i: &usize| points[*i].ratio - of_level[*i] - of_process[points[*i].process];
        let centres: Vec<f64> = by_item.iter().map(|item| centre(item.iter().map(own))).collect();
        if count > QUIET {
            let beyond = |group: &[usize]| {
                centre(group.iter().map(|&i| points[i].ratio - of_process[points[i].process] - centres[points[i].item]))
            };
            let quiet = beyond(&by_canary[..bound(QUIET)]);
            for level in (0..count).map(|level| &by_canary[bound(level)..bound(level + 1)]) {
                let effect = beyond(level) - quiet;
                level.iter().for_each(|&i| of_level[i] = effect);
            }
        }
        for of_kind in &telling {
            let beyond = |p: usize| centre(by_process[p].iter().map(|&i| points[i].ratio - of_level[i] - centres[points[i].item]));
            let found: Vec<f64> = of_kind.iter().map(|&p| beyond(p)).collect();
            let usual = centre(found.iter().copied());
            std::iter::zip(of_kind, found).for_each(|(&p, effect)| of_process[p] = effect - usual);
        }
    }
    (of_level, of_process)
}

/// Whether a process's points are enough, and of enough models, to tell its effect.
fn tells(points: &[Point], own: &[usize]) -> bool {
    let models: std::collections::BTreeSet<usize> = own.iter().map(|&i| points[i].item).collect();
    own.len() >= LEAST && models.len() >= LEAST_MODELS
}

/// The median; 0 where there are no values.
fn centre(values: impl Iterator<Item = f64>) -> f64 {
    median(values).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Event, Sample};
    use crate::random::Random;

    /// Samples of 20 models; at times a neighbour makes the canary `slower` and the models by that times `beyond`. In the last of six
    /// processes all models are slower by `later`.
    fn made_up(count: usize, busy: f64, slower: f64, beyond: f64, later: f64) -> Samples {
        let mut random = Random::new(5);
        let mut samples = Samples::default();
        for at in 0..count {
            samples.processes = 1 + 6 * at / count;
            let process = if samples.processes == 6 { later } else { 1.0 };
            let item = random.below(20);
            let neighbour = random.unit() < busy;
            let canary = 2.0 * (1.0 + 0.01 * random.unit()) * if neighbour { slower } else { 1.0 };
            let us = canary
                * (10.0 + item as f64)
                * (1.0 + 0.02 * (random.unit() - 0.5))
                * process
                * if neighbour { beyond } else { 1.0 };
            let sample = Sample {
                id: format!("model {item}"),
                at_ms: at as f64,
                us,
                spread: 0.0,
                before_us: canary,
                after_us: canary,
                cpu: None,
                mhz: None,
                celsius: None,
                fault: None,
            };
            samples.add(&Event::Sample(sample)).unwrap();
        }
        samples
    }

    fn largest_error(samples: &Samples) -> f64 {
        let quiet = QuietRatios::of(samples);
        let error = |i: usize| centre(quiet.item(&format!("model {i}")).iter().copied()) / (10.0 + i as f64) - 1.0;
        (0..20).map(|i| error(i).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_neighbour_that_comes_and_goes_does_not_move_the_medians() {
        for busy in [0.2, 0.5, 0.8] {
            // Near the quiet canary, what the neighbour adds is taken out; far from it, the samples are left out.
            for (slower, taken_out) in [(1.08, 0.06), (1.3, 0.0)] {
                let samples = made_up(8000, busy, slower, 1.06, 1.1);
                let plain = centre(samples.items["model 3"].ratios().into_iter()) / 13.0 - 1.0;
                assert!(busy < 0.4 || plain > 0.01, "{plain}");
                assert!(largest_error(&samples) < 0.004, "{busy} {slower}: {}", largest_error(&samples));
                let most = QuietRatios::of(&samples).most;
                assert!((most - taken_out).abs() < 0.005, "{busy} {slower}: {most}");
            }
        }
    }

    #[test]
    fn disturbed_samples_do_not_count() {
        let mut samples = made_up(8000, 0.0, 1.0, 1.0, 1.0);
        for item in samples.items.values_mut() {
            for sample in item.samples.iter_mut().step_by(2) {
                (sample.us, sample.spread) = (1.5 * sample.us, 0.5);
            }
        }
        assert!(largest_error(&samples) < 0.004, "{}", largest_error(&samples));
    }

    #[test]
    fn without_a_neighbour_or_with_few_samples_next_to_nothing_is_taken_out() {
        assert!(QuietRatios::of(&made_up(8000, 0.0, 1.0, 1.0, 1.0)).most.abs() < 0.003);
        let few = made_up(100, 0.5, 1.3, 1.06, 1.0);
        let quiet = QuietRatios::of(&few);
        assert_eq!(quiet.most, 0.0);
        assert_eq!(quiet.item("model 0").len(), few.items["model 0"].samples.len());
        let close = |(a, b): (&f64, f64)| (a / b - 1.0).abs() < 1e-12;
        assert!(few.items.iter().all(|(id, item)| std::iter::zip(quiet.item(id), item.ratios()).all(close)));
        assert_eq!(quiet.item("nobody"), [0.0; 0]);
    }
}
