//! Which whole networks are measured.

use std::collections::BTreeSet;

use blocks::Measurable;
use blocks::measurable::LayerInfo;

use super::choice::{self, Choice};
use crate::random::Random;

/// How many architectures a space has, saturating.
pub fn architectures(layers: &[LayerInfo]) -> u64 {
    layers.iter().fold(1, |n: u64, layer| n.saturating_mul(layer.candidates.len() as u64))
}

/// What may stand in a layer of a measured network: its candidates, and nothing at all where that is allowed.
///
/// Every network of a space has one candidate in each layer, so that these networks alone cannot tell what a whole layer takes
/// from what the fixed pieces take. Networks with a layer left out can.
fn deck(layer: &LayerInfo) -> Choice {
    let nothing = choice::may_be_nothing(layer).then_some(None);
    (0..layer.candidates.len()).map(Some).chain(nothing).collect()
}

/// Up to `count` different architectures in which each layer's candidates appear equally often (give or take one), so that few
/// networks tell all candidates apart. Of the space's own never more than half: the others are for checking.
pub fn balanced(space: &dyn Measurable, count: usize, seed: u64) -> Vec<Choice> {
    let layers = space.layers();
    let has_fixed = !space.fixed().is_empty();
    let half = usize::try_from(architectures(&layers).div_ceil(2)).unwrap_or(usize::MAX);
    let mut random = Random::new(seed);
    let mut seen = BTreeSet::new();
    let (mut chosen, mut own) = (Vec::new(), 0);
    let mut dealt: Vec<Choice> = vec![Vec::new(); layers.len()];
    // Draws that repeat an earlier network are dropped; the bound is for spaces with few architectures.
    for _ in 0..20 * (count + 10) {
        if chosen.len() == count {
            break;
        }
        let mut deal = |(cards, layer): (&mut Choice, &LayerInfo)| {
            if cards.is_empty() {
                *cards = deck(layer);
                random.shuffle(cards);
            }
            cards.pop()
        };
        let choice: Choice = dealt.iter_mut().zip(&layers).filter_map(&mut deal).collect();
        let is_own = choice.iter().all(Option::is_some);
        let is_empty = !has_fixed && std::iter::zip(&layers, &choice).all(|(layer, &place)| choice::is_nothing(layer, place));
        let is_spare = is_own && own == half;
        if !is_empty && !is_spare && seen.insert(choice.clone()) {
            own += usize::from(is_own);
            chosen.push(choice);
        }
    }
    chosen
}

/// Up to `count` different random architectures that are none of `known`; fewer where the space has no more.
pub fn unknown(space: &dyn Measurable, count: usize, seed: u64, known: &[String]) -> Vec<Vec<usize>> {
    let layers = space.layers();
    let mut random = Random::new(seed);
    let mut seen: BTreeSet<String> = known.iter().cloned().collect();
    let mut chosen = Vec::new();
    // At least half of the space is unknown, unless it is tiny; the bound is for those.
    let mut draws = 0;
    while chosen.len() < count && draws < 1000 * (count + 1) {
        draws += 1;
        let places: Vec<usize> = layers.iter().map(|layer| random.below(layer.candidates.len())).collect();
        if seen.insert(choice::architecture(&layers, &choice::full(&places))) {
            chosen.push(places);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use blocks::{PrimitiveSpace, Space};

    use super::*;

    fn space(space: Space) -> PrimitiveSpace {
        PrimitiveSpace { space, points: 106 }
    }

    #[test]
    fn candidates_appear_equally_often() {
        let space = space(Space::load("pfld").unwrap());
        let nets = balanced(&space, 80, 3);
        assert_eq!(nets.len(), 80);
        for (i, layer) in space.layers().iter().enumerate() {
            for place in 0..layer.candidates.len() {
                let times = nets.iter().filter(|net| net[i] == Some(place)).count();
                assert!((7..=10).contains(&times), "{} stands {times} times in layer {i}", layer.candidates[place].name);
            }
        }
        assert_eq!(nets, balanced(&space, 80, 3));
        assert_ne!(nets, balanced(&space, 80, 4));
        let without = |i: usize| nets.iter().filter(|net| net[i].is_none()).count();
        assert!([0, 1, 3, 4].iter().all(|&i| without(i) >= 6), "layers of equal shapes are left out sometimes");
        assert_eq!(without(2), 0);
    }

    #[test]
    fn a_small_space_keeps_half_for_checking() {
        let text = "name = \"t\"\ninput = [8, 6, 6]\n[[stage]]\ncandidates = [\"skip\", \"conv1x1\", \"sep_k3\"]\n\
                    layers = [{ c_in = 8, c_out = 8, stride = 1, h = 6, w = 6 }]\n";
        let space = space(Space::parse(text, "t").unwrap());
        let layers = space.layers();
        let fitted = balanced(&space, 72, 1);
        assert_eq!(fitted.len(), 2);
        let known: Vec<_> = fitted.iter().map(|choice| choice::architecture(&layers, choice)).collect();
        let others = unknown(&space, 30, 1, &known);
        assert_eq!(others.len(), 1);
        assert!(!fitted.contains(&choice::full(&others[0])));
    }
}
