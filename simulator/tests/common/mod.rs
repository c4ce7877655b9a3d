//! What the tests share: words by their text, and cores to run them on.

#![allow(dead_code)]
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::OnceLock;

use simulator::{Block, Cause, Chip, MemoryAccess, Simulator, decode};

/// Instructions and their words; the file's first lines say how it was made.
const WORDS: &str = include_str!("../words.txt");

/// Address at which tests put code.
pub const CODE: u64 = 0x40_0000;
/// Address that loads and stores use where a test says no other.
pub const DATA: u64 = 0x10_0000;

/// Words by their text.
pub fn words() -> &'static BTreeMap<&'static str, u32> {
    static WORDS_BY_TEXT: OnceLock<BTreeMap<&'static str, u32>> = OnceLock::new();
    WORDS_BY_TEXT.get_or_init(|| {
        WORDS
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
            .map(|line| {
                let (word, text) = line.split_once(' ').unwrap();
                (text, u32::from_str_radix(word, 16).unwrap())
            })
            .collect()
    })
}

/// The words of instructions that are separated by semicolons or stand on lines of their own.
pub fn assemble(text: &str) -> Vec<u32> {
    text.split([';', '\n'])
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| *words().get(line).unwrap_or_else(|| panic!("words.txt has no '{line}'")))
        .collect()
}

/// A core that tests run code on: the Raspberry Pi's.
pub fn simulator() -> Simulator {
    Simulator::new(Chip::find("rpi3b").unwrap())
}

/// A block of the text, at [`CODE`].
pub fn block(simulator: &Simulator, text: &str) -> Block {
    Block::new(&simulator.chip().core, CODE, &assemble(text))
}

/// An access for each instruction that loads or stores, all at the same address.
pub fn accesses(text: &str, address: u64) -> Vec<MemoryAccess> {
    assemble(text)
        .iter()
        .zip(0..)
        .filter_map(|(word, instruction)| {
            let decoded = decode(*word);
            let bytes = u32::from(decoded.access?.bytes);
            decoded.kind.touches_memory().then_some(MemoryAccess { instruction, bytes, address })
        })
        .collect()
}

/// An access of eight bytes.
pub fn at(instruction: u32, address: u64) -> MemoryAccess {
    MemoryAccess { instruction, bytes: 8, address }
}

/// A simulator whose instruction cache holds the text, and that block.
pub fn with(text: &str) -> (Simulator, Block) {
    with_on(simulator().chip().clone(), text)
}

/// The same on a chip.
pub fn with_on(chip: Chip, text: &str) -> (Simulator, Block) {
    let mut simulator = Simulator::new(chip);
    let block = block(&simulator, text);
    simulator.execute(&block, &[], block.end());
    settle(&mut simulator);
    (simulator, block)
}

/// Cycles from a load at an address until its result was added to.
pub fn load(simulator: &mut Simulator, address: u64) -> u64 {
    let block = block(simulator, "ldr x0, [x1]; add x2, x0, #1");
    let cycles = simulator.execute(&block, &[at(0, address)], block.end());
    settle(simulator);
    cycles
}

/// Puts a page's translation where it is at hand, and its line of no interest into the caches.
pub fn open_page(simulator: &mut Simulator, page: u64) {
    load(simulator, page);
}

/// Lets everything that is under way end.
pub fn settle(simulator: &mut Simulator) {
    simulator.pass(1000);
}

/// Cycles of the text executed once, with code and data in the first-level caches and nothing under way.
pub fn once(text: &str) -> u64 {
    let mut simulator = simulator();
    let block = block(&simulator, text);
    let accesses = accesses(text, DATA);
    for _ in 0..2 {
        simulator.execute(&block, &accesses, block.end());
        settle(&mut simulator);
    }
    let cycles = simulator.execute(&block, &accesses, block.end());
    assert_accounted(&simulator);
    cycles
}

/// Cycles of a hundred executions one after the other, in steady state. A branch at the end goes back to the beginning.
pub fn hundred(text: &str) -> u64 {
    let mut simulator = simulator();
    let block = block(&simulator, text);
    let accesses = accesses(text, DATA);
    let branches = decode(*assemble(text).last().unwrap()).kind.branches();
    let next = if branches { block.address() } else { block.end() };
    let mut run = |count| (0..count).map(|_| simulator.execute(&block, &accesses, next)).sum::<u64>();
    run(100);
    let cycles = run(100);
    assert_accounted(&simulator);
    cycles
}

/// Every cycle has a cause.
pub fn assert_accounted(simulator: &Simulator) {
    assert_eq!(simulator.causes().total(), simulator.cycles());
}

/// Cycles of a cause, so far.
pub fn of(simulator: &Simulator, cause: Cause) -> u64 {
    simulator.causes().of(cause)
}
