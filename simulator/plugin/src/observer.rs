//! What is simulated at present: one thread, from a mark to another or from the program's beginning to its end.

use std::cell::{Cell, UnsafeCell};
use std::fs;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use simulator::report::Lacking;
use simulator::{Chip, Core, Feed, Region, Report, Settings, Simulator, marks};

use crate::calls::{Call, Random, Sleep};
use crate::clock::InstructionCount;
use crate::code::{self, Code, Entry};
use crate::guest::Guest;
use crate::hidden::Hidden;
use crate::qemu;

/// No thread is simulated.
const NOBODY: u32 = u32::MAX;

thread_local! {
    /// The system call that this thread is in.
    static CALL: Cell<Option<Begun>> = const { Cell::new(None) };
}

/// A system call that has begun.
#[derive(Clone, Copy)]
struct Begun {
    call: Call,
    /// The time that it waits for at most, in nanoseconds.
    limit: u64,
    /// The path that it asks for, where that is hidden from it.
    hidden: Option<Hidden>,
}

/// What all code is to be translated again for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Switch {
    ToSimulate,
    ToCount,
}

/// The simulation, and what is known of the program.
pub(crate) struct Observer {
    core: Core,
    settings: Settings,
    code: Code,
    guest: Guest,
    count: InstructionCount,
    /// The thread that is simulated; [`NOBODY`] outside regions.
    simulated: AtomicU32,
    threads: AtomicU32,
    elsewhere: AtomicU64,
    direct_clocks: AtomicU64,
    base_seen: AtomicBool,
    /// The time of the last system call, in nanoseconds since the program began: what threads see that are not simulated.
    time: AtomicU64,
    timers: AtomicU64,
    processes: AtomicU64,
    /// A program that forks has several processes; only the first one reports.
    process: u32,
    state: UnsafeCell<State>,
}

// SAFETY: `state` is used by the simulated thread, or in system calls while none is; the rest is for several threads.
unsafe impl Sync for Observer {}

/// What only one thread at a time works on.
struct State {
    feed: Feed<'static>,
    current: Option<&'static Entry>,
    label: u64,
    regions: Vec<Region>,
    /// Time that passed in sleep outside regions, in nanoseconds.
    slept: u64,
    sleep: Option<Sleep>,
    random: Random,
    /// Code that had been rewritten when the region began.
    rewritten: u64,
}

impl Observer {
    pub(crate) fn new(chip: Chip, settings: Settings) -> Self {
        let core = chip.core.clone();
        let simulated = if settings.marked { NOBODY } else { 0 };
        Self {
            core,
            settings,
            code: Code::new(),
            guest: Guest::new(),
            count: InstructionCount::new(),
            simulated: AtomicU32::new(simulated),
            threads: AtomicU32::new(0),
            elsewhere: AtomicU64::new(0),
            direct_clocks: AtomicU64::new(0),
            base_seen: AtomicBool::new(false),
            time: AtomicU64::new(0),
            timers: AtomicU64::new(0),
            processes: AtomicU64::new(0),
            process: std::process::id(),
            state: UnsafeCell::new(State {
                feed: Feed::new(Simulator::new(chip)),
                current: None,
                label: 0,
                regions: Vec::new(),
                slept: 0,
                sleep: None,
                random: Random(1),
                rewritten: 0,
            }),
        }
    }

    /// Whether all code is simulated, from the first instruction on.
    pub(crate) fn begins_at_once(&self) -> bool {
        !self.settings.marked
    }

    /// Where QEMU counts instructions outside regions.
    pub(crate) fn counter(&self) -> *mut std::ffi::c_void {
        self.count.pointer()
    }

    pub(crate) fn thread_started(&self) {
        self.threads.fetch_add(1, Ordering::Relaxed);
    }

