//! The core at work: instructions issue, wait, and take cycles, each of which gets a cause.

use crate::block::{Block, ROWS, Step, latencies};
use crate::causes::{Cause, Causes};
use crate::chip::Chip;
use crate::counters::{Counters, MemoryCounters};
use crate::instruction::{Kind, PrefetchTarget};
use crate::memory::{Arrival, Blocked, Blocker, Memory};
use crate::pointers::Pointers;
use crate::predictor::Predictor;
use crate::register;
use crate::rules::{LINE_BYTES, Need, Place, Unit};

/// One access to memory of an instruction of a block. An emulator may tell a large one in parts.
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
    /// What those wait for who wait for it.
    cause: Cause,
}

/// What issued in the present cycle.
#[derive(Clone, Copy, Default)]
struct Cycle {
    /// Instructions.
    slots: u8,
    /// Whether nothing more can issue in it.
    closed: bool,
    memory: bool,
    multiply: bool,
    divide: bool,
    vector_units: u8,
    vector_load: bool,
    /// Whether all vector operations in it pair with a vector load.
    pairs_with_vector_load: bool,
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

    /// Something else ran in between, without being told: registers may hold other values, the core fetches anew.
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

    /// Whether a step can issue in the present cycle, beside what has issued in it.
    #[inline]
    fn joins(&self, step: &Step) -> bool {
        let (cycle, issue) = (&self.cycle, &self.chip.core.issue);
        if cycle.slots == 0 {
            return true;
        }
        if cycle.closed || cycle.slots >= issue.width || matches!(step.place, Place::First | Place::Alone) {
            return false;
        }
        let vector = cycle.vector_units + step.vector_units <= issue.vector_units;
        match step.unit {
            Unit::None | Unit::Branch => true,
            Unit::Memory if step.kind == Kind::VectorLoad => {
                !cycle.memory && (cycle.vector_units == 0 || cycle.pairs_with_vector_load)
            }
            Unit::Memory => !cycle.memory,
            Unit::Multiply => !cycle.multiply,
            Unit::Divide => !cycle.divide,
            Unit::Vector | Unit::VectorDivide => vector && (!cycle.vector_load || step.pairs_with_vector_load),
        }
    }

    /// Waits until a step can issue, and issues it.
    #[inline]
    fn issue(&mut self, step: &Step) {
        let earliest = if self.joins(step) { self.now } else { self.now + 1 };
        let mut at = earliest.max(self.hold.0);
        for wait in step.waits.iter() {
            at = at.max(self.ready(wait.register, wait.need));
        }
        match step.unit {
            Unit::Memory => at = at.max(self.memory_hold.0),
            Unit::Divide => at = at.max(self.divider_free),
            Unit::VectorDivide => at = at.max(self.vector_divider_free),
            _ => {}
        }
        let after = u64::from(self.chip.core.issue.vector_load_after_multiply_add);
        if step.kind == Kind::VectorLoad && step.cycles == 1 && after > 0 {
            while self.multiply_add_in(at, after) {
                at += 1;
            }
        }
        if at > self.now {
            self.wait(step, at);
        }
        self.take(step);
    }

    /// Whether a multiply-add issued so many cycles before a cycle.
    fn multiply_add_in(&self, at: u64, before: u64) -> bool {
        (self.now + before).checked_sub(at).is_some_and(|ago| ago < 64 && self.multiply_adds >> ago & 1 == 1)
    }

    /// The cycle in which a register can be taken up.
    #[inline]
    fn ready(&self, register: u8, need: Need) -> u64 {
        let written = &self.registers[usize::from(register)];
        written.from + u64::from(self.latencies[usize::from(written.row)][need as usize])
    }

    /// Goes on to a later cycle, and says what for.
    fn wait(&mut self, step: &Step, at: u64) {
        self.end_cycle();
        let mut from = self.now;
        let mut until = |causes: &mut Causes, cycle: u64, cause: Cause| {
            let cycle = cycle.min(at);
            if cycle > from {
                causes.add(cause, cycle - from);
                from = cycle;
            }
        };
        until(&mut self.causes, self.hold.0, self.hold.1);
        for wait in step.waits.iter() {
            let cause = self.registers[usize::from(wait.register)].cause;
            let ready = self.ready(wait.register, wait.need);
            until(&mut self.causes, ready, cause);
        }
        match step.unit {
            Unit::Memory => until(&mut self.causes, self.memory_hold.0, self.memory_hold.1),
            Unit::Divide => until(&mut self.causes, self.divider_free, Cause::Divide),
            Unit::VectorDivide => until(&mut self.causes, self.vector_divider_free, Cause::Divide),
            _ => {}
        }
        until(&mut self.causes, at, Cause::AddendStage);
        self.move_by(at - self.now);
    }

    /// Ends the present cycle, if anything issued in it.
    fn end_cycle(&mut self) {
        if let Some(cause) = self.cycle.cause() {
            self.causes.add(cause, 1);
            self.cycle = Cycle::default();
            self.move_by(1);
        }
    }

    /// Time goes on; nothing has issued in the present cycle.
    fn move_by(&mut self, cycles: u64) {
        self.now += cycles;
        self.multiply_adds = if cycles < 64 { self.multiply_adds << cycles } else { 0 };
    }

