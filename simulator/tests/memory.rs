//! Caches, memory, prefetching and translation, as a Cortex-A53 has them: for each rule a sequence of accesses and its cycles.
//!
//! Sources: "TRM" is the Arm Cortex-A53 MPCore Processor Technical Reference Manual, DDI 0500; "sbc-bench" its memory latencies on 37
//! boards with this core. The figures of the board are those of `chips/rpi3b.toml`: 13 cycles to the second level, 168 to memory
//! above that, 130 where its row is open, 4 and 26.4 cycles a line.

#![allow(clippy::unwrap_used)]

mod common;

use common::{CODE, DATA, assemble, assert_accounted, at, block, load, of, open_page, settle, simulator, with, with_on};
use simulator::{Block, Cause, MemoryAccess, Simulator};

/// Cycles above the first level of a line from the second level, and of one from memory above that: of a row that is open, or of another.
const SECOND: u64 = 13;
const DRAM: u64 = 130;
const DRAM_OTHER_ROW: u64 = 168;
/// Cycles for which a line that is put into the first level takes the load/store pipeline.
const FILL: u64 = 1;
/// The same of one that leaves it.
const EVICT: u64 = 2;
/// Cycles of a miss of the instruction cache that what was fetched before hides.
const QUEUE: u64 = 6;

/// A line of the same page as another that was not touched yet, and no neighbour of one that was.
const PAGE: u64 = DATA;

// sbc-bench: 13 to 15 cycles above the first level; a load is ready for arithmetic two cycles later (GCC).
#[test]
fn a_miss_takes_what_the_second_level_and_memory_take() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    open_page(&mut simulator, PAGE);
    let line = PAGE + 10 * 64;
    assert_eq!(load(&mut simulator, line), 1 + DRAM + SECOND + 2);
    assert_eq!(load(&mut simulator, line), 1 + 2);
    // Loads of lines of the same set push it out of the first level, but not out of the second.
    for k in 1..=40 {
        load(&mut simulator, line + k * 8192);
    }
    open_page(&mut simulator, PAGE);
    assert_eq!(load(&mut simulator, line), 1 + SECOND + 2);
    assert_accounted(&simulator);
}

// A row that is open need not be activated.
#[test]
fn a_line_of_the_row_that_is_open_comes_sooner() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    // Both translations are at hand.
    open_page(&mut simulator, PAGE + 4096);
    open_page(&mut simulator, PAGE);
    assert_eq!(load(&mut simulator, PAGE + 10 * 64), 1 + DRAM + SECOND + 2);
    assert_eq!(load(&mut simulator, PAGE + 4096 + 10 * 64), 1 + DRAM_OTHER_ROW + SECOND + 2);
    assert_eq!(load(&mut simulator, PAGE + 4096 + 30 * 64), 1 + DRAM + SECOND + 2);
    assert_eq!(load(&mut simulator, PAGE + 30 * 64), 1 + DRAM_OTHER_ROW + SECOND + 2);
}

#[test]
fn waiting_for_a_miss_is_told_by_who_answers() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    open_page(&mut simulator, PAGE);
    simulator.restart_counting();
    load(&mut simulator, PAGE + 640);
    assert_eq!((of(&simulator, Cause::Dram), of(&simulator, Cause::L2)), (DRAM + SECOND + 1, 0));
    for k in 1..=40 {
        load(&mut simulator, PAGE + 640 + k * 8192);
    }
    open_page(&mut simulator, PAGE);
    simulator.restart_counting();
    load(&mut simulator, PAGE + 640);
    assert_eq!((of(&simulator, Cause::Dram), of(&simulator, Cause::L2)), (0, SECOND + 1));
    let memory = simulator.counters().memory;
    assert_eq!((memory.loads, memory.load_misses, memory.second_misses, memory.dram_read_bytes), (1, 1, 0, 0));
}

