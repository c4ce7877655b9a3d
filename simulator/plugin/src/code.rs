//! Blocks of code that QEMU translated, decoded once.

use std::cell::Cell;
use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use simulator::report::{BlockCycles, Lacking};
use simulator::{Block, Core, decode};

use crate::qemu;

/// A block, and the cycles that were spent in it.
pub(crate) struct Entry {
    pub(crate) block: Block,
    /// Only the thread that is simulated looks at it.
    pub(crate) cycles: Cell<u64>,
    words: Box<[u32]>,
    /// Instructions that read a clock's register.
    pub(crate) direct_clocks: u64,
}

// SAFETY: `cycles` is used by the simulated thread alone, the rest is not written.
unsafe impl Sync for Entry {}

/// A block's instructions.
///
/// # Safety
/// `block` is what QEMU gives to a callback of translation, during that callback.
unsafe fn words(block: *mut qemu::Block) -> Box<[u32]> {
    // SAFETY: as for this function; an instruction of aarch64 has four bytes.
    unsafe {
        let word = |k| qemu::qemu_plugin_insn_data(qemu::qemu_plugin_tb_get_insn(block, k)).cast::<u32>().read_unaligned();
        (0..qemu::qemu_plugin_tb_n_insns(block)).map(word).collect()
    }
}

/// The instructions of a block that the core does not have.
///
/// # Safety
/// `block` is what QEMU gives to a callback of translation, during that callback.
pub(crate) unsafe fn lacking(core: &Core, block: *mut qemu::Block) -> Vec<Lacking> {
    // SAFETY: as for this function.
    let (address, words) = unsafe { (qemu::qemu_plugin_tb_vaddr(block), words(block)) };
    let feature = |word: u32| decode(word).feature.filter(|feature| !core.features.contains(feature));
    let places = words.iter().zip((address..).step_by(4));
    places.filter_map(|(word, address)| Some(Lacking { feature: feature(*word)?, word: *word, address })).collect()
}

/// All blocks, by address. QEMU may translate one again, or another piece that begins at the same address.
pub(crate) struct Code {
    entries: Mutex<HashMap<u64, Vec<&'static Entry>>>,
    /// Addresses at which code had become other code.
    rewritten: AtomicU64,
}

/// `mrs x, cntvct_el0` and `cntpct_el0`, without the register.
const COUNTERS: [u32; 2] = [0xd53b_e040, 0xd53b_e020];

impl Code {
    pub(crate) fn new() -> Self {
        Self { entries: Mutex::new(HashMap::new()), rewritten: AtomicU64::new(0) }
    }

    /// The block that QEMU translates.
    ///
    /// # Safety
    /// `block` is what QEMU gives to a callback of translation, during that callback.
    pub(crate) unsafe fn translate(&self, core: &Core, block: *mut qemu::Block) -> &'static Entry {
        // SAFETY: as for this function.
        let (address, words) = unsafe { (qemu::qemu_plugin_tb_vaddr(block), words(block)) };
        let mut entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let here = entries.entry(address).or_default();
        if let Some(known) = here.iter().find(|entry| entry.words == words) {
            return known;
        }
        if here.iter().any(|entry| std::iter::zip(&entry.words, &words).any(|(a, b)| a != b)) {
            self.rewritten.fetch_add(1, Ordering::Relaxed);
        }
        let direct_clocks = words.iter().filter(|word| COUNTERS.contains(&(**word & !31))).count() as u64;
        let entry = Entry { block: Block::new(core, address, &words), cycles: Cell::new(0), words, direct_clocks };
        // It is used until the process ends.
        let entry: &'static Entry = Box::leak(Box::new(entry));
        here.push(entry);
        entry
    }

    pub(crate) fn rewritten(&self) -> u64 {
        self.rewritten.load(Ordering::Relaxed)
    }

    /// Cycles since the last call, by block, the most first; of blocks that took as long, the lower address first.
    pub(crate) fn take_cycles(&self) -> Vec<BlockCycles> {
        let entries = self.entries.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let mut blocks: Vec<BlockCycles> = entries
            .values()
            .flatten()
            .map(|entry| (entry, entry.cycles.take()))
            .filter(|(_, cycles)| *cycles > 0)
            .map(|(entry, cycles)| BlockCycles { address: entry.block.address(), bytes: 4 * entry.block.len() as u32, cycles })
            .collect();
        blocks.sort_by_key(|block| (std::cmp::Reverse(block.cycles), block.address, block.bytes));
        blocks
    }
}
