//! Misses under way, and what keeps lines coming: for each rule a sequence of accesses and its cycles.
//!
//! Sources: "TRM" is the Arm Cortex-A53 MPCore Processor Technical Reference Manual, DDI 0500; "sbc-bench" its memory latencies on 37
//! boards with this core; "tract" the times of tract-linalg's kernels, of which a third was fitted on (validation/README.md).

#![allow(clippy::unwrap_used)]

mod common;

use common::{DATA, at, load, of, open_page, settle, simulator, with, with_on};
use simulator::{Cause, Simulator};

/// Executes an instruction for a line of the page, and lets what it began end.
fn touch(simulator: &mut Simulator, text: &str, line: u64) {
    let block = common::block(simulator, text);
    simulator.execute(&block, &[at(0, DATA + line * 64)], block.end());
    settle(simulator);
}

// TRM, "Data prefetching and monitoring": misses at a fixed stride start the prefetcher; "Preload instructions": prfm starts a line fill
// like a miss. tract: kernels that prefetch some of their lines come out too slow where such a line ends the sequence.
#[test]
fn a_line_that_prfm_brought_keeps_the_prefetcher_going() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    for line in 0..3 {
        touch(&mut simulator, "ldr x0, [x1]; nop", line);
    }
    // Three misses: the five lines behind them are on their way. The program asks for the sixth.
    assert_eq!(simulator.counters().memory.hardware_prefetches, 5);
    touch(&mut simulator, "prfm pldl1keep, [x1]; nop", 8);
    for line in 3..8 {
        touch(&mut simulator, "ldr x0, [x1]; nop", line);
    }
    // Each use brought one more, but the one that was there.
    assert_eq!(simulator.counters().memory.hardware_prefetches, 5 + 4);
    touch(&mut simulator, "ldr x0, [x1]; nop", 8);
    assert_eq!(simulator.counters().memory.hardware_prefetches, 5 + 5);
    assert_eq!(load(&mut simulator, DATA + 13 * 64), 1 + 2);
    assert_eq!(simulator.counters().memory.load_misses, 3);
}

// TRM, "About the MMU": a micro TLB of ten entries before the main one. tract: a translation from the main TLB takes no time that shows;
// with more than none, calls that touch few pages come out too slow. sbc-bench: at most one cycle between 64 and 128 KiB.
#[test]
fn a_translation_from_the_main_table_takes_no_cycles() {
    let eleven_pages = |micro_miss: u8| {
        let mut chip = simulator().chip().clone();
        chip.core.tlb.micro_miss = micro_miss;
        let mut simulator = with_on(chip, "ldr x0, [x1]; add x2, x0, #1").0;
        // A line of each page, in different sets.
        let round = |simulator: &mut Simulator| (0..11).map(|page| load(simulator, DATA + page * 4096 + page * 64)).sum::<u64>();
        round(&mut simulator);
        (round(&mut simulator), simulator.counters().memory.micro_tlb_misses)
    };
    // One page more than there are entries: none is at hand when its turn comes.
    assert_eq!(eleven_pages(0), (11 * 3, 11));
    assert_eq!(eleven_pages(7), (11 * (3 + 7), 11));
    assert_eq!(simulator().chip().core.tlb.micro_miss, 0);
}

// sbc-bench: three loads at a time. A load that hits waits behind the fourth miss, as the pipeline is in order (TRM).
#[test]
fn a_load_that_hits_waits_behind_a_miss_that_has_no_place() {
    let cycles = |misses: &[u64]| {
        let (mut simulator, block) = with("ldr x0, [x1]; ldr x2, [x3]; ldr x4, [x5]; ldr x6, [x7]; ldr x8, [x9]");
        open_page(&mut simulator, DATA);
        let lines = misses.iter().chain(std::iter::repeat(&0)).zip(0..5);
        let accesses: Vec<_> = lines.map(|(line, k)| at(k, DATA + line * 64)).collect();
        (simulator.execute(&block, &accesses, block.end()), of(&simulator, Cause::LoadMisses))
    };
    // Lines that make no sequence; each that is put into the cache takes the pipeline for a cycle.
    assert_eq!(cycles(&[5, 17, 30]), (5 + 3, 0));
    let (with_a_fourth, waited) = cycles(&[5, 17, 30, 44]);
    assert!(with_a_fourth > 130 && waited > 130, "{with_a_fourth} {waited}");
}
