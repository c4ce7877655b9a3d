//! The memory behind a core: first-level caches, second-level cache, memory, and what is under way between them.
//!
//! Time is the core's cycle. A request is answered at once with the cycle at which its data arrive; what later requests find in
//! between (lines on their way, buses in use) follows from the cycles kept with each line and bus.

use crate::cache::{Cache, Line, Source};
use crate::causes::Cause;
use crate::chip::Chip;
use crate::counters::MemoryCounters;
use crate::prefetcher::{Prefetcher, StreamId};
use crate::rules::LINE_BYTES;
use crate::tlb::{Tlb, Translation};
use crate::write_stream::{Destination, WriteStream};

/// When a load's data can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// As soon as a load from the first level allows.
    Now,
    /// As if the load had been issued in that cycle.
    At(u64, Cause),
}

/// Until when the load/store pipeline takes nothing more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Blocked {
    /// First cycle in which it does.
    pub until: u64,
    /// Why.
    pub by: Blocker,
}

/// Why the load/store pipeline takes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blocker {
    /// An address is being translated.
    Translation,
    /// As many loads miss as can.
    Loads,
    /// As many stores miss as can.
    Stores,
}

/// Misses of one sort under way: the cycles at which each ends.
struct Slots(Vec<u64>);

impl Slots {
    fn new(count: u8) -> Self {
        Self(vec![0; usize::from(count)])
    }

    /// The slot that is free first, and from when on.
    fn first_free(&self) -> (usize, u64) {
        let mut best = 0;
        for k in 1..self.0.len() {
            if self.0[k] < self.0[best] {
                best = k;
            }
        }
        (best, self.0[best])
    }
}

/// Lines of a row of memory, 4 KiB: no source, chosen.
const LINES_A_ROW: u64 = 64;

/// All of it.
pub(crate) struct Memory {
    data: Cache,
    instructions: Cache,
    second: Cache,
    tlb: Tlb,
    prefetcher: Prefetcher,
    stream: WriteStream,
    loads: Slots,
    stores: Slots,
    prefetches: Slots,
    ahead: Slots,
    /// Cycle from which on the second-level cache sends the next line.
    second_free: u64,
    /// Cycle from which on memory sends the next line, in 256ths.
    dram_free: u64,
    second_latency: u64,
    second_line: u64,
    dram_latency: u64,
    dram_row_latency: u64,
    /// The row that is open in memory.
    row: u64,
    dram_line: u64,
    /// Cycles for which each line that is put into the first level takes the load/store pipeline.
    fill_cycles: u64,
    /// The same of one that the prefetcher fetched.
    ahead_fill_cycles: u64,
    /// The same of one that makes room.
    evict_cycles: u64,
    /// Those that were not returned yet.
    filling: u64,
    pub(crate) counters: MemoryCounters,
}

impl Memory {
    pub(crate) fn new(chip: &Chip) -> Self {
        let core = &chip.core;
        let tlb = Tlb::new(&core.tlb);
        Self {
            data: Cache::new(&core.data_cache),
            instructions: Cache::new(&core.instruction_cache),
            second: Cache::new(&chip.l2.shape()),
            prefetcher: Prefetcher::new(&core.prefetcher, tlb.lines_a_page()),
            tlb,
            stream: WriteStream::new(core.misses.streaming_lines, core.misses.streaming_lines_second),
            loads: Slots::new(core.misses.loads),
            stores: Slots::new(core.misses.stores),
            prefetches: Slots::new(core.misses.prefetches),
            ahead: Slots::new(core.prefetcher.lines),
            second_free: 0,
            dram_free: 0,
            second_latency: u64::from(chip.l2.latency_cycles),
            second_line: u64::from(chip.l2.line_cycles),
            dram_latency: chip.dram_latency_cycles(),
            dram_row_latency: chip.dram_row_latency_cycles(),
            row: u64::MAX,
            dram_line: chip.dram_line_cycles_256ths(),
            fill_cycles: u64::from(core.misses.fill_cycles),
            ahead_fill_cycles: u64::from(core.prefetcher.fill_cycles),
            evict_cycles: u64::from(core.misses.evict_cycles),
            filling: 0,
            counters: MemoryCounters::default(),
        }
    }

    /// Empties caches and translations; what is under way still ends.
    pub(crate) fn empty(&mut self) {
        self.data.clear();
        self.instructions.clear();
        self.second.clear();
        self.tlb.clear();
        self.prefetcher.clear();
        self.stream.clear();
    }

