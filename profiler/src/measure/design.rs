//! Which whole networks are measured.

use std::collections::BTreeSet;

use blocks::SearchLayer;
use blocks::{Primitive, Space};

use super::subject::architecture;
use crate::random::Random;

/// How many architectures a space has, saturating.
pub fn architectures(space: &Space) -> u64 {
    space.layers().iter().fold(1, |n: u64, layer| n.saturating_mul(layer.primitives.len() as u64))
}

/// What may stand in a layer of a measured network: its candidates, and nothing at all where the shapes allow it.
///
/// Every network of a space has one candidate in each layer, so that these networks alone cannot tell what a whole layer takes
/// from what the trunk takes. Networks with a layer left out can.
fn deck(layer: &SearchLayer) -> Vec<Primitive> {
    let mut deck = layer.primitives.clone();
    let nothing = Primitive::from_name("skip").filter(|p| p.is_identity(&layer.layer) && !deck.contains(p));
    deck.extend(nothing);
    deck
}

/// Up to `count` different architectures in which each layer's candidates appear equally often (give or take one), so that few
/// networks tell all candidates apart. Of the space's own never more than half: the others are for checking.
pub fn balanced(space: &Space, count: usize, seed: u64) -> Vec<Vec<Primitive>> {
    let half = usize::try_from(architectures(space).div_ceil(2)).unwrap_or(usize::MAX);
    let mut random = Random::new(seed);
    let mut seen = BTreeSet::new();
    let (mut chosen, mut own) = (Vec::new(), 0);
    let mut dealt: Vec<Vec<Primitive>> = vec![Vec::new(); space.layers().len()];
    // Draws that repeat an earlier network are dropped; the bound is for spaces with few architectures.
    for _ in 0..20 * (count + 10) {
        if chosen.len() == count {
            break;
        }
        let mut deal = |(cards, layer): (&mut Vec<Primitive>, &SearchLayer)| {
            if cards.is_empty() {
                *cards = deck(layer);
                random.shuffle(cards);
            }
            cards.pop()
        };
        let choice: Vec<_> = dealt.iter_mut().zip(space.layers()).filter_map(&mut deal).collect();
        let is_own = std::iter::zip(&choice, space.layers()).all(|(p, layer)| layer.primitives.contains(p));
        let is_empty = space.trunk().is_none() && std::iter::zip(&choice, space.layers()).all(|(p, l)| p.is_identity(&l.layer));
        let is_spare = is_own && own == half;
        if !is_empty && !is_spare && seen.insert(architecture(&choice)) {
            own += usize::from(is_own);
            chosen.push(choice);
        }
    }
    chosen
}

/// Up to `count` different random architectures that are none of `known`; fewer where the space has no more.
pub fn unknown(space: &Space, count: usize, seed: u64, known: &[String]) -> Vec<Vec<Primitive>> {
    let mut random = Random::new(seed);
    let mut seen: BTreeSet<String> = known.iter().cloned().collect();
    let mut chosen = Vec::new();
    // At least half of the space is unknown, unless it is tiny; the bound is for those.
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
        let nets = balanced(&space, 80, 3);
        assert_eq!(nets.len(), 80);
        for (i, layer) in space.layers().iter().enumerate() {
            for p in &layer.primitives {
                let times = nets.iter().filter(|net| net[i] == *p).count();
                assert!((7..=10).contains(&times), "{p} stands {times} times in layer {i}");
            }
        }
        assert_eq!(nets, balanced(&space, 80, 3));
        assert_ne!(nets, balanced(&space, 80, 4));
        let without = |i: usize| nets.iter().filter(|net| net[i].name() == "skip").count();
        assert!([0, 1, 3, 4].iter().all(|&i| without(i) >= 6), "layers of equal shapes are left out sometimes");
        assert_eq!(without(2), 0);
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