    /// A step issues in the present cycle.
    #[inline]
    fn take(&mut self, step: &Step) {
        let cycle = &mut self.cycle;
        let first = cycle.slots == 0;
        cycle.slots += 1;
        cycle.vector_units += step.vector_units;
        if step.vector_units > 0 {
            cycle.pairs_with_vector_load = step.pairs_with_vector_load;
        }
        match step.unit {
            Unit::None | Unit::Vector => {}
            Unit::Memory => {
                cycle.memory = true;
                cycle.vector_load |= step.kind == Kind::VectorLoad;
            }
            Unit::Branch => cycle.closed = true,
            Unit::Multiply => cycle.multiply = true,
            Unit::Divide => {
                cycle.divide = true;
                self.divider_free = self.now + u64::from(step.busy);
            }
            Unit::VectorDivide => self.vector_divider_free = self.now + u64::from(step.busy),
        }
        if step.place == Place::Alone || step.place == Place::Second && first {
            cycle.closed = true;
        }
        if step.cycles > 1 {
            self.hold_until(self.now + u64::from(step.cycles), Cause::LongIssue);
        }
        if step.kind == Kind::FpMultiplyAdd {
            self.multiply_adds |= 1;
        }
    }

    /// A step's accesses; gives the cycle from which its data's latency counts, where that is later than usual.
    fn access(&mut self, step: &Step, accesses: &[MemoryAccess]) -> Option<(u64, Cause)> {
        let mut late: Option<(u64, Cause)> = None;
        if accesses.is_empty() {
            self.without_address(step);
            return None;
        }
        // Parts that lie in one line go together.
        let mut pending: Option<(u64, u64)> = None;
        for access in accesses {
            let mut address = access.address;
            let mut bytes = u64::from(access.bytes.max(1));
            while bytes > 0 {
                let line = address / u64::from(LINE_BYTES);
                let offset = address % u64::from(LINE_BYTES);
                let part = bytes.min(u64::from(LINE_BYTES) - offset);
                let mask = (u64::MAX >> (64 - part)) << offset;
                pending = match pending {
                    Some((other, bits)) if other == line => Some((line, bits | mask)),
                    Some((other, bits)) => {
                        self.touch(step, other, bits, &mut late);
                        Some((line, mask))
                    }
                    None => Some((line, mask)),
                };
                address = address.wrapping_add(part);
                bytes -= part;
            }
        }
        if let Some((line, bits)) = pending {
            self.touch(step, line, bits, &mut late);
        }
        late
    }

    /// One line of an access.
    fn touch(&mut self, step: &Step, line: u64, bytes: u64, late: &mut Option<(u64, Cause)>) {
        let blocked = match step.kind {
            Kind::Prefetch => {
                self.prefetch(step.prefetch, line);
                None
            }
            Kind::ZeroLine => self.memory.zero(line, self.now),
            kind if kind.stores() => self.memory.store(line, bytes, self.now),
            _ => {
                let (arrival, blocked) = self.memory.load(line, self.now);
                if let Arrival::At(cycle, cause) = arrival
                    && late.is_none_or(|(latest, _)| cycle > latest)
                {
                    *late = Some((cycle, cause));
                }
                blocked
            }
        };
        if let Some(Blocked { until, by }) = blocked
            && until > self.memory_hold.0
        {
            self.memory_hold = (until, by.cause());
        }
        let fills = self.memory.take_fill_cycles();
        if fills > 0 {
            let (until, cause) = self.memory_hold;
            self.memory_hold = if until > self.now + 1 { (until + fills, cause) } else { (self.now + 1 + fills, Cause::L2) };
        }
    }

    fn prefetch(&mut self, target: PrefetchTarget, line: u64) {
        match target {
            PrefetchTarget::L1 => self.memory.prefetch(line, true, self.now),
            PrefetchTarget::L2 => self.memory.prefetch(line, false, self.now),
            PrefetchTarget::Ignored => {}
        }
    }

    /// An access that was not told: the address of a prefetch may follow from others.
    fn without_address(&mut self, step: &Step) {
        let inferred = step.access.as_ref().and_then(|access| self.pointers.address(access));
        match (step.kind, inferred) {
            (Kind::Prefetch, _) if step.prefetch == PrefetchTarget::Ignored => {}
            (Kind::Prefetch, Some(address)) => self.prefetch(step.prefetch, address / u64::from(LINE_BYTES)),
            (Kind::Prefetch, None) => self.counters.prefetches_without_address += 1,
            (Kind::ZeroLine, Some(address)) => {
                self.touch(step, address / u64::from(LINE_BYTES), u64::MAX, &mut None);
            }
            _ => self.counters.without_address += 1,
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

impl Cycle {
    /// What the cycle goes to; `None` where nothing issued in it.
    fn cause(&self) -> Option<Cause> {
        match self.slots {
            0 => None,
            1 => Some(Cause::IssuedOne),
            _ => Some(Cause::IssuedTwo),
        }
    }
}

impl Blocker {
    fn cause(self) -> Cause {
        match self {
            Self::Translation => Cause::Translation,
            Self::Loads => Cause::LoadMisses,
            Self::Stores => Cause::StoreMisses,
        }
    }
}

impl Kind {
    /// What those wait for who wait for a result of this kind.
    fn cause(self) -> Cause {
        match self {
            Self::Load | Self::LoadPair | Self::VectorLoad => Cause::Load,
            Self::Multiply => Cause::Multiply,
            Self::Divide | Self::FpDivideSingle | Self::FpDivideDouble => Cause::Divide,
            Self::FpMultiplyAdd | Self::VectorMultiplyAdd => Cause::MultiplyAdd,
            Self::System | Self::Barrier | Self::Unknown | Self::Extension => Cause::System,
            Self::FpAlu
            | Self::FpConstant
            | Self::FpMultiply
            | Self::FpStep
            | Self::FpCompare
            | Self::VectorAdd
            | Self::VectorInteger
            | Self::VectorMultiply
            | Self::Insert
            | Self::FromGeneral
            | Self::ConvertFromGeneral
            | Self::ToGeneral
            | Self::ConvertToGeneral
            | Self::Crypto
            | Self::VectorStore => Cause::Vector,
            _ => Cause::Integer,
        }
    }
}
