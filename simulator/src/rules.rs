//! What makes one core differ from another: pairing, latencies, caches, prediction. Read from a core's TOML file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::ChipError;
use crate::instruction::{Feature, Kind};

/// What needs an operand. A result can be ready for one of these before it is for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Need {
    /// By integer arithmetic.
    Alu,
    /// By the shifter before it.
    Shifted,
    /// By the address of a load or store.
    Address,
    /// By a store, as data from a general register.
    Store,
    /// By a multiplication or division, as a factor.
    Multiply,
    /// By a multiplication, as what is added.
    MultiplyAddend,
    /// By a branch.
    Branch,
    /// By `fmov` from a general register.
    FromGeneral,
    /// By `ins` from a general register.
    Insert,
    /// By `dup` from a general register, and a conversion of one.
    Convert,
    /// By floating-point and vector arithmetic.
    Vector,
    /// By floating-point multiply-add, as what is added.
    FpAddend,
    /// By vector multiply-add of integers, as what is added.
    VectorAddend,
    /// By a store, as data from a vector register.
    VectorStore,
}

impl Need {
    /// Number of needs.
    pub const COUNT: usize = Self::VectorStore as usize + 1;
}

/// Which place of a pair an instruction can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Place {
    /// Either.
    #[default]
    Any,
    /// The first.
    First,
    /// The second; or it issues alone.
    Second,
    /// None: it issues alone.
    Alone,
}

/// What limits how many instructions issue in a cycle.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Nothing in particular.
    #[default]
    None,
    /// The load/store pipeline: one.
    Memory,
    /// The branch pipeline: one, and nothing follows in the same cycle.
    Branch,
    /// The integer multiplier: one.
    Multiply,
    /// The integer divider: one, and busy for a while.
    Divide,
    /// The vector pipelines of 64 bits; see [`Issue::vector_units`].
    Vector,
    /// The vector pipelines, and the divider behind them, which is busy for a while.
    VectorDivide,
}

/// How instructions of one kind issue, and when their result can be used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timing {
    /// Place in a pair.
    #[serde(default)]
    pub place: Place,
    /// Unit that it takes.
    #[serde(default)]
    pub unit: Unit,
    /// Cycles after issue at which the result can be used by whatever is not in [`Self::to`].
    pub latency: u8,
    /// The same for 128-bit operations, where it differs.
    #[serde(default)]
    pub wide_latency: Option<u8>,
    /// Cycles for which the unit takes no other instruction of the kind.
    #[serde(default)]
    pub busy: u8,
    /// The same for 128-bit operations, where it differs.
    #[serde(default)]
    pub wide_busy: Option<u8>,
    /// Latencies, in cycles, for those that need the result earlier or later.
    #[serde(default)]
    pub to: BTreeMap<Need, u8>,
}

/// How instructions issue together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// Instructions a cycle: 1 or 2.
    pub width: u8,
    /// Vector pipelines of 64 bits. A 128-bit operation takes two.
    pub vector_units: u8,
    /// Place in a pair of a 128-bit vector operation.
    pub wide_vector_place: Place,
    /// Kinds of vector operations that pair with a vector load.
    pub vector_load_pairs_with: Vec<Kind>,
    /// Cycles after a floating-point multiply-add in which no vector load of one cycle issues; 0 for no such rule.
    pub vector_load_after_multiply_add: u8,
    /// Bytes that a load of two general registers brings a cycle; it issues over as many cycles as that takes, alone if several.
    pub load_pair_bytes: u16,
    /// Bytes that a vector load brings a cycle; likewise.
    pub vector_load_bytes: u16,
    /// Cycles more for loads that separate elements (`ld2`, `ld3`, `ld4`).
    pub interleaved_load_cycles: u8,
    /// Bytes that a store of general registers takes a cycle.
    pub store_bytes: u16,
    /// Bytes that a vector store takes a cycle.
    pub vector_store_bytes: u16,
    /// Latency of an updated base register, in cycles.
    pub base_latency: u8,
    /// Cycles of a miss of the instruction cache that are hidden by what was fetched before.
    pub queue_cycles: u8,
}

