//! A chip: a core at a clock, with its second-level cache and its memory. Read from a TOML file.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::error::ChipError;
use crate::rules::{CacheShape, Core, LINE_BYTES, Replacement};

/// The second-level cache, as one core sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondCache {
    /// Its size in KiB.
    pub kib: u32,
    /// Lines a set.
    pub ways: u8,
    /// Which line is replaced.
    pub replacement: Replacement,
    /// Cycles that a line takes from here, above what the first level takes.
    pub latency_cycles: u16,
    /// Cycles between two lines.
    pub line_cycles: u16,
}

impl SecondCache {
    /// Its shape alone.
    pub fn shape(&self) -> CacheShape {
        CacheShape { kib: self.kib, ways: self.ways, replacement: self.replacement }
    }
}

/// The memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dram {
    /// Nanoseconds that a line takes from here, above what the second-level cache takes.
    pub latency_ns: u32,
    /// The same of a line in the row that is open, as the line before it was of that row; without it, every line takes `latency_ns`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row_latency_ns: Option<u32>,
    /// Bandwidth for one core in MB/s (10⁶ bytes a second).
    pub bandwidth_mb_s: u32,
}

/// A chip's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ChipFile {
    name: String,
    description: String,
    core: String,
    clock_mhz: u32,
    #[serde(default = "told")]
    tells_cache_sizes: bool,
    l2: SecondCache,
    dram: Dram,
}

fn told() -> bool {
    true
}

/// A chip, with its core's rules.
#[derive(Clone, Debug, PartialEq)]
pub struct Chip {
    /// Short name: `sd625`.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Its core.
    pub core: Core,
    /// The core's clock in MHz.
    pub clock_mhz: u32,
    /// Whether its Linux reports the sizes of caches to programs, in `/sys/devices/system/cpu/cpu0/cache`: it knows them from the device
    /// tree alone. Libraries divide their work by that size.
    pub tells_cache_sizes: bool,
    /// Second-level cache.
    pub l2: SecondCache,
    /// Memory.
    pub dram: Dram,
    /// The texts of the chip's file and of its core's, for a hash of what was simulated.
    pub texts: [String; 2],
}

/// Chips that come with the library: name and file.
const BUILT_IN: [(&str, &str); 3] = [
    ("qrb2210", include_str!("../chips/qrb2210.toml")),
    ("rpi3b", include_str!("../chips/rpi3b.toml")),
    ("sd625", include_str!("../chips/sd625.toml")),
];

