//! A simulated run's settings and its report: JSON between an emulator's plugin and the program that started it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::causes::{Cause, Causes};
use crate::chip::Chip;
use crate::counters::{Counters, MemoryCounters};
use crate::error::ChipError;
use crate::instruction::{Feature, Kind};

/// A hash of the sources of the simulator and its plugin, in hexadecimal: both sides must have the same.
pub const BUILD: &str = env!("SIMULATOR_BUILD");

/// The settings of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// [`BUILD`] of the program that starts the run.
    pub build: String,
    /// The texts of the chip's file and of its core's.
    pub chip: [String; 2],
    /// Whether the program marks what counts ([`marks`](crate::marks)); everything counts otherwise.
    pub marked: bool,
    /// File for the [`Report`].
    pub report: PathBuf,
    /// Folder of the files that the program sees in place of the host's, as [`in_place_of`](Self::in_place_of) finds them.
    pub files: PathBuf,
}

impl Settings {
    /// For a chip.
    pub fn new(chip: &Chip, marked: bool, report: PathBuf, files: PathBuf) -> Self {
        Self { build: BUILD.to_owned(), chip: chip.texts.clone(), marked, report, files }
    }

    /// The file that stands for one of this absolute path, whether it is there or not.
    pub fn in_place_of(&self, path: &str) -> PathBuf {
        self.files.join(path.trim_start_matches('/'))
    }

    /// The chip.
    ///
    /// # Errors
    /// Where its texts are not in order.
    pub fn chip(&self) -> Result<Chip, ChipError> {
        Chip::of_texts(self.chip.clone())
    }
}

/// The report of a run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What counted, in the order of its end.
    pub regions: Vec<Region>,
    /// Threads that the program started, the first included.
    pub threads: u32,
    /// Timers that the program started: they run on the host's clock.
    pub timers: u64,
    /// Other processes that the program started: what they do does not count.
    pub processes: u64,
    /// Address at which the program began: together with its file's, it says where its code lies.
    pub entry: u64,
}

/// Code that counted, from one mark to another or from the program's beginning to its end.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// The label of the mark at its beginning.
    pub label: u64,
    /// Cycles.
    pub cycles: u64,
    /// The same in nanoseconds, rounded down.
    pub nanoseconds: u64,
    /// Cycles by cause; they add up to all of them.
    pub causes: BTreeMap<Cause, u64>,
    /// Instructions executed.
    pub instructions: u64,
    /// Of these, floating-point multiply-adds, an element each: the core's peak is four singles a cycle.
    pub multiply_adds: u64,
    /// Branches that had to be predicted.
    pub branches: u64,
    /// Of these, mispredicted.
    pub mispredicted: u64,
    /// Accesses and misses.
    pub memory: MemoryCounters,
    /// Loads and stores whose address was not reported: they count as hits.
    pub without_address: u64,
    /// Prefetches whose address could not be inferred: they had no effect.
    pub prefetches_without_address: u64,
    /// Instructions that the decoder does not know.
    pub unknown: u64,
    /// Their words, as far as they were listed, and how often each was executed.
    pub unknown_words: BTreeMap<u32, u64>,
    /// Instructions of extensions that the core lacks, and how often each was executed.
    pub extensions: BTreeMap<Feature, u64>,
    /// Blocks of code that other threads executed meanwhile: they did not count.
    pub elsewhere: u64,
    /// Addresses at which code was changed after it had been executed.
    pub rewritten: u64,
    /// Instructions that read a clock's register directly, and so did not see simulated time.
    pub direct_clocks: u64,
    /// Cycles by the address of the block that they were spent in, the most first.
    pub blocks: Vec<BlockCycles>,
}

/// Cycles spent in a block of code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockCycles {
    /// Its first address.
    pub address: u64,
    /// Bytes.
    pub bytes: u32,
    /// Cycles.
    pub cycles: u64,
}

/// An instruction that the core does not have, in code that was about to be executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lacking {
    /// The extension that it belongs to.
    pub feature: Feature,
    /// Its 32 bits.
    pub word: u32,
    /// Its address.
    pub address: u64,
}

impl Lacking {
    /// The file that holds the last one, beside the one for the report: the program may not come to its end.
    pub fn file(report: &Path) -> PathBuf {
        report.with_extension("lacking.json")
    }
}

impl Region {
    /// A region's figures, without those that only the emulator knows.
    pub fn new(label: u64, chip: &Chip, causes: &Causes, counters: &Counters) -> Self {
        let cycles = causes.total();
        Self {
            label,
            cycles,
            nanoseconds: chip.nanoseconds(cycles),
            causes: causes.iter().collect(),
            instructions: counters.instructions,
            multiply_adds: counters.multiply_adds,
            branches: counters.branches,
            mispredicted: counters.mispredicted,
            memory: counters.memory,
            without_address: counters.without_address,
            prefetches_without_address: counters.prefetches_without_address,
            unknown: counters.of(Kind::Unknown),
            unknown_words: counters.unknown_words.clone(),
            extensions: counters.extensions.clone(),
            ..Self::default()
        }
    }

    /// Instructions a cycle.
    pub fn issue_rate(&self) -> f64 {
        self.instructions as f64 / self.cycles.max(1) as f64
    }
}
