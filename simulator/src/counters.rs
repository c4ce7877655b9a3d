//! What was counted besides cycles.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::instruction::{Feature, Kind};

/// Accesses and misses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemoryCounters {
    /// Loads, by lines touched.
    pub loads: u64,
    /// Of these, missed by the first-level data cache.
    pub load_misses: u64,
    /// Stores, by lines touched.
    pub stores: u64,
    /// Of these, missed by the first-level data cache, and fetched.
    pub store_misses: u64,
    /// Lines written that were not fetched first.
    pub streamed_lines: u64,
    /// Lines of data or instructions that programs needed and the second-level cache did not hold.
    pub second_misses: u64,
    /// Lines that `prfm` brought.
    pub prefetches: u64,
    /// Lines that the prefetcher brought.
    pub hardware_prefetches: u64,
    /// Bytes read from memory.
    pub dram_read_bytes: u64,
    /// Bytes written to memory.
    pub dram_written_bytes: u64,
    /// Lines of instructions that the first-level cache did not hold.
    pub instruction_misses: u64,
    /// Pages whose translation came from the main table.
    pub micro_tlb_misses: u64,
    /// Pages whose translation came from the page tables.
    pub tlb_misses: u64,
}

/// What was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counters {
    /// Instructions.
    pub instructions: u64,
    /// Instructions by kind; see [`Self::of`].
    kinds: [u64; Kind::COUNT],
    /// Floating-point multiply-adds, an element each.
    pub multiply_adds: u64,
    /// Branches that had to be predicted.
    pub branches: u64,
    /// Of these, mispredicted.
    pub mispredicted: u64,
    /// Loads, stores and `dc zva` whose address was not reported: they count as hits.
    pub without_address: u64,
    /// Prefetches whose address was neither reported nor inferred: they had no effect.
    pub prefetches_without_address: u64,
    /// Memory.
    pub memory: MemoryCounters,
    /// Instruction words that the model does not know, and how often each was executed; at most
    /// [`Self::WORDS_LISTED`] of them.
    pub unknown_words: BTreeMap<u32, u64>,
    /// Instructions of extensions that the core lacks, and how often each was executed.
    pub extensions: BTreeMap<Feature, u64>,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            instructions: 0,
            kinds: [0; Kind::COUNT],
            multiply_adds: 0,
            branches: 0,
            mispredicted: 0,
            without_address: 0,
            prefetches_without_address: 0,
            memory: MemoryCounters::default(),
            unknown_words: BTreeMap::new(),
            extensions: BTreeMap::new(),
        }
    }
}

impl Counters {
    /// Different unknown words that are listed.
    pub const WORDS_LISTED: usize = 64;

    /// Instructions of a kind.
    pub fn of(&self, kind: Kind) -> u64 {
        self.kinds[kind as usize]
    }

    pub(crate) fn count(&mut self, kind: Kind) {
        self.instructions += 1;
        self.kinds[kind as usize] += 1;
    }

    /// Instructions without a model: those of extensions, and unknown ones.
    pub fn unknown(&self) -> u64 {
        self.of(Kind::Unknown) + self.of(Kind::Extension)
    }
}