// A load behind a miss goes on: the core waits only where a result is used.
#[test]
fn a_miss_does_not_hold_up_what_does_not_need_it() {
    let (mut simulator, block) = with("ldr x0, [x1]; add x2, x3, #1; add x4, x5, #1; ldr x6, [x7]; add x8, x6, #1");
    open_page(&mut simulator, PAGE);
    let cycles = simulator.execute(&block, &[at(0, PAGE + 640), at(3, PAGE)], block.end());
    // The line that is put into the cache takes the pipeline, too.
    assert_eq!(cycles, 4 + FILL);
}

// sbc-bench: latency of one pointer against eight: three at a time.
#[test]
fn three_loads_miss_at_a_time() {
    let (mut simulator, four) = with("ldr x0, [x1]; ldr x2, [x3]; ldr x4, [x5]; ldr x6, [x7]; ldr x8, [x9]");
    open_page(&mut simulator, PAGE);
    // Lines that make no sequence.
    let lines = [5u64, 17, 30, 44, 60].map(|line| PAGE + line * 64);
    let accesses: Vec<_> = lines.iter().zip(0..).map(|(line, k)| at(k, *line)).collect();
    let cycles = simulator.execute(&four, &accesses, four.end());
    // The fourth issues, and keeps the pipeline until the first one's line is there; the fifth comes after that.
    assert_eq!(cycles, DRAM + SECOND + 1 + FILL);
    assert!(of(&simulator, Cause::LoadMisses) > DRAM);
    assert_accounted(&simulator);
}

#[test]
fn a_line_on_its_way_is_waited_for_once() {
    let (mut simulator, block) = with("ldr x0, [x1]; ldr x2, [x3]; add x4, x2, #1");
    open_page(&mut simulator, PAGE);
    let cycles = simulator.execute(&block, &[at(0, PAGE + 640), at(1, PAGE + 648)], block.end());
    assert_eq!(cycles, 1 + DRAM + SECOND + 2);
    assert_eq!(simulator.counters().memory.dram_read_bytes, 4 * 64, "two lines of code, the page's first, and this one");
}

/// Cycles a line of a walk through lines, in steps, each loaded once and waited for.
fn walk(simulator: &mut Simulator, lines: u64, step: u64) -> u64 {
    let block = block(simulator, "ldr x0, [x1]; add x2, x0, #1");
    simulator.execute(&block, &[at(0, PAGE)], block.end());
    settle(simulator);
    let before = simulator.cycles();
    for k in 0..lines {
        simulator.execute(&block, &[at(0, PAGE + k * step * 64)], block.end());
    }
    (simulator.cycles() - before) / lines
}

// TRM, "Data prefetching and monitoring".
#[test]
fn sequences_of_misses_are_fetched_ahead() {
    let near = walk(&mut with("ldr x0, [x1]; add x2, x0, #1").0, 1000, 1);
    let far = walk(&mut with("ldr x0, [x1]; add x2, x0, #1").0, 1000, 5);
    // Five lines ahead hide most of the latency.
    assert!((28..60).contains(&near), "{near}");
    assert!(far > DRAM + SECOND, "{far}");
}

// chips/rpi3b.toml: 2909 MB/s at 1.2 GHz are 26.4 cycles a line.
#[test]
fn memory_sends_no_more_than_its_bandwidth() {
    let mut simulator = with("prfm pldl1keep, [x1]; nop").0;
    let block = block(&simulator, "prfm pldl1keep, [x1]; nop");
    let before = simulator.cycles();
    for k in 0..1000 {
        simulator.execute(&block, &[at(0, PAGE + k * 64)], block.end());
    }
    assert!(simulator.cycles() - before < 3100, "prefetches do not wait, except for lines that are put into the cache");
    let last = PAGE + 999 * 64;
    let wait = Block::new(&simulator.chip().core, CODE, &assemble("ldr x0, [x1]; add x2, x0, #1"));
    simulator.execute(&wait, &[at(0, last)], wait.end());
    let cycles = simulator.cycles() - before;
    assert!((26_400..26_700).contains(&cycles), "{cycles}");
}