    /// A load of a line.
    #[inline]
    pub(crate) fn load(&mut self, line: u64, now: u64) -> (Arrival, Option<Blocked>) {
        self.counters.loads += 1;
        let translated = self.translate(line, now);
        let start = translated.map_or(now, |blocked| blocked.until);
        if let Some(held) = self.data.find(line) {
            let (ready, source) = (held.ready, held.source);
            if std::mem::take(&mut held.ahead)
                && let Some(id) = self.prefetcher.used(line)
            {
                self.fetch_ahead(id, start);
            }
            let arrival = match ready > start {
                true => Arrival::At(ready, source.cause()),
                false if start > now => Arrival::At(start, Cause::Translation),
                false => Arrival::Now,
            };
            return (arrival, translated);
        }
        self.counters.load_misses += 1;
        let (slot, free) = self.loads.first_free();
        let request = start.max(free);
        let (ready, source) = self.line_of_second(line, request, Use::Data);
        self.loads.0[slot] = ready;
        self.fill(Line { number: line, ready, source, dirty: false, ahead: false }, request, self.fill_cycles);
        if let Some(id) = self.prefetcher.missed(line) {
            self.fetch_ahead(id, request);
        }
        let blocked = if free > start { Some(Blocked { until: free, by: Blocker::Loads }) } else { translated };
        (Arrival::At(ready, source.cause()), blocked)
    }

    /// A store into a line, of the bytes that the mask says.
    #[inline]
    pub(crate) fn store(&mut self, line: u64, bytes: u64, now: u64) -> Option<Blocked> {
        self.counters.stores += 1;
        let translated = self.translate(line, now);
        let start = translated.map_or(now, |blocked| blocked.until);
        let destination = self.stream.store(line, bytes, start);
        if let Some(held) = self.data.find(line) {
            held.dirty = true;
            if std::mem::take(&mut held.ahead)
                && let Some(id) = self.prefetcher.used(line)
            {
                self.fetch_ahead(id, start);
            }
            return translated;
        }
        if destination != Destination::First {
            self.write_through(line, destination, start);
            return translated;
        }
        self.counters.store_misses += 1;
        let (slot, free) = self.stores.first_free();
        let request = start.max(free);
        let (ready, source) = self.line_of_second(line, request, Use::Data);
        self.stores.0[slot] = ready;
        self.stream.fetched(line, ready);
        self.fill(Line { number: line, ready, source, dirty: true, ahead: false }, request, self.fill_cycles);
        if let Some(id) = self.prefetcher.missed(line) {
            self.fetch_ahead(id, request);
        }
        if free > start { Some(Blocked { until: free, by: Blocker::Stores }) } else { translated }
    }

    /// A line cleared as a whole, without being fetched.
    pub(crate) fn zero(&mut self, line: u64, now: u64) -> Option<Blocked> {
        self.counters.stores += 1;
        let translated = self.translate(line, now);
        match self.data.find(line) {
            Some(held) => held.dirty = true,
            None => self.write_through(line, Destination::Second, translated.map_or(now, |blocked| blocked.until)),
        }
        translated
    }

    /// A prefetch that the program asks for, into the first level or the second.
    pub(crate) fn prefetch(&mut self, line: u64, first: bool, now: u64) {
        let translated = self.translate(line, now);
        let start = translated.map_or(now, |blocked| blocked.until);
        if self.data.holds(line) || !first && self.second.holds(line) {
            return;
        }
        self.counters.prefetches += 1;
        let (slot, free) = self.prefetches.first_free();
        let start = start.max(free);
        let (ready, source) = self.line_of_second(line, start, if first { Use::DataAhead } else { Use::Second });
        self.prefetches.0[slot] = ready;
        if first {
            // The prefetcher goes on where a line is used that this brought.
            self.fill(Line { number: line, ready, source, dirty: false, ahead: true }, start, self.fill_cycles);
        }
    }

    /// Instructions of a line; the cycle from which on they can issue, where that is later than now.
    pub(crate) fn fetch(&mut self, line: u64, now: u64) -> Option<u64> {
        if let Some(held) = self.instructions.find(line) {
            let ready = held.ready;
            return (ready > now).then_some(ready);
        }
        self.counters.instruction_misses += 1;
        let (ready, source) = self.line_of_second(line, now, Use::Code);
        self.instructions.insert(Line { number: line, ready, source, dirty: false, ahead: false });
        // The next line follows it.
        if !self.instructions.holds(line + 1) {
            let (ready, source) = self.line_of_second(line + 1, now, Use::CodeAhead);
            self.instructions.insert(Line { number: line + 1, ready, source, dirty: false, ahead: false });
        }
        Some(ready)
    }

    fn translate(&mut self, line: u64, now: u64) -> Option<Blocked> {
        let cycles = match self.tlb.translate(line) {
            Translation::Micro => return None,
            Translation::Main(cycles) => {
                self.counters.micro_tlb_misses += 1;
                cycles
            }
            Translation::Walk(cycles) => {
                self.counters.tlb_misses += 1;
                cycles
            }
        };
        Some(Blocked { until: now + cycles, by: Blocker::Translation })
    }