impl Chip {
    /// Names of the chips that come with the library.
    pub fn names() -> impl Iterator<Item = &'static str> {
        BUILT_IN.iter().map(|(name, _)| *name)
    }

    /// The chip of that name, or of the TOML file at that path.
    ///
    /// # Errors
    /// [`ChipError::NoChip`] where there is neither; the others where a file is not in order.
    pub fn find(name_or_path: &str) -> Result<Self, ChipError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name, None);
        }
        let path = Path::new(name_or_path);
        if !path.is_file() {
            let known = Self::names().collect::<Vec<_>>().join(", ");
            return Err(ChipError::NoChip { name: name_or_path.to_owned(), known });
        }
        Self::parse(&read(path)?, name_or_path, path.parent())
    }

    /// Reads a chip's file. `what` is what to call it in errors; `beside` is the folder in which a core's file is looked for whose
    /// name is not that of a core in the library.
    ///
    /// # Errors
    /// Where the file or its core's file is not in order.
    pub fn parse(text: &str, what: &str, beside: Option<&Path>) -> Result<Self, ChipError> {
        let file: ChipFile =
            toml::from_str(text).map_err(|source| ChipError::Toml { file: what.to_owned(), source: Box::new(source) })?;
        let (core_text, core_what) = match (Core::built_in(&file.core), beside.map(|folder| folder.join(&file.core))) {
            (Some(text), _) => (text.to_owned(), file.core.clone()),
            (None, Some(path)) if path.is_file() => (read(&path)?, path.display().to_string()),
            (None, _) => {
                let known = Core::names().collect::<Vec<_>>().join(", ");
                return Err(ChipError::NoCore { file: what.to_owned(), name: file.core, known });
            }
        };
        Self::assemble(file, Core::parse(&core_text, &core_what)?, [text.to_owned(), core_text], what)
    }

    /// The chip of the texts of its file and of its core's, as [`Self::texts`] has them.
    ///
    /// # Errors
    /// Where they are not in order.
    pub fn of_texts(texts: [String; 2]) -> Result<Self, ChipError> {
        let what = "the chip's text";
        let file =
            toml::from_str(&texts[0]).map_err(|source| ChipError::Toml { file: what.to_owned(), source: Box::new(source) })?;
        let core = Core::parse(&texts[1], "the core's text")?;
        Self::assemble(file, core, texts, what)
    }

    fn assemble(file: ChipFile, core: Core, texts: [String; 2], what: &str) -> Result<Self, ChipError> {
        let chip = Self {
            name: file.name,
            description: file.description,
            core,
            clock_mhz: file.clock_mhz,
            tells_cache_sizes: file.tells_cache_sizes,
            l2: file.l2,
            dram: file.dram,
            texts,
        };
        chip.check(what)?;
        Ok(chip)
    }

    fn check(&self, what: &str) -> Result<(), ChipError> {
        let value = |ok: bool, field: &'static str, rule: &'static str| {
            if ok { Ok(()) } else { Err(ChipError::Value { file: what.to_owned(), field, rule }) }
        };
        value((1..=10_000).contains(&self.clock_mhz), "clock_mhz", "must be between 1 and 10000")?;
        value(self.dram.latency_ns <= 100_000, "dram.latency_ns", "must be at most 100000")?;
        let row_latency = self.dram.row_latency_ns.unwrap_or(self.dram.latency_ns);
        value(row_latency <= self.dram.latency_ns, "dram.row_latency_ns", "must be at most latency_ns")?;
        value((1..=1_000_000).contains(&self.dram.bandwidth_mb_s), "dram.bandwidth_mb_s", "must be between 1 and 1000000")?;
        self.l2.shape().check(what, "l2")
    }

    /// Cycles that a line takes from memory, above what the second-level cache takes.
    pub fn dram_latency_cycles(&self) -> u64 {
        self.cycles(self.dram.latency_ns)
    }

    /// The same of a line in the row that is open.
    pub fn dram_row_latency_cycles(&self) -> u64 {
        self.cycles(self.dram.row_latency_ns.unwrap_or(self.dram.latency_ns))
    }

    fn cycles(&self, nanoseconds: u32) -> u64 {
        (u64::from(nanoseconds) * u64::from(self.clock_mhz) + 500) / 1000
    }

    /// Cycles between two lines from memory, in 256ths.
    pub fn dram_line_cycles_256ths(&self) -> u64 {
        256 * u64::from(LINE_BYTES) * u64::from(self.clock_mhz) / u64::from(self.dram.bandwidth_mb_s)
    }

    /// The time of so many cycles, in nanoseconds rounded down.
    pub fn nanoseconds(&self, cycles: u64) -> u64 {
        // In 128 bits: 2⁶⁴ cycles fit.
        (u128::from(cycles) * 1000 / u128::from(self.clock_mhz)).min(u128::from(u64::MAX)) as u64
    }
}

fn read(path: &Path) -> Result<String, ChipError> {
    fs::read_to_string(path).map_err(|source| ChipError::Read { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_chip_is_in_order() {
        for name in Chip::names() {
            let chip = Chip::find(name).unwrap();
            assert_eq!(chip.name, name);
            assert_eq!(chip.core.name, "cortex-a53");
            assert_eq!(Chip::of_texts(chip.texts.clone()).unwrap(), chip);
        }
    }

    #[test]
    fn times_are_of_the_clock() {
        let chip = Chip::find("rpi3b").unwrap();
        assert_eq!(chip.clock_mhz, 1200);
        assert_eq!(chip.nanoseconds(1200), 1000);
        assert_eq!(chip.nanoseconds(u64::MAX), 15_372_286_728_091_293_012);
        assert_eq!(chip.dram_latency_cycles(), 168);
    }

    #[test]
    fn errors_say_what_is_wrong_and_what_there_is() {
        let error = |text: &str| Chip::parse(text, "mine.toml", None).unwrap_err().to_string();
        let unknown = Chip::find("sd626").unwrap_err().to_string();
        assert!(unknown.contains("'sd626'") && unknown.contains("qrb2210, rpi3b, sd625"), "{unknown}");
        let text = include_str!("../chips/sd625.toml");
        assert!(error(&text.replace("cortex-a53", "cortex-a9")).contains("'cortex-a9'"));
        assert!(error(&text.replace("kib = 512", "kib = 500")).starts_with("mine.toml: l2: kib and ways"));
        assert!(error(&text.replace("clock_mhz = 2000", "clock_mhz = 0")).contains("clock_mhz"));
        assert!(error(&text.replace("clock_mhz", "clock_ghz")).contains("`clock_ghz`"));
    }

    #[test]
    fn a_file_of_ones_own_works_the_same_with_its_own_core() {
        let folder = std::env::temp_dir().join(format!("simulator-chip-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let chip = folder.join("mine.toml");
        let text = include_str!("../chips/sd625.toml").replace("\"cortex-a53\"", "\"slow.toml\"");
        fs::write(&chip, text).unwrap();
        fs::write(folder.join("slow.toml"), Core::built_in("cortex-a53").unwrap().replace("width = 2", "width = 1")).unwrap();
        let found = Chip::find(chip.to_str().unwrap()).unwrap();
        assert_eq!(found.core.issue.width, 1);
        fs::remove_dir_all(folder).unwrap();
    }
}
