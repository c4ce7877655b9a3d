//! Speed of the model: instructions a second through a step of a matrix product, on each chip.

use std::time::Instant;

use simulator::{Block, Chip, ChipError, MemoryAccess, Simulator};

/// `ldr q0, [x1], #16` with `prfm pldl1keep, [x1, #256]`, and the same of another register.
const LOADS: [u32; 4] = [0x3cc1_0420, 0xf980_8020, 0x3cc1_0442, 0xf980_8040];
/// `fmla v8.4s, v0.4s, v2.s[0]`, to be counted up in its destination.
const MULTIPLY_ADD: u32 = 0x4f82_1008;
/// `subs x3, x3, #1`; `b.ne` to the beginning of the block.
const LOOP: [u32; 2] = [0xf100_0463, 0x54ff_fce1];
/// Times that the block is executed.
const ROUNDS: u64 = 1_000_000;

fn main() -> Result<(), ChipError> {
    let mut words = LOADS.to_vec();
    words.extend((0..20).map(|k| MULTIPLY_ADD + k));
    words.extend(LOOP);
    for chip in Chip::names() {
        let mut simulator = Simulator::new(Chip::find(chip)?);
        let block = Block::new(&simulator.chip().core, 0x1000, &words);
        let start = Instant::now();
        for k in 0..ROUNDS {
            // As an emulator tells them: 128 bits in two parts. 16 KB and 256 KB are gone through.
            let at = |instruction, address| MemoryAccess { instruction, bytes: 8, address };
            let (a, b) = (0x10_0000 + 16 * (k % 1024), 0x20_0000 + 64 * (k % 4096));
            let accesses = [at(0, a), at(0, a + 8), at(2, b), at(2, b + 8)];
            simulator.execute(&block, &accesses, block.address());
        }
        let seconds = start.elapsed().as_secs_f64();
        let instructions = simulator.counters().instructions;
        println!("{chip}: {:.1} million instructions a second", instructions as f64 / seconds / 1e6);
    }
    Ok(())
}
