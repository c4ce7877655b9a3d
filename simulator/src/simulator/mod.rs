//! The core at work: instructions issue, wait, and take cycles, each of which gets a cause.

mod access;
mod cycle;
mod issue;

use crate::block::{Block, ROWS, Step, latencies};
use crate::causes::{Cause, Causes};
use crate::chip::Chip;
use crate::counters::{Counters, MemoryCounters};
use crate::instruction::Kind;
use crate::memory::Memory;
use crate::pointers::Pointers;
use crate::predictor::Predictor;
use crate::register;
use crate::rules::{LINE_BYTES, Need};
use cycle::Cycle;

/// One access to memory of an instruction of a block. An emulator may report a large one in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemoryAccess {
    /// Place of the instruction in its block, from 0.
    pub instruction: u32,
    /// Bytes.
    pub bytes: u32,
    /// Address of the first byte.
    pub address: u64,
}

/// When a register can be used.
#[derive(Clone, Copy)]
struct Written {
    /// Cycle from which latencies count.
    from: u64,
    /// Row of latencies.
    row: u8,
    /// What an instruction waits for that waits for it.
    cause: Cause,
}

/// One core of a chip, with its caches and its memory, at some cycle.
pub struct Simulator {
    chip: Chip,
    latencies: Box<[[u8; Need::COUNT]; ROWS]>,
    registers: [Written; register::COUNT],
    memory: Memory,
    predictor: Predictor,
    pointers: Pointers,
    /// The present cycle.
    now: u64,
    cycle: Cycle,
    /// Cycle before which nothing issues, and why.
    hold: (u64, Cause),
    /// Cycle before which no load or store issues, and why.
    memory_hold: (u64, Cause),
    divider_free: u64,
    vector_divider_free: u64,
    /// Bit k stands for a floating-point multiply-add k cycles ago.
    multiply_adds: u64,
    /// The line of instructions that was fetched last.
    fetched: u64,
    causes: Causes,
    counters: Counters,
}

/// No line has this number.
const NO_LINE: u64 = u64::MAX;

impl Simulator {
    /// A core of a chip, its caches empty.
    pub fn new(chip: Chip) -> Self {
        Self {
            latencies: latencies(&chip.core),
            registers: [Written { from: 0, row: Kind::Nop as u8, cause: Cause::Integer }; register::COUNT],
            memory: Memory::new(&chip),
            predictor: Predictor::new(&chip.core.branches),
            pointers: Pointers::new(),
            now: 0,
            cycle: Cycle::default(),
            hold: (0, Cause::System),
            memory_hold: (0, Cause::System),
            divider_free: 0,
            vector_divider_free: 0,
            multiply_adds: 0,
            fetched: NO_LINE,
            causes: Causes::default(),
            counters: Counters::default(),
            chip,
        }
    }

    /// The chip.
    pub fn chip(&self) -> &Chip {
        &self.chip
    }

    /// Cycles since the beginning.
    pub fn cycles(&self) -> u64 {
        self.now + u64::from(self.cycle.slots > 0)
    }

    /// Time since the beginning, in nanoseconds rounded down.
    pub fn nanoseconds(&self) -> u64 {
        self.chip.nanoseconds(self.cycles())
    }

    /// Where the cycles went since the beginning or the last [`Self::restart_counting`]. They add up to all of them.
    pub fn causes(&self) -> Causes {
        let mut causes = self.causes;
        if let Some(cause) = self.cycle.cause() {
            causes.add(cause, 1);
        }
        causes
    }

    /// What was executed since the beginning or the last [`Self::restart_counting`].
    pub fn counters(&self) -> Counters {
        let mut counters = self.counters.clone();
        counters.memory = self.memory.counters;
        counters
    }

    /// Counts causes and instructions from here on. Time goes on, and caches stay as they are.
    pub fn restart_counting(&mut self) {
        self.end_cycle();
        self.causes = Causes::default();
        self.counters = Counters::default();
        self.memory.counters = MemoryCounters::default();
    }

    /// Empties caches and translations.
    pub fn empty_caches(&mut self) {
        self.memory.empty();
        self.fetched = NO_LINE;
    }