#[test]
fn the_second_level_sends_a_line_every_four_cycles() {
    let (mut simulator, block) = with("prfm pldl1keep, [x1]; nop");
    // 256 KiB: in the second level after the first time, and what stayed in the first level after the second.
    let lines = 4096u64;
    let round = |simulator: &mut Simulator| {
        let before = simulator.cycles();
        for k in 0..lines {
            simulator.execute(&block, &[at(0, PAGE + k * 64)], block.end());
        }
        let wait = common::block(simulator, "ldr x0, [x1]; add x2, x0, #1");
        simulator.execute(&wait, &[at(0, PAGE + (lines - 1) * 64)], wait.end());
        simulator.cycles() - before
    };
    round(&mut simulator);
    round(&mut simulator);
    settle(&mut simulator);
    let cycles = round(&mut simulator);
    assert!((4 * lines..4 * lines + 100).contains(&cycles), "{cycles}");
}

// TRM: 32 KiB in four ways, pseudo-random replacement. More than fits into a set is not all pushed out, as least recently used would.
#[test]
fn replacement_is_pseudo_random() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    let five = |simulator: &mut Simulator| {
        let before = simulator.counters().memory.load_misses;
        (0..5).for_each(|k| {
            load(simulator, PAGE + k * 8192);
        });
        simulator.counters().memory.load_misses - before
    };
    (0..10).for_each(|_| {
        five(&mut simulator);
    });
    let misses: u64 = (0..100).map(|_| five(&mut simulator)).sum();
    assert!((100..400).contains(&misses), "{misses}");
}

// TRM, "Read allocate mode": lines written in full are not fetched after the third.
#[test]
fn whole_lines_that_are_written_are_not_fetched() {
    let (mut simulator, block) = with("str q0, [x1]; nop");
    simulator.restart_counting();
    let lines = 2000u64;
    for k in 0..4 * lines {
        let access = MemoryAccess { instruction: 0, bytes: 16, address: PAGE + k * 16 };
        simulator.execute(&block, &[access], block.end());
    }
    let memory = simulator.counters().memory;
    // A few were fetched, or fetched ahead, before it was noticed.
    assert!(memory.streamed_lines > lines - 20, "{memory:?}");
    assert!(memory.store_misses < 10 && memory.dram_read_bytes < 64 * 20, "{memory:?}");
    // A part of each line: all are fetched, by the stores or ahead of them.
    let (mut simulator, block) = with("str q0, [x1]; nop");
    for k in 0..lines {
        let access = MemoryAccess { instruction: 0, bytes: 16, address: PAGE + k * 64 };
        simulator.execute(&block, &[access], block.end());
    }
    let memory = simulator.counters().memory;
    assert_eq!(memory.streamed_lines, 0);
    assert!(memory.dram_read_bytes >= 64 * lines);
}

// TRM: a cache line is cleared by dc zva (DCZID_EL0 says 64 bytes), without being fetched.
#[test]
fn cleared_lines_are_not_fetched() {
    let (mut simulator, block) = with("dc zva, x3");
    simulator.restart_counting();
    for k in 0..100 {
        simulator.execute(&block, &[MemoryAccess { instruction: 0, bytes: 64, address: PAGE + k * 64 }], block.end());
    }
    let memory = simulator.counters().memory;
    assert_eq!((memory.streamed_lines, memory.dram_read_bytes), (100, 0));
}

// Written lines that make room go to memory, and take its bandwidth.
#[test]
fn written_lines_are_written_back() {
    let (mut simulator, block) = with("str x0, [x1]; nop");
    // 2 MiB through a second level of 512 KiB.
    let lines = 32_768u64;
    for k in 0..lines {
        simulator.execute(&block, &[at(0, PAGE + k * 64)], block.end());
    }
    let written = simulator.counters().memory.dram_written_bytes / 64;
    assert!((lines - 9000..lines - 8000).contains(&written), "{written}");
    assert!(simulator.cycles() > 2 * 26 * (lines - 9000), "{}", simulator.cycles());
}