/// Prediction of branches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Branches {
    /// Cycles lost by a wrong prediction.
    pub mispredicted: u8,
    /// Cycles lost by a branch taken as predicted.
    pub taken: u8,
    /// Two-bit counters of directions.
    pub counters: u16,
    /// Outcomes of past branches that choose the counter, besides the address.
    pub history: u8,
    /// Addresses of returns remembered.
    pub returns: u8,
    /// Targets remembered of branches to a register, by the branch and what led to it.
    pub targets: u16,
}

/// Which line of a full set is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Replacement {
    /// The one used least recently.
    Lru,
    /// Any: by a shift register that starts from the same value in every run.
    PseudoRandom,
}

/// A cache's shape.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheShape {
    /// Its size in KiB.
    pub kib: u32,
    /// Lines a set.
    pub ways: u8,
    /// Which line is replaced.
    pub replacement: Replacement,
}

/// Misses that the first-level data cache has under way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Misses {
    /// Loads that miss, at a time; the next one keeps the load/store pipeline waiting.
    pub loads: u8,
    /// Lines fetched for stores, at a time; likewise.
    pub stores: u8,
    /// Lines that `prfm` asked for, at a time; the next one's waits, the program does not.
    pub prefetches: u8,
    /// Cycles for which a line that is put into the cache takes the load/store pipeline.
    pub fill_cycles: u8,
    /// Cycles for which a line that leaves the cache for another takes it.
    pub evict_cycles: u8,
    /// Full lines written one after the other before their fetch is done, from which on lines that are written go to the
    /// second level without being fetched; 0 for never.
    pub streaming_lines: u8,
    /// The same, from which on they go to memory, past the second level; 0 for never.
    pub streaming_lines_second: u8,
}

/// The prefetcher of the first-level data cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prefetcher {
    /// Sequences of misses followed at a time; 0 for no prefetcher.
    pub streams: u8,
    /// Largest distance, in lines, between misses of a sequence.
    pub stride: u8,
    /// Misses at equal distances that start it.
    pub misses: u8,
    /// Lines on the way at a time, and fetched ahead.
    pub lines: u8,
    /// Cycles for which a line that it fetched takes the load/store pipeline when it is put into the cache.
    pub fill_cycles: u8,
}

/// Translation of addresses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tlb {
    /// Bytes of a page, in KiB.
    pub page_kib: u32,
    /// Entries of the small table for data; 0 for no translation.
    pub micro_entries: u8,
    /// Cycles for an entry from the main table.
    pub micro_miss: u8,
    /// Entries of the main table.
    pub entries: u16,
    /// Entries a set of it.
    pub ways: u8,
    /// Cycles for a walk through the page tables.
    pub miss: u8,
}

/// A core.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Core {
    /// Its name, as chips' files state it.
    pub name: String,
    /// Extensions that it has beyond the first ARMv8. The model gives them no timing yet: a core that names one is refused.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Pairing.
    pub issue: Issue,
    /// Branches.
    pub branches: Branches,
    /// First-level data cache.
    pub data_cache: CacheShape,
    /// First-level instruction cache.
    pub instruction_cache: CacheShape,
    /// Misses under way.
    pub misses: Misses,
    /// Prefetcher.
    pub prefetcher: Prefetcher,
    /// Translation.
    pub tlb: Tlb,
    /// Timing of each kind of instruction.
    pub kinds: BTreeMap<Kind, Timing>,
}

/// Cores that come with the library: name and file.
const BUILT_IN: [(&str, &str); 1] = [("cortex-a53", include_str!("../cores/cortex-a53.toml"))];