    /// Something else ran in between and was not reported: registers may hold other values, and the core fetches instructions again.
    pub fn interrupted(&mut self) {
        self.pointers.clear();
        self.fetched = NO_LINE;
    }

    /// Lets time pass without instructions.
    pub fn pass(&mut self, cycles: u64) {
        self.end_cycle();
        self.causes.add(Cause::System, cycles);
        self.move_by(cycles);
    }

    /// Executes a block once. Gives the cycles that it took.
    ///
    /// `accesses` are those of its instructions to memory, in the order in which they were made; `next` is the address of the
    /// instruction that was executed after it, which tells where a branch went.
    pub fn execute(&mut self, block: &Block, accesses: &[MemoryAccess], next: u64) -> u64 {
        let before = self.cycles();
        let mut rest = accesses;
        for (k, step) in block.steps.iter().enumerate() {
            let count = rest.iter().take_while(|access| access.instruction as usize <= k).count();
            let (own, others) = rest.split_at(count);
            rest = others;
            // Line by line as they are reached: where a block ends is the emulator's choice, and depends on its host.
            let address = block.address().wrapping_add(4 * k as u64);
            if k == 0 || address.is_multiple_of(u64::from(LINE_BYTES)) {
                self.fetch(address / u64::from(LINE_BYTES));
            }
            self.counters.count(step.kind);
            self.counters.multiply_adds += u64::from(step.multiply_adds);
            self.issue(step);
            let late = if step.kind.touches_memory() { self.access(step, own) } else { None };
            self.write(step, late);
            let address = own.first().map(|access| access.address);
            let written = step.results.iter().map(|result| result.register);
            self.pointers.executed(step.effect, step.access.as_ref(), written, address);
            if matches!(step.kind, Kind::Unknown | Kind::Extension) {
                self.unknown(step);
            }
        }
        if let Some(step) = block.steps.last()
            && step.kind.branches()
        {
            self.branch(step, block.end().wrapping_sub(4), next);
        }
        self.cycles() - before
    }

    /// The line's instructions are needed.
    fn fetch(&mut self, line: u64) {
        if std::mem::replace(&mut self.fetched, line) == line {
            return;
        }
        if let Some(ready) = self.memory.fetch(line, self.now) {
            // What was fetched before is still to be issued.
            self.hold_until(ready.saturating_sub(u64::from(self.chip.core.issue.queue_cycles)), Cause::Fetch);
        }
    }

    fn hold_until(&mut self, until: u64, cause: Cause) {
        if until > self.hold.0 {
            self.hold = (until, cause);
        }
    }

    /// A step's results.
    #[inline]
    fn write(&mut self, step: &Step, late: Option<(u64, Cause)>) {
        for result in step.results.iter() {
            let written = match late {
                Some((cycle, cause)) if !result.is_base() => {
                    Written { from: cycle.max(self.now + u64::from(result.delay)), row: result.row, cause }
                }
                _ => {
                    let cause = if result.is_base() { Cause::Integer } else { step.kind.cause() };
                    Written { from: self.now + u64::from(result.delay), row: result.row, cause }
                }
            };
            self.registers[result.register.index()] = written;
        }
    }

    /// The block's last step was a branch, and went on at `next`.
    fn branch(&mut self, step: &Step, address: u64, next: u64) {
        let Some(flow) = step.flow else { return };
        self.counters.branches += 1;
        let to_register = step.kind == Kind::BranchToRegister;
        let branches = &self.chip.core.branches;
        let (lost, cause) = if !self.predictor.branch(address, next, flow, to_register) {
            self.counters.mispredicted += 1;
            (branches.mispredicted, Cause::Misprediction)
        } else if next != address.wrapping_add(4) {
            (branches.taken, Cause::TakenBranch)
        } else {
            return;
        };
        if lost > 0 {
            self.hold_until(self.now + 1 + u64::from(lost), cause);
        }
    }

    #[cold]
    fn unknown(&mut self, step: &Step) {
        match step.feature {
            Some(feature) => *self.counters.extensions.entry(feature).or_default() += 1,
            None => {
                let words = &mut self.counters.unknown_words;
                if words.len() < Counters::WORDS_LISTED || words.contains_key(&step.word) {
                    *words.entry(step.word).or_default() += 1;
                }
            }
        }
    }
}
