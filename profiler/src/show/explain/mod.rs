//! Where simulated time goes: cycles by cause and by function.
//!
//! | module | what it holds |
//! |---|---|
//! | [`bars`] | the same as a picture |

pub mod bars;

use emulator::Functions;
use serde::Serialize;
use simulator::{Chip, MemoryCounters, Region};

use super::text;
use crate::protocol;

/// Functions that are listed for a model.
const FUNCTIONS: usize = 8;
/// Multiply-adds of singles a cycle at most: one operation on 128 bits.
const PEAK: f64 = 4.0;

/// Cycles that went to one thing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Share {
    /// The cause, or the function.
    pub name: String,
    /// Cycles.
    pub cycles: u64,
    /// Their part of all.
    pub share: f64,
}

/// What a simulated run took, and what for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// Cycles in all.
    pub cycles: u64,
    /// Their time, in µs.
    pub us: f64,
    /// Instructions executed.
    pub instructions: u64,
    /// Instructions a cycle; two is the most.
    pub issue_rate: f64,
    /// Multiply-adds of floating-point numbers.
    pub multiply_adds: u64,
    /// Multiply-adds a cycle; four is the most.
    pub multiply_adds_a_cycle: f64,
    /// Branches that could have gone elsewhere.
    pub branches: u64,
    /// Of these, predicted wrong.
    pub mispredicted: u64,
    /// Accesses to memory and misses.
    pub memory: MemoryCounters,
    /// Share of instructions that the simulator does not know.
    pub unknown: f64,
    /// Cycles by cause, which add up to all, in the order of [`simulator::Cause::ALL`].
    pub causes: Vec<Share>,
    /// Cycles by the function that they were spent in, the most first: at most eight, and the rest.
    pub functions: Vec<Share>,
}

impl Explanation {
    /// Of what a run told.
    pub fn of(region: &Region, functions: &Functions) -> Self {
        let kept = kept(region, functions.cycles(&region.blocks));
        let rest = kept.functions.iter().skip(FUNCTIONS).map(|(_, cycles)| cycles).sum();
        Self::with_rest(&kept, rest)
    }

    /// Of what a raw file keeps of a run: not all functions are named there.
    pub fn of_kept(kept: &protocol::Explanation) -> Self {
        let told = kept.functions.iter().take(FUNCTIONS).map(|(_, cycles)| cycles).sum();
        let rest = if kept.functions.is_empty() { 0 } else { kept.cycles.saturating_sub(told) };
        Self::with_rest(kept, rest)
    }

    /// `rest` are the cycles of functions that are not listed.
    fn with_rest(kept: &protocol::Explanation, rest: u64) -> Self {
        let all = kept.cycles.max(1) as f64;
        let share = |(name, cycles): &(String, u64)| Share { name: name.clone(), cycles: *cycles, share: *cycles as f64 / all };
        let rest = (rest > 0).then(|| share(&("all others".to_string(), rest)));
        // Counters that it does not name are of another version, and not told.
        let memory: serde_json::Map<_, _> = kept.memory.iter().map(|(name, count)| (name.clone(), (*count).into())).collect();
        Self {
            cycles: kept.cycles,
            us: kept.nanoseconds as f64 / 1e3,
            instructions: kept.instructions,
            issue_rate: kept.instructions as f64 / all,
            multiply_adds: kept.multiply_adds,
            multiply_adds_a_cycle: kept.multiply_adds as f64 / all,
            branches: kept.branches,
            mispredicted: kept.mispredicted,
            memory: serde_json::from_value(memory.into()).unwrap_or_default(),
            unknown: kept.unknown as f64 / kept.instructions.max(1) as f64,
            causes: kept.causes.iter().map(share).collect(),
            functions: kept.functions.iter().take(FUNCTIONS).map(share).chain(rest).collect(),
        }
    }

    /// As text: the time, and tables of causes and functions.
    pub fn text(&self, chip: &Chip) -> String {
        let time = format!("{:.3} ms on {} ({} MHz)", self.us / 1e3, chip.name, chip.clock_mhz);
        format!("{time}\n{}", self.body())
    }