    /// Fetches what a stream wants, as far as there is room for it.
    fn fetch_ahead(&mut self, id: StreamId, now: u64) {
        while let Some(line) = self.prefetcher.wanted(id) {
            if !self.data.holds(line) {
                let (slot, free) = self.ahead.first_free();
                if free > now {
                    return;
                }
                self.counters.hardware_prefetches += 1;
                let (ready, source) = self.line_of_second(line, now, Use::DataAhead);
                self.ahead.0[slot] = ready;
                self.fill(Line { number: line, ready, source, dirty: false, ahead: true }, now, self.ahead_fill_cycles);
            }
            self.prefetcher.fetched(id);
        }
    }

    /// Cycles for which lines that were put into the first level take the load/store pipeline; each is returned once.
    pub(crate) fn take_fill_cycles(&mut self) -> u64 {
        std::mem::take(&mut self.filling)
    }

    /// Puts a line into the first level, which takes the load/store pipeline for so many cycles, and for some more if another line makes
    /// room.
    fn fill(&mut self, line: Line, now: u64, cycles: u64) {
        self.filling += cycles;
        if let Some(old) = self.data.insert(line) {
            self.filling += self.evict_cycles;
            if old.dirty || !self.second.holds(old.number) {
                self.second_free = self.second_free.max(now) + self.second_line;
                self.send_to_second(old, now);
            }
        }
    }

    /// A line goes from the first level to the second. If it is still on its way to the first, its data come later.
    fn send_to_second(&mut self, line: Line, now: u64) {
        match self.second.find(line.number) {
            Some(held) => held.dirty |= line.dirty,
            None => self.fill_second(Line { ready: line.ready.max(now), ahead: false, ..line }, now),
        }
    }

    /// A line, or what streams into it, goes past the first level.
    fn write_through(&mut self, line: u64, destination: Destination, now: u64) {
        if self.stream.begins(line) {
            self.counters.streamed_lines += 1;
            self.second_free = self.second_free.max(now) + self.second_line;
            if destination == Destination::Memory && !self.second.holds(line) {
                self.send_to_memory(now);
            } else {
                self.send_to_second(Line { number: line, ready: now, source: Source::L2, dirty: true, ahead: false }, now);
            }
        }
    }

    /// A written line takes memory's bandwidth.
    fn send_to_memory(&mut self, now: u64) {
        self.counters.dram_written_bytes += u64::from(LINE_BYTES);
        self.dram_free = self.dram_free.max(now << 8) + self.dram_line;
    }

    /// Puts a line into the second level; a written one that makes room goes to memory.
    fn fill_second(&mut self, line: Line, now: u64) {
        if let Some(old) = self.second.insert(line)
            && old.dirty
        {
            self.send_to_memory(now);
        }
    }

    /// A line from the second level, or from memory: when it arrives, and from where.
    ///
    /// The second level takes in instructions and what was prefetched for it. Data for the first level go past it: they come to it when
    /// they leave the first.
    fn line_of_second(&mut self, line: u64, request: u64, why: Use) -> (u64, Source) {
        if let Some(held) = self.second.find(line) {
            let sent = request.max(held.ready).max(self.second_free);
            let source = if held.ready > request { held.source } else { Source::L2 };
            self.second_free = sent + self.second_line;
            return (sent + self.second_latency, source);
        }
        if why.is_demand() {
            self.counters.second_misses += 1;
        }
        self.counters.dram_read_bytes += u64::from(LINE_BYTES);
        let sent = self.dram_free.max(request << 8);
        self.dram_free = sent + self.dram_line;
        let row = line / LINES_A_ROW;
        let latency = if row == self.row { self.dram_row_latency } else { self.dram_latency };
        self.row = row;
        let ready = (sent >> 8) + latency;
        if why.stays_in_second() {
            self.fill_second(Line { number: line, ready, source: Source::Dram, dirty: false, ahead: false }, request);
        }
        (ready + self.second_latency, Source::Dram)
    }
}

/// Why a line is fetched.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    /// An instruction needs its data.
    Data,
    /// One may need them.
    DataAhead,
    /// A prefetch into the second level.
    Second,
    /// It holds the instruction that is next.
    Code,
    /// It may hold instructions that come soon.
    CodeAhead,
}

impl Use {
    /// Whether something waits for it.
    fn is_demand(self) -> bool {
        matches!(self, Self::Data | Self::Code)
    }

    /// Whether the second level keeps it.
    fn stays_in_second(self) -> bool {
        matches!(self, Self::Second | Self::Code | Self::CodeAhead)
    }
}
