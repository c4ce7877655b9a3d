//! Paths through a supernet: one candidate a layer.

use std::ops::Range;

use blocks::Space;
use rand::RngExt;

use super::draw::{Draw, Purpose};
use super::layout::Layout;

/// Paths that are fair to all candidates: of a layer with n candidates, each n steps train every one once, in an order of their own. (Strict
/// fairness: Chu, Zhang and Xu, *FairNAS*, ICCV 2021; there the n paths make one step together, here each makes its own.)
pub struct FairPaths {
    /// Candidates of each layer.
    candidates: Vec<usize>,
    seed: u64,
}

impl FairPaths {
    /// Of the space's layers; equal seeds give equal paths.
    pub fn new(space: &Space, seed: u64) -> Self {
        Self { candidates: space.layers().iter().map(|layer| layer.primitives.len()).collect(), seed }
    }

    /// The path of a step, counted from 0 over all epochs: an index a layer.
    pub fn at(&self, step: u64) -> Vec<usize> {
        let of = |(layer, &n): (usize, &usize)| {
            let (round, place) = (step / n as u64, (step % n as u64) as usize);
            self.order(layer, n, round)[place]
        };
        self.candidates.iter().enumerate().map(of).collect()
    }

    /// The order in which a layer's candidates come in a round.
    fn order(&self, layer: usize, n: usize, round: u64) -> Vec<usize> {
        let mut rng = Draw { seed: self.seed, purpose: Purpose::Paths, epoch: layer as u64, step: round }.rng();
        let mut order: Vec<usize> = (0..n).collect();
        for i in (1..n).rev() {
            order.swap(i, rng.random_range(0..=i));
        }
        order
    }
}

/// Where the weights of a path lie among a supernet's trained parameters: the trunk's, and those of its candidates.
pub fn path_weights(layout: &Layout, path: &[usize]) -> Vec<Range<usize>> {
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for slot in layout.trained() {
        let (from, to) = (slot.offset, slot.offset + slot.param.len());
        if !is_on(path, &slot.param.name) {
            continue;
        }
        match ranges.last_mut() {
            Some(last) if last.end == from => last.end = to,
            _ => ranges.push(from..to),
        }
    }
    ranges
}

/// Whether a supernet's weight belongs to the path: `blocks.{layer}.{candidate}.…`, or one of the trunk.
fn is_on(path: &[usize], name: &str) -> bool {
    let Some(rest) = name.strip_prefix("blocks.") else { return true };
    let mut numbers = rest.split('.').map(str::parse::<usize>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(layer)), Some(Ok(candidate))) => path.get(layer) == Some(&candidate),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_candidate_is_trained_equally_often() {
        let space = Space::load("pfld").unwrap();
        let paths = FairPaths::new(&space, 3);
        let n = space.layers()[0].primitives.len();
        for round in 0..4 {
            for layer in 0..space.layers().len() {
                let mut trained: Vec<usize> = (0..n).map(|i| paths.at((round * n + i) as u64)[layer]).collect();
                assert_ne!(trained, (0..n).collect::<Vec<_>>(), "an order that is drawn");
                trained.sort_unstable();
                assert_eq!(trained, (0..n).collect::<Vec<_>>());
            }
        }
        // Layers, rounds and seeds have orders of their own.
        let first = |paths: &FairPaths, layer: usize, from: u64| (0..9).map(|i| paths.at(from + i)[layer]).collect::<Vec<_>>();
        assert_ne!(first(&paths, 0, 0), first(&paths, 1, 0));
        assert_ne!(first(&paths, 0, 0), first(&paths, 0, 9));
        assert_ne!(first(&paths, 0, 0), first(&FairPaths::new(&space, 4), 0, 0));
    }

    #[test]
    fn a_paths_weights_are_its_subnets() {
        let space = Space::load("pfld").unwrap();
        let supernet = Layout::new(&space.supernet(20));
        let path = [1, 0, 8, 3, 5];
        let ranges = path_weights(&supernet, &path);
        let subnet = Layout::new(&space.subnet(&crate::model::primitives(&space, &path), 20));
        assert_eq!(ranges.iter().map(ExactSizeIterator::len).sum::<usize>(), subnet.trained_len());
        assert!(ranges.is_sorted_by(|a, b| a.end < b.start));
    }
}
