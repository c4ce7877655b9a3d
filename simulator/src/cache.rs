//! A set-associative cache: which lines it holds, and when each of them is there.

use crate::causes::Cause;
use crate::rules::{CacheShape, Replacement};

/// Where a line comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// The second-level cache.
    L2,
    /// Memory.
    Dram,
}

impl Source {
    /// What an instruction waits for that waits for the line.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::L2 => Cause::L2,
            Self::Dram => Cause::Dram,
        }
    }
}

/// A line in a cache.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Line {
    /// Its number: address divided by 64.
    pub number: u64,
    /// Cycle at which its data are there.
    pub ready: u64,
    /// Where they come from.
    pub source: Source,
    /// Whether it was written.
    pub dirty: bool,
    /// Whether it was fetched ahead and not used since.
    pub ahead: bool,
}

/// No line has this number.
const NONE: u64 = u64::MAX;

/// A cache.
pub(crate) struct Cache {
    lines: Vec<Line>,
    /// Rank of each line within its set; 0 was used last.
    ranks: Vec<u8>,
    ways: usize,
    sets: u64,
    replacement: Replacement,
    /// State of the pseudo-random choice.
    random: u32,
    /// Place of the line that was found last.
    last: usize,
}

impl Cache {
    pub(crate) fn new(shape: &CacheShape) -> Self {
        let (sets, ways) = (shape.sets() as usize, usize::from(shape.ways));
        let mut cache = Self {
            lines: vec![Line { number: NONE, ready: 0, source: Source::L2, dirty: false, ahead: false }; sets * ways],
            ranks: vec![0; sets * ways],
            ways,
            sets: sets as u64,
            replacement: shape.replacement,
            random: 0,
            last: 0,
        };
        cache.clear();
        cache
    }

    /// Empties it.
    pub(crate) fn clear(&mut self) {
        for line in &mut self.lines {
            line.number = NONE;
        }
        for (k, rank) in self.ranks.iter_mut().enumerate() {
            *rank = (k % self.ways) as u8;
        }
        // Any value but 0.
        self.random = 0x2545_f491;
        self.last = 0;
    }

    /// The place of the set's first line.
    fn set(&self, number: u64) -> usize {
        (number & (self.sets - 1)) as usize * self.ways
    }

    /// Whether it holds a line.
    pub(crate) fn holds(&self, number: u64) -> bool {
        let set = self.set(number);
        self.lines[set..set + self.ways].iter().any(|line| line.number == number)
    }

    /// A line that it holds, which counts as used.
    #[inline]
    pub(crate) fn find(&mut self, number: u64) -> Option<&mut Line> {
        if self.lines[self.last].number != number {
            let set = self.set(number);
            let way = self.lines[set..set + self.ways].iter().position(|line| line.number == number)?;
            self.last = set + way;
        }
        if self.replacement == Replacement::Lru && self.ranks[self.last] != 0 {
            let way = self.last % self.ways;
            self.touch(self.last - way, way);
        }
        Some(&mut self.lines[self.last])
    }

    fn touch(&mut self, set: usize, way: usize) {
        let ranks = &mut self.ranks[set..set + self.ways];
        let rank = ranks[way];
        for other in ranks.iter_mut().filter(|other| **other < rank) {
            *other += 1;
        }
        ranks[way] = 0;
    }

    /// Puts a line in, and gives back the one that made room, where there was one.
    pub(crate) fn insert(&mut self, line: Line) -> Option<Line> {
        let set = self.set(line.number);
        let empty = self.lines[set..set + self.ways].iter().position(|held| held.number == NONE);
        let way = empty.unwrap_or_else(|| match self.replacement {
            Replacement::Lru => {
                self.ranks[set..set + self.ways].iter().position(|rank| usize::from(*rank) == self.ways - 1).unwrap_or_default()
            }
            Replacement::PseudoRandom => {
                // Marsaglia's xorshift with 13, 17, 5.
                self.random ^= self.random << 13;
                self.random ^= self.random >> 17;
                self.random ^= self.random << 5;
                self.random as usize % self.ways
            }
        });
        self.touch(set, way);
        let old = std::mem::replace(&mut self.lines[set + way], line);
        (old.number != NONE).then_some(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(number: u64) -> Line {
        Line { number, ready: 0, source: Source::L2, dirty: false, ahead: false }
    }

    fn cache(replacement: Replacement) -> Cache {
        Cache::new(&CacheShape { kib: 1, ways: 4, replacement })
    }

    #[test]
    fn the_least_recently_used_line_makes_room() {
        // 1 KiB of 4 ways: 4 sets. Lines 0, 4, 8, … fall into the first.
        let mut cache = cache(Replacement::Lru);
        for number in [0, 4, 8, 12] {
            assert!(cache.insert(line(number)).is_none());
        }
        assert!(cache.find(0).is_some());
        assert_eq!(cache.insert(line(16)).unwrap().number, 4);
        assert!(cache.holds(0) && !cache.holds(4));
    }

    #[test]
    fn random_replacement_is_the_same_in_every_run_and_takes_any_line() {
        let victims = || {
            let mut cache = cache(Replacement::PseudoRandom);
            (0..400u64).filter_map(|k| cache.insert(line(4 * k))).map(|old| old.number).collect::<Vec<_>>()
        };
        assert_eq!(victims(), victims());
        // A line stays for 4 insertions on average; under another rule all would stay exactly 4.
        let ages: Vec<u64> = victims().iter().zip(4..).map(|(old, now)| now - old / 4).collect();
        let mean = ages.iter().sum::<u64>() as f64 / ages.len() as f64;
        assert!((3.4..4.6).contains(&mean), "{mean}");
        assert!(ages.contains(&1) && ages.iter().any(|age| *age > 8));
    }
}