    /// Learns from a block where QEMU keeps the program's memory, and notes instructions that the core does not have: they may be the
    /// last that the program executes.
    ///
    /// # Safety
    /// `block` is what QEMU gives to a callback of translation, during that callback.
    pub(crate) unsafe fn see(&self, block: *mut qemu::Block) {
        // SAFETY: as for this function.
        let lacking = unsafe { code::lacking(&self.core, block) };
        if let Some(last) = lacking.first()
            && let Ok(text) = serde_json::to_vec(last)
        {
            // It is reported only where the program ends by it; without the note the report has less.
            let _ = fs::write(Lacking::file(&self.settings.report), text);
        }
        if !self.base_seen.load(Ordering::Relaxed) {
            // SAFETY: as for this function.
            let host = unsafe { qemu::qemu_plugin_insn_haddr(qemu::qemu_plugin_tb_get_insn(block, 0)) };
            // SAFETY: likewise.
            self.guest.see(unsafe { qemu::qemu_plugin_tb_vaddr(block) }, host as u64);
            self.base_seen.store(true, Ordering::Relaxed);
        }
    }

    /// The block that QEMU translates.
    ///
    /// # Safety
    /// `block` is what QEMU gives to a callback of translation, during that callback.
    pub(crate) unsafe fn translate(&self, block: *mut qemu::Block) -> &'static Entry {
        // SAFETY: as for this function.
        unsafe { self.code.translate(&self.core, block) }
    }

    fn is_simulated(&self, thread: u32) -> bool {
        self.simulated.load(Ordering::Relaxed) == thread
    }

    /// Whether the thread may use the state: it is the simulated one, or none is.
    fn may_use_state(&self, thread: u32) -> bool {
        let simulated = self.simulated.load(Ordering::Relaxed);
        simulated == thread || simulated == NOBODY && thread == 0
    }

    #[allow(clippy::mut_from_ref)]
    fn state(&self) -> &mut State {
        // SAFETY: callers have asked `is_simulated` or `may_use_state`: one thread at a time comes here, and no callback calls another.
        unsafe { &mut *self.state.get() }
    }

    /// A block begins.
    #[inline]
    pub(crate) fn executed(&self, thread: u32, entry: &'static Entry) {
        if !self.is_simulated(thread) {
            if self.simulated.load(Ordering::Relaxed) != NOBODY {
                self.elsewhere.fetch_add(1, Ordering::Relaxed);
            }
            return;
        }
        let state = self.state();
        if let (Some(executed), Some(before)) = (state.feed.enter(&entry.block), state.current) {
            before.cycles.set(before.cycles.get() + executed.cycles);
        }
        if entry.direct_clocks > 0 {
            self.direct_clocks.fetch_add(entry.direct_clocks, Ordering::Relaxed);
        }
        state.current = Some(entry);
    }

    /// An instruction of the present block accesses memory.
    #[inline]
    pub(crate) fn accessed(&self, thread: u32, instruction: u32, address: u64, bytes: u32) {
        if self.is_simulated(thread) {
            self.state().feed.access(instruction, address, bytes);
        }
    }

    /// Nanoseconds since the program began.
    fn passed(&self, state: &State) -> u64 {
        let simulator = state.feed.simulator();
        simulator.nanoseconds() + simulator.chip().nanoseconds(self.count.get()) + state.slept
    }

    /// A system call begins; says whether a region begins or ends with it.
    pub(crate) fn call_begins(&self, thread: u32, call: Call) -> Option<Switch> {
        let mark = call.mark();
        // Any thread can be the one to be measured.
        let begins = self.settings.marked
            && matches!(mark, Some((marks::BEGIN, _)))
            && self.simulated.compare_exchange(NOBODY, thread, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if call.starts_timer() {
            self.timers.fetch_add(1, Ordering::Relaxed);
        }
        if call.starts_process(&self.guest) {
            self.processes.fetch_add(1, Ordering::Relaxed);
        }
        let hidden = call.path().and_then(|path| Hidden::hide(path, &self.guest, &self.settings));
        if !begins && !self.may_use_state(thread) {
            CALL.set(Some(Begun { call, limit: 0, hidden }));
            return None;
        }
        let state = self.state();
        CALL.set(Some(Begun { call, limit: call.limit(&self.guest, self.passed(state)), hidden }));
        if self.is_simulated(thread) && !begins {
            state.finish_block();
            state.feed.simulator_mut().interrupted();
        }
        state.sleep = call.sleep(&self.guest, self.passed(state));
        if let Some(sleep) = state.sleep {
            // The host does not sleep; the simulated device does, once the call has ended.
            self.guest.write(sleep.request, &[0; 16]);
        }
        let (command, label) = mark?;
        match command {
            _ if begins => {
                state.label = label;
                self.restart(state);
                return Some(Switch::ToSimulate);
            }
            marks::END if self.settings.marked && self.is_simulated(thread) => {
                self.end_region(state);
                self.simulated.store(NOBODY, Ordering::Relaxed);
                return Some(Switch::ToCount);
            }
            marks::EMPTY_CACHES => state.feed.simulator_mut().empty_caches(),
            marks::RESTART => self.restart(state),
            _ => {}
        }
        None
    }

    /// A system call has ended.
    pub(crate) fn call_ends(&self, thread: u32, number: i64, result: i64) {
        let Some(Begun { call, limit, hidden }) = CALL.take().filter(|begun| begun.call.number == number) else { return };
        if let Some(hidden) = hidden {
            hidden.show_again(&self.guest);
        }
        if !self.may_use_state(thread) {
            let passed = self.time.load(Ordering::Relaxed);
            // Its random bytes differ from those of other threads, and from those of the same one later.
            call.answer(&self.guest, result, passed, &mut Random(u64::from(thread) << 32 | passed));
            return;
        }
        let state = self.state();
        let mut pause = if call.timed_out(result) { limit } else { 0 };
        if let Some(sleep) = state.sleep.take() {
            self.guest.write(sleep.request, &sleep.bytes);
            pause = sleep.nanoseconds;
        }
        self.pass(state, thread, pause);
        let passed = self.passed(state);
        self.time.store(passed, Ordering::Relaxed);
        call.answer(&self.guest, result, passed, &mut state.random);
    }

    /// Lets time pass without instructions.
    fn pass(&self, state: &mut State, thread: u32, nanoseconds: u64) {
        if nanoseconds == 0 {
        } else if self.is_simulated(thread) {
            let mhz = u64::from(state.feed.simulator().chip().clock_mhz);
            let cycles = u128::from(nanoseconds) * u128::from(mhz) / 1000;
            state.feed.simulator_mut().pass(cycles.min(u128::from(u64::MAX >> 8)) as u64);
        } else {
            state.slept = state.slept.saturating_add(nanoseconds);
        }
    }

    /// Forgets what was counted.
    fn restart(&self, state: &mut State) {
        state.feed.simulator_mut().restart_counting();
        self.code.take_cycles();
        self.elsewhere.store(0, Ordering::Relaxed);
        self.direct_clocks.store(0, Ordering::Relaxed);
        state.rewritten = self.code.rewritten();
    }

    fn end_region(&self, state: &mut State) {
        state.finish_block();
        let simulator = state.feed.simulator();
        state.regions.push(Region {
            elsewhere: self.elsewhere.load(Ordering::Relaxed),
            rewritten: self.code.rewritten() - state.rewritten,
            direct_clocks: self.direct_clocks.load(Ordering::Relaxed),
            blocks: self.code.take_cycles(),
            ..Region::new(state.label, simulator.chip(), &simulator.causes(), &simulator.counters())
        });
    }

    /// Writes the report at the program's end.
    ///
    /// # Errors
    /// Where the file cannot be written.
    pub(crate) fn write_report(&self) -> io::Result<()> {
        if std::process::id() != self.process {
            return Ok(());
        }
        let state = self.state();
        if self.simulated.load(Ordering::Relaxed) != NOBODY {
            self.end_region(state);
        }
        let report = Report {
            regions: std::mem::take(&mut state.regions),
            threads: self.threads.load(Ordering::Relaxed),
            timers: self.timers.load(Ordering::Relaxed),
            processes: self.processes.load(Ordering::Relaxed),
            // SAFETY: no arguments.
            entry: unsafe { qemu::qemu_plugin_entry_code() },
        };
        fs::write(&self.settings.report, serde_json::to_vec(&report)?)
    }
}

impl State {
    /// Executes the block that has begun, so that the time is right.
    fn finish_block(&mut self) {
        if let (Some(executed), Some(entry)) = (self.feed.leave(), self.current.take()) {
            entry.cycles.set(entry.cycles.get() + executed.cycles);
        }
    }
}