// TRM: ten entries at hand, 512 in the main table. tract: those of the main table take no time that shows.
#[test]
fn translations_that_are_not_at_hand_take_time() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    // A line of each of many pages, in different sets.
    let line = |page: u64| PAGE + page * 4096 + page % 64 * 64;
    let round = |simulator: &mut Simulator, pages: u64| (0..pages).map(|page| load(simulator, line(page))).sum::<u64>();
    round(&mut simulator, 20);
    round(&mut simulator, 20);
    assert_eq!(round(&mut simulator, 20), 20 * (1 + 2));
    assert_eq!(simulator.counters().memory.tlb_misses, 20);
    round(&mut simulator, 600);
    simulator.restart_counting();
    round(&mut simulator, 600);
    assert!(simulator.counters().memory.tlb_misses > 300);
    assert!(of(&simulator, Cause::Translation) > 50 * 30);
}

// TRM: 32 KiB of instructions in two ways.
#[test]
fn code_that_does_not_fit_is_fetched_again() {
    let mut simulator = simulator();
    let words = assemble(&"nop; ".repeat(16));
    let run = |simulator: &mut Simulator, lines: u64| {
        simulator.restart_counting();
        for k in 0..lines {
            let block = Block::new(&simulator.chip().core, CODE + k * 64, &words);
            simulator.execute(&block, &[], block.end());
        }
        simulator.counters().memory.instruction_misses
    };
    run(&mut simulator, 500);
    assert_eq!(run(&mut simulator, 500), 0);
    run(&mut simulator, 2000);
    assert!(run(&mut simulator, 2000) > 500);
    assert!(of(&simulator, Cause::Fetch) > 500 * (SECOND - QUEUE));
}

// PRFM gives no callback in QEMU's plugins: its address follows from an earlier access by the same register.
#[test]
fn a_prefetch_whose_address_is_not_told_is_inferred() {
    let (mut simulator, block) = with("ldr q0, [x1], #16; prfm pldl1keep, [x1, #64]; prfm pldl1keep, [x4, #64]");
    simulator.restart_counting();
    open_page(&mut simulator, PAGE);
    simulator.execute(&block, &[MemoryAccess { instruction: 0, bytes: 16, address: PAGE }], block.end());
    settle(&mut simulator);
    assert_eq!(simulator.counters().prefetches_without_address, 1);
    assert_eq!(simulator.counters().memory.prefetches, 1);
    let block = common::block(&simulator, "ldr x0, [x1]; add x2, x0, #1");
    assert_eq!(simulator.execute(&block, &[at(0, PAGE + 80)], block.end()), 1 + 2);
}

#[test]
fn an_access_in_parts_is_one_and_an_access_over_two_lines_touches_both() {
    let (mut simulator, block) = with("ldr q0, [x1]; nop");
    simulator.restart_counting();
    let part = |address| MemoryAccess { instruction: 0, bytes: 8, address };
    simulator.execute(&block, &[part(PAGE), part(PAGE + 8)], block.end());
    assert_eq!(simulator.counters().memory.loads, 1);
    simulator.execute(&block, &[MemoryAccess { instruction: 0, bytes: 16, address: PAGE + 120 }], block.end());
    assert_eq!(simulator.counters().memory.loads, 3);
}

// tract: eight at a time; the ninth's line is asked for when the first is there, and the program goes on.
#[test]
fn eight_prefetched_lines_are_under_way_at_a_time() {
    let mut chip = simulator().chip().clone();
    // More than eight lines need.
    chip.dram.bandwidth_mb_s = 100_000;
    let (mut simulator, block) = with_on(chip, "prfm pldl1keep, [x1]; nop");
    open_page(&mut simulator, PAGE);
    let lines = [5u64, 17, 30, 44, 60, 10, 22, 36, 52].map(|line| PAGE + line * 64);
    let before = simulator.cycles();
    for line in lines {
        simulator.execute(&block, &[at(0, line)], block.end());
    }
    assert!(simulator.cycles() - before < 40);
    // Without waiting for a place the last would be there after one latency.
    let wait = common::block(&simulator, "ldr x0, [x1]; add x2, x0, #1");
    simulator.execute(&wait, &[at(0, lines[8])], wait.end());
    let cycles = simulator.cycles() - before;
    assert!((2 * (DRAM + SECOND)..2 * (DRAM + SECOND) + 60).contains(&cycles), "{cycles}");
}