    /// The same without its time.
    pub fn body(&self) -> String {
        format!("{}\n{}\n{}", self.facts(), table("cause", &self.causes), table("function", &self.functions))
    }

    /// Instructions, misses and memory, in a few lines.
    fn facts(&self) -> String {
        let Self { memory, .. } = self;
        let head = format!(
            "{} cycles; {} instructions, {:.2} per cycle; {} multiply-adds, {:.2} per cycle of at most {PEAK:.0}\n",
            self.cycles, self.instructions, self.issue_rate, self.multiply_adds, self.multiply_adds_a_cycle
        );
        let misses = format!(
            "{} loads and {} stores (lines touched), L1 misses {} and {}, L2 misses {}, prefetched {} by the program and {} by the core; \
             from memory {:.1} KB, to memory {:.1} KB; {} of {} branches mispredicted\n",
            memory.loads,
            memory.stores,
            memory.load_misses,
            memory.store_misses,
            memory.second_misses,
            memory.prefetches,
            memory.hardware_prefetches,
            memory.dram_read_bytes as f64 / 1e3,
            memory.dram_written_bytes as f64 / 1e3,
            self.mispredicted,
            self.branches
        );
        let unknown = match self.unknown {
            0.0 => String::new(),
            share => format!("{:.3} % of the instructions are not known to the simulator\n", 100.0 * share),
        };
        format!("{head}{misses}{unknown}")
    }
}

/// What a raw file keeps of a run, of an item that is still to be named; `functions` are all of them.
pub fn kept(region: &Region, functions: Vec<(String, u64)>) -> protocol::Explanation {
    // A name for each of the counters that is in the simulator's own report.
    let memory = serde_json::to_value(region.memory).unwrap_or_default();
    let memory = memory.as_object().into_iter().flatten().filter_map(|(name, count)| Some((name.clone(), count.as_u64()?)));
    protocol::Explanation {
        id: String::new(),
        cold: false,
        cycles: region.cycles,
        nanoseconds: region.nanoseconds,
        causes: region.causes.iter().map(|(cause, cycles)| (cause.name().to_string(), *cycles)).collect(),
        instructions: region.instructions,
        multiply_adds: region.multiply_adds,
        branches: region.branches,
        mispredicted: region.mispredicted,
        unknown: region.unknown,
        memory: memory.collect(),
        functions,
    }
}

/// A row a share.
fn table(what: &str, shares: &[Share]) -> String {
    text::columns(&table_rows(what, shares))
}

/// The rows of that table, the first of which is its head.
fn table_rows(what: &str, shares: &[Share]) -> Vec<Vec<String>> {
    let head = [what, "cycles", "share"].map(String::from).to_vec();
    let rows = shares.iter().map(|part| vec![part.name.clone(), part.cycles.to_string(), format!("{:.1} %", 100.0 * part.share)]);
    std::iter::once(head).chain(rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use simulator::Cause;

    #[test]
    fn causes_add_up_and_functions_end_with_the_rest() {
        let blocks = (0..20).map(|k| simulator::report::BlockCycles { address: k, bytes: 4, cycles: 10 }).collect();
        let region = Region {
            cycles: 200,
            nanoseconds: 100,
            causes: [(Cause::IssuedTwo, 150), (Cause::Dram, 50)].into(),
            instructions: 300,
            multiply_adds: 400,
            blocks,
            ..Region::default()
        };
        let explanation = Explanation::of(&region, &Functions::default());
        assert_eq!(explanation.causes.iter().map(|part| part.cycles).sum::<u64>(), explanation.cycles);
        assert_eq!(explanation.functions.iter().map(|part| part.cycles).sum::<u64>(), explanation.cycles);
        assert_eq!((explanation.issue_rate, explanation.multiply_adds_a_cycle, explanation.us), (1.5, 2.0, 0.1));
        assert_eq!(explanation.causes[1], Share { name: "L2 miss".to_string(), cycles: 50, share: 0.25 });
        let text = explanation.text(&Chip::find("sd625").unwrap());
        assert!(text.contains("L2 miss") && text.contains("25.0 %"), "{text}");
    }
}
