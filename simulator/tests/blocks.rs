//! Blocks are an emulator's: where one ends must not matter. QEMU ends one where its buffer for the host's instructions is full, which
//! depends on the host's processor.

#![allow(clippy::unwrap_used)]

mod common;

use common::{CODE, DATA, assert_accounted, simulator, words};
use simulator::{Block, MemoryAccess, Simulator, decode};

/// A number from the one before (Marsaglia's xorshift with 13, 7, 17).
fn random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

/// Executes the words in blocks of so many, with an access for each that touches memory.
fn execute(simulator: &mut Simulator, address: u64, code: &[u32], addresses: &[u64], length: usize) {
    for (part, words) in code.chunks(length).enumerate() {
        let block = Block::new(&simulator.chip().core, address + 4 * (part * length) as u64, words);
        let accesses: Vec<MemoryAccess> = (0..words.len())
            .filter(|k| block.touches_memory(*k))
            .map(|k| MemoryAccess { instruction: k as u32, bytes: 16, address: addresses[part * length + k] })
            .collect();
        simulator.execute(&block, &accesses, block.end());
    }
}

#[test]
fn where_a_block_ends_does_not_matter() {
    // One that branches ends a block, on every host.
    let straight: Vec<u32> = words().values().copied().filter(|word| !decode(*word).kind.branches()).collect();
    let run = |length: usize| {
        let (mut state, mut simulator) = (7, simulator());
        for _ in 0..200 {
            let code: Vec<u32> = (0..300).map(|_| straight[random(&mut state) as usize % straight.len()]).collect();
            let addresses: Vec<u64> = code.iter().map(|_| DATA + random(&mut state) % 600_000).collect();
            let address = CODE + random(&mut state) % 20_000 * 4;
            execute(&mut simulator, address, &code, &addresses, length);
        }
        assert_accounted(&simulator);
        simulator
    };
    let whole = run(300);
    for length in [1, 7, 64] {
        let parts = run(length);
        assert_eq!(parts.cycles(), whole.cycles(), "{length}");
        assert_eq!(parts.causes(), whole.causes(), "{length}");
        assert_eq!(parts.counters(), whole.counters(), "{length}");
    }
}