// tract: kernels that stream from the second level take about three cycles a line more than their instructions and what they wait for.
#[test]
fn a_line_that_comes_takes_the_pipeline_for_a_cycle_and_one_that_leaves_for_two() {
    let (mut simulator, block) = with("prfm pldl1keep, [x1]; ldr x0, [x1]; nop");
    let access = |line: u64| [at(0, PAGE + line * 64), at(1, PAGE)];
    let mut cycles = |line: u64| {
        open_page(&mut simulator, PAGE);
        let cycles = simulator.execute(&block, &access(line), block.end());
        settle(&mut simulator);
        cycles
    };
    assert_eq!(cycles(10), 2 + FILL);
    assert_eq!(cycles(10), 2);
    // Lines of one set, of which it holds four: the fifth makes one leave.
    let set: Vec<u64> = (1..=4).map(|k| cycles(10 + k * 128)).collect();
    assert_eq!(set, [2 + FILL, 2 + FILL, 2 + FILL, 2 + FILL + EVICT]);
}

// DDI 0500, 7.6 "Optional integrated L2 cache": data are allocated to it only when they leave the first level.
#[test]
fn the_second_level_takes_data_in_when_they_leave_the_first() {
    // As large as the first level: 512 lines.
    let mut chip = simulator().chip().clone();
    (chip.l2.kib, chip.l2.ways) = (32, 16);
    let mut simulator = with_on(chip, "ldr x0, [x1]; add x2, x0, #1").0;
    let round = |simulator: &mut Simulator, lines: std::ops::Range<u64>| {
        let before = simulator.counters().memory.second_misses;
        lines.for_each(|line| {
            load(simulator, PAGE + line * 64);
        });
        simulator.counters().memory.second_misses - before
    };
    // Together they hold 256 lines more than either; of a copy of each line in the second level, only the last 512 would be left.
    round(&mut simulator, 0..768);
    let again = round(&mut simulator, 0..256);
    assert!(again < 20, "{again}");
}

// tract: kernels without prfm, which leave it to the prefetcher, take some three cycles a line more than those with it.
#[test]
fn a_line_that_the_prefetcher_puts_into_the_cache_takes_the_pipeline_for_four_cycles() {
    const LINES: u64 = 1024;
    let walk = |fill_cycles: u8| {
        let mut chip = simulator().chip().clone();
        chip.core.prefetcher.fill_cycles = fill_cycles;
        let (mut simulator, block) = with_on(chip, "ldr x0, [x1]; nop");
        let mut found = (0, 0);
        // 64 KiB: from the second level after the first time.
        for _ in 0..2 {
            let before = (simulator.cycles(), simulator.counters().memory.hardware_prefetches);
            for line in 0..LINES {
                simulator.execute(&block, &[at(0, PAGE + line * 64)], block.end());
            }
            found = (simulator.cycles() - before.0, simulator.counters().memory.hardware_prefetches - before.1);
        }
        found
    };
    let (fast, slow) = (walk(5), walk(15));
    assert!(slow.1 > LINES / 3, "{slow:?}");
    assert!((9 * slow.1..=10 * slow.1).contains(&(slow.0 - fast.0)), "{fast:?} {slow:?}");
    assert_eq!(simulator().chip().core.prefetcher.fill_cycles, 4);
}

#[test]
fn emptied_caches_hold_nothing() {
    let mut simulator = with("ldr x0, [x1]; add x2, x0, #1").0;
    load(&mut simulator, PAGE);
    assert_eq!(load(&mut simulator, PAGE), 3);
    simulator.empty_caches();
    assert!(load(&mut simulator, PAGE) > DRAM + SECOND);
}
