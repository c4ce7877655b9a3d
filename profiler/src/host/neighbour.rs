//! What a neighbour on the same core does to networks beyond what it does to the canary.
//!
//! Ratios of samples over canaries do not depend on the clock. But a virtual machine's core shares its execution units and caches
//! with another hardware thread, and a network suffers from that by a few percent more than the canary. How much more depends on the
//! canary's own slowdown, and is much the same for all networks and blocks: so it is estimated from all samples of a run together,
//! and taken out of each. On a quiet phone all canaries are alike and nothing is taken out.

use std::collections::BTreeMap;

use super::raw::Samples;
use crate::stats::quantile;

/// Levels of the canary, each with as many samples.
const LEVELS: usize = 16;
/// Of them the quiet ones, to which all others are compared.
const QUIET: usize = 2;
/// Least samples of a level; with fewer than two levels nothing is estimated.
const LEAST: usize = 100;
/// Medians of the items and of the levels are taken in turn; these many turns change them by less than 0.1 %.
const TURNS: usize = 4;

/// All samples' ratios, as a quiet core would have given them.
#[derive(Clone, Debug, Default)]
pub struct QuietRatios {
    items: BTreeMap<String, Vec<f64>>,
    /// What was taken out at the level where it was most; a share.
    pub most: f64,
}

/// A sample's logarithms.
struct Point {
    item: usize,
    ratio: f64,
    canary: f64,
}

impl QuietRatios {
    /// Estimates the neighbour's effect, and takes it out.
    pub fn of(samples: &Samples) -> Self {
        let point = |(item, sample): (usize, &crate::protocol::Sample)| Point {
            item,
            ratio: sample.ratio().ln(),
            canary: (0.5 * (sample.before_us + sample.after_us)).ln(),
        };
        let of_item = |(i, item): (usize, &super::raw::ItemSamples)| -> Vec<Point> {
            item.samples.iter().map(|sample| point((i, sample))).collect()
        };
        let points: Vec<Point> = samples.items.values().enumerate().flat_map(of_item).collect();
        let effects = effects(&points, samples.items.len());
        let mut quiet: Vec<Vec<f64>> = vec![Vec::new(); samples.items.len()];
        for (point, effect) in std::iter::zip(&points, &effects) {
            quiet[point.item].push((point.ratio - effect).exp());
        }
        let most = effects.iter().copied().fold(0.0, |a: f64, b| if b.abs() > a.abs() { b } else { a });
        Self { items: samples.items.keys().cloned().zip(quiet).collect(), most: most.exp_m1() }
    }

    /// An item's ratios in the order of its samples; none where it has none.
    pub fn item(&self, id: &str) -> &[f64] {
        self.items.get(id).map_or(&[], Vec::as_slice)
    }
}

/// What is to be taken from each point's logarithm.
fn effects(points: &[Point], items: usize) -> Vec<f64> {
    let mut effects = vec![0.0; points.len()];
    let levels = (points.len() / LEAST).min(LEVELS);
    if levels <= QUIET {
        return effects;
    }
    let mut order: Vec<usize> = (0..points.len()).collect();
    order.sort_by(|&a, &b| points[a].canary.total_cmp(&points[b].canary));
    let mut by_item = vec![Vec::new(); items];
    for (i, point) in points.iter().enumerate() {
        by_item[point.item].push(i);
    }
    let level = |l: usize| &order[l * points.len() / levels..(l + 1) * points.len() / levels];
    for _ in 0..TURNS {
        let centre: Vec<f64> = by_item.iter().map(|own| median(own.iter().map(|&i| points[i].ratio - effects[i]))).collect();
        let beyond = |of: &[usize]| median(of.iter().map(|&i| points[i].ratio - centre[points[i].item]));
        let quiet = beyond(&order[..QUIET * points.len() / levels]);
        for l in 0..levels {
            let effect = beyond(level(l)) - quiet;
            level(l).iter().for_each(|&i| effects[i] = effect);
        }
    }
    effects
}

/// The median; 0 where there are no values.
fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() { 0.0 } else { quantile(&sorted, 0.5) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{Event, Sample};
    use crate::random::Random;

    /// Samples of 20 models; at times a neighbour slows the canary by 30 % and the models by that and `beyond`.
    fn made_up(count: usize, busy: f64, beyond: f64) -> Samples {
        let mut random = Random::new(5);
        let mut samples = Samples::default();
        for at in 0..count {
            let item = random.below(20);
            let neighbour = random.unit() < busy;
            let canary = 2.0 * (1.0 + 0.01 * random.unit()) * if neighbour { 1.3 } else { 1.0 };
            let us = canary * (10.0 + item as f64) * (1.0 + 0.02 * (random.unit() - 0.5)) * if neighbour { beyond } else { 1.0 };
            let sample = Sample {
                id: format!("model {item}"),
                at_ms: at as f64,
                us,
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
        let error = |i: usize| median(quiet.item(&format!("model {i}")).iter().copied()) / (10.0 + i as f64) - 1.0;
        (0..20).map(|i| error(i).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn a_neighbour_that_comes_and_goes_does_not_move_the_medians() {
        for busy in [0.2, 0.5, 0.8] {
            let samples = made_up(8000, busy, 1.06);
            let plain = median(samples.items["model 3"].ratios().into_iter()) / 13.0 - 1.0;
            assert!(busy < 0.4 || plain > 0.01, "{plain}");
            assert!(largest_error(&samples) < 0.004, "{busy}: {}", largest_error(&samples));
            let most = QuietRatios::of(&samples).most;
            assert!((most - 0.06).abs() < 0.005, "{most}");
        }
    }

    #[test]
    fn without_a_neighbour_or_with_few_samples_next_to_nothing_is_taken_out() {
        assert!(QuietRatios::of(&made_up(8000, 0.0, 1.0)).most.abs() < 0.003);
        let few = made_up(250, 0.5, 1.06);
        let quiet = QuietRatios::of(&few);
        assert_eq!(quiet.most, 0.0);
        let close = |(a, b): (&f64, f64)| (a / b - 1.0).abs() < 1e-12;
        assert!(few.items.iter().all(|(id, item)| std::iter::zip(quiet.item(id), item.ratios()).all(close)));
        assert_eq!(quiet.item("nobody"), [0.0; 0]);
    }
}
