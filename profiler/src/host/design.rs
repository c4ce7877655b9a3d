//! Which whole networks are measured.

use std::collections::BTreeSet;

use blocks::{Primitive, Space};

use super::job::architecture;
use crate::random::Random;

/// How many architectures a space has, saturating.
pub fn architectures(space: &Space) -> u64 {
    space.layers().iter().fold(1, |n: u64, layer| n.saturating_mul(layer.primitives.len() as u64))
}

/// Up to `count` different architectures in which each layer's candidates appear equally often (give or take one), so that few
/// networks tell all candidates apart. Never more than half of the space: the others are for checking.
pub fn balanced(space: &Space, count: usize, seed: u64) -> Vec<Vec<Primitive>> {
    let half = usize::try_from(architectures(space).div_ceil(2)).unwrap_or(usize::MAX);
    let count = count.min(half);
    let mut random = Random::new(seed);
    let mut seen = BTreeSet::new();
    let mut chosen = Vec::new();
    // Draws that repeat an earlier network are dropped; small spaces take a few more decks.
    while chosen.len() < count {
        let mut decks = space.layers().iter().map(|layer| {
            let mut deck = layer.primitives.clone();
            random.shuffle(&mut deck);
            deck
        });
        let decks: Vec<_> = decks.by_ref().collect();
        let longest = decks.iter().map(Vec::len).max().unwrap_or(0);
        for i in 0..longest {
            let choice: Vec<_> = decks.iter().map(|deck| deck[i % deck.len()]).collect();
            if chosen.len() < count && seen.insert(architecture(&choice)) {
                chosen.push(choice);
            }
        }
    }
    chosen
}

/// Up to `count` different random architectures that are none of `known`; fewer where the space has no more.
pub fn unknown(space: &Space, count: usize, seed: u64, known: &[String]) -> Vec<Vec<Primitive>> {
    let mut random = Random::new(seed);
    let mut seen: BTreeSet<String> = known.iter().cloned().collect();
    let mut chosen = Vec::new();
    let left = architectures(space).saturating_sub(seen.len() as u64);
    let count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
    // With at least half of the space unknown, a draw is new every other time; the bound is for tables with foreign lists.
    let mut draws = 0;
    while chosen.len() < count && draws < 1000 * (count + 1) {
        draws += 1;
        let choice: Vec<_> = space.layers().iter().map(|layer| layer.primitives[random.below(layer.primitives.len())]).collect();
        if seen.insert(architecture(&choice)) {
            chosen.push(choice);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pfld() -> Space {
        Space::load("pfld").unwrap()
    }

    #[test]
    fn candidates_appear_equally_often() {
        let space = pfld();
        let nets = balanced(&space, 72, 3);
        assert_eq!(nets.len(), 72);
        for (i, layer) in space.layers().iter().enumerate() {
            for p in &layer.primitives {
                let times = nets.iter().filter(|net| net[i] == *p).count();
                assert!((7..=9).contains(&times), "{p} stands {times} times in layer {i}");
            }
        }
        assert_eq!(nets, balanced(&space, 72, 3));
        assert_ne!(nets, balanced(&space, 72, 4));
    }

    #[test]
    fn a_small_space_keeps_half_for_checking() {
        let text = "name = \"t\"\ninput = [8, 6, 6]\n[[stage]]\ncandidates = [\"skip\", \"conv1x1\", \"sep_k3\"]\n\
                    layers = [{ c_in = 8, c_out = 8, stride = 1, h = 6, w = 6 }]\n";
        let space = Space::parse(text, "t").unwrap();
        let fitted = balanced(&space, 72, 1);
        assert_eq!(fitted.len(), 2);
        let known: Vec<_> = fitted.iter().map(|c| architecture(c)).collect();
        let others = unknown(&space, 30, 1, &known);
        assert_eq!(others.len(), 1);
        assert!(!fitted.contains(&others[0]));
    }
}