impl Core {
    /// Names of the cores that come with the library.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The text of a core's file that comes with the library.
    pub fn built_in(name: &str) -> Option<&'static str> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
    }

    /// Reads a core's file; `what` is what to call it in errors.
    ///
    /// # Errors
    /// [`ChipError::Toml`] where it is not such a file, [`ChipError::Value`] where a value makes no sense, [`ChipError::Kinds`]
    /// where kinds of instructions are missing.
    pub fn parse(text: &str, what: &str) -> Result<Self, ChipError> {
        let core: Self =
            toml::from_str(text).map_err(|source| ChipError::Toml { file: what.to_owned(), source: Box::new(source) })?;
        core.check(what)?;
        Ok(core)
    }

    fn check(&self, what: &str) -> Result<(), ChipError> {
        let missing: Vec<String> = Kind::ALL
            .iter()
            .filter(|kind| !self.kinds.contains_key(kind))
            // The name in the file is the one that serde gives it.
            .map(|kind| toml::Value::try_from(kind).map_or_else(|_| format!("{kind:?}"), |name| name.to_string()))
            .collect();
        if !missing.is_empty() {
            return Err(ChipError::Kinds { file: what.to_owned(), missing: missing.join(", ") });
        }
        let value = |ok: bool, field: &'static str, rule: &'static str| {
            if ok { Ok(()) } else { Err(ChipError::Value { file: what.to_owned(), field, rule }) }
        };
        let issue = &self.issue;
        value(self.features.is_empty(), "features", "must be empty: the model knows no timing of extensions yet")?;
        value(matches!(issue.width, 1 | 2), "issue.width", "must be 1 or 2")?;
        value(issue.vector_units >= 1, "issue.vector_units", "must be at least 1")?;
        value(issue.vector_load_after_multiply_add < 64, "issue.vector_load_after_multiply_add", "must be below 64")?;
        value(
            [issue.load_pair_bytes, issue.vector_load_bytes, issue.store_bytes, issue.vector_store_bytes]
                .iter()
                .all(|bytes| *bytes >= 1),
            "issue",
            "bytes a cycle must be at least 1",
        )?;
        value(self.branches.counters >= 1, "branches.counters", "must be at least 1")?;
        value(self.branches.history <= 16, "branches.history", "must be at most 16")?;
        value(self.branches.returns >= 1, "branches.returns", "must be at least 1")?;
        value(self.branches.targets >= 1, "branches.targets", "must be at least 1")?;
        self.data_cache.check(what, "data_cache")?;
        self.instruction_cache.check(what, "instruction_cache")?;
        value(self.misses.loads >= 1, "misses.loads", "must be at least 1")?;
        value(self.misses.stores >= 1, "misses.stores", "must be at least 1")?;
        value(self.misses.prefetches >= 1, "misses.prefetches", "must be at least 1")?;
        value(self.prefetcher.misses >= 2, "prefetcher.misses", "must be at least 2")?;
        let tlb = &self.tlb;
        value(tlb.page_kib.is_power_of_two(), "tlb.page_kib", "must be a power of two")?;
        value(
            tlb.ways >= 1 && tlb.entries.is_multiple_of(u16::from(tlb.ways)) && tlb.entries > 0,
            "tlb.entries",
            "must be a multiple of tlb.ways",
        )
    }
}

impl CacheShape {
    /// Number of sets, of lines of [`LINE_BYTES`].
    pub fn sets(&self) -> u32 {
        self.kib * 1024 / LINE_BYTES / u32::from(self.ways)
    }

    pub(crate) fn check(&self, what: &str, field: &'static str) -> Result<(), ChipError> {
        let fits = self.ways >= 1
            && self.kib >= 1
            && self.kib <= 1 << 20
            && (self.kib * 1024).is_multiple_of(LINE_BYTES * u32::from(self.ways))
            && self.sets().is_power_of_two();
        if fits {
            Ok(())
        } else {
            let rule = "kib and ways must make a number of sets that is a power of two, of 64-byte lines";
            Err(ChipError::Value { file: what.to_owned(), field, rule })
        }
    }
}

/// Bytes of a cache line, on all cores.
pub const LINE_BYTES: u32 = 64;
