//! From an emulator's events to executions of blocks.
//!
//! An emulator says that a block begins, then each access, then that the next block begins. Where a block's branch went is only known
//! from the next one, so that a block is executed in the model when the next one begins, or the program stops.

use crate::block::Block;
use crate::simulator::{MemoryAccess, Simulator};

/// A simulator, and the block that the emulator is in.
pub struct Feed<'b> {
    simulator: Simulator,
    block: Option<&'b Block>,
    accesses: Vec<MemoryAccess>,
}

/// A block that was executed in the model, and what it took.
#[derive(Clone, Copy, Debug)]
pub struct Executed<'b> {
    /// The block.
    pub block: &'b Block,
    /// Cycles.
    pub cycles: u64,
}

impl<'b> Feed<'b> {
    /// Nothing has been executed.
    pub fn new(simulator: Simulator) -> Self {
        Self { simulator, block: None, accesses: Vec::with_capacity(1024) }
    }

    /// A block begins. Gives the one before, which has been executed now.
    #[inline]
    pub fn enter(&mut self, block: &'b Block) -> Option<Executed<'b>> {
        let executed = self.finish_at(block.address());
        self.block = Some(block);
        executed
    }

    /// The instruction at that place in the block makes an access.
    #[inline]
    pub fn access(&mut self, instruction: u32, address: u64, bytes: u32) {
        self.accesses.push(MemoryAccess { instruction, bytes, address });
    }

    /// The program goes on outside: a system call, or its end. Executes what has begun, so that the time is right.
    pub fn leave(&mut self) -> Option<Executed<'b>> {
        let next = self.block?.end();
        self.finish_at(next)
    }

    fn finish_at(&mut self, next: u64) -> Option<Executed<'b>> {
        let block = self.block.take()?;
        let cycles = self.simulator.execute(block, &self.accesses, next);
        self.accesses.clear();
        Some(Executed { block, cycles })
    }

    /// The simulator: its time is that of the last block that was executed.
    pub fn simulator(&self) -> &Simulator {
        &self.simulator
    }

    /// The same, to empty caches, count from here on, or let time pass; call [`Self::leave`] before.
    pub fn simulator_mut(&mut self) -> &mut Simulator {
        &mut self.simulator
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Cause, Chip};

    #[test]
    fn a_block_is_executed_when_the_next_begins() {
        let simulator = Simulator::new(Chip::find("rpi3b").unwrap());
        // ldr q0, [x1]; cbnz x2, -4
        let block = Block::new(&simulator.chip().core, 0x1000, &[0x3dc0_0020, 0xb5ff_ffe2]);
        let mut feed = Feed::new(simulator);
        assert!(feed.enter(&block).is_none());
        for k in 0..100u64 {
            feed.access(0, 0x8000 + k % 4 * 16, 8);
            feed.access(0, 0x8008 + k % 4 * 16, 8);
            let executed = feed.enter(&block).unwrap();
            assert_eq!(executed.block.address(), 0x1000);
            assert!(k < 3 || executed.cycles == 3, "{k}: {}", executed.cycles);
        }
        feed.access(0, 0x8000, 16);
        assert!(feed.leave().is_some());
        assert!(feed.leave().is_none());
        let counters = feed.simulator().counters();
        assert_eq!((counters.instructions, counters.memory.loads, counters.memory.load_misses), (202, 101, 1));
        // Leaving the loop was not predicted.
        assert_eq!((counters.branches, counters.mispredicted), (101, 1));
        assert_eq!(feed.simulator().causes().of(Cause::LongIssue), 101);
    }
}
