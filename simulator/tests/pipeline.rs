//! The rules of a Cortex-A53's pipeline: for each a sequence of instructions and the cycles that it takes.
//!
//! Sources: "GCC" is config/arm/cortex-a53.md, which Arm contributed; "LLVM" is AArch64SchedA53.td, by Arm's "Cortex-A53 Software
//! Optimisation Specification" and by measurements; "ncnn" is docs/developer-guide/arm-a53-a55-dual-issue.md, measured; "tract" is
//! the times of its kernels on a Cortex-A53 (tract-linalg 0.23.9, src/arm64/cortex_a53.txt).

#![allow(clippy::unwrap_used)]

mod common;

use common::{CODE, DATA, accesses, assemble, assert_accounted, block, hundred, of, once, settle, simulator};
use simulator::{Block, Cause, Feature, Kind, MemoryAccess};

// LLVM: IssueWidth = 2.
#[test]
fn two_instructions_issue_a_cycle() {
    assert_eq!(hundred("add x0, x1, #1; add x2, x3, #1"), 100);
    assert_eq!(hundred("add x0, x1, #1; add x2, x3, #1; add x4, x5, #1"), 150);
}

// GCC: bypass 1 from alu to alu; 2 to a shifted operand.
#[test]
fn arithmetic_is_ready_for_arithmetic_after_one_cycle_and_for_the_shifter_after_two() {
    assert_eq!(hundred("add x0, x0, #1"), 100);
    assert_eq!(hundred("add x0, x1, x0, lsl #2"), 200);
    // The operand that is not shifted is taken up later.
    assert_eq!(hundred("add x0, x0, x1, lsl #2"), 100);
    assert_eq!(hundred("ubfx x0, x0, #1, #8"), 200);
}

// GCC: cortex_a53_shift, bypass 0 to alu, 1 to shifts.
#[test]
fn a_constant_or_shift_is_ready_at_once() {
    assert_eq!(once("mov x0, #1; add x1, x0, x2"), 1);
    assert_eq!(once("lsl x0, x1, x2; add x1, x0, x2"), 1);
    assert_eq!(once("mov x0, #1; lsl x0, x0, x2"), 2);
}

// GCC: cortex_a53_alu_extr issues in slot 1, or alone.
#[test]
fn an_extraction_is_the_second_of_a_pair_or_alone() {
    assert_eq!(once("add x0, x1, #1; extr x2, x3, x4, #5"), 1);
    assert_eq!(once("extr x2, x3, x4, #5; add x0, x1, #1"), 2);
}

// GCC: bypass 0 from alu to store, 0 to branch (flags).
#[test]
fn stores_and_branches_take_their_operands_up_late() {
    assert_eq!(once("add x0, x0, #1; str x0, [x1]"), 1);
    assert_eq!(once("cmp x0, #1; b.ne #8"), 1);
    assert_eq!(hundred("subs x0, x0, #1; b.ne #-4"), 100);
}

// GCC: alu has a latency of 3 and no bypass to addresses; tract's driver and kernels take two.
#[test]
fn addresses_are_needed_early() {
    assert_eq!(once("add x1, x1, #16; ldr x0, [x1]"), 3);
    assert_eq!(once("mov x1, x2; ldr x0, [x1]"), 3);
    // An updated base is ready for the next address.
    assert_eq!(hundred("ldr x0, [x1], #8"), 100);
}

// sbc-bench: 3.0 cycles a load through a chain of pointers, on 37 boards. GCC: bypass 2 from load1 to alu, 3 to shifts, 1 to store.
#[test]
fn loads_are_ready_after_three_cycles_for_an_address_and_two_for_arithmetic() {
    assert_eq!(hundred("ldr x0, [x0]"), 300);
    assert_eq!(once("ldr x0, [x1]; add x2, x0, #1"), 3);
    assert_eq!(once("ldr x0, [x1]; ubfx x2, x0, #1, #8"), 4);
    assert_eq!(once("ldr x0, [x1]; str x0, [x2]"), 2);
    assert_eq!(hundred("ldr x0, [x0]; add x0, x0, #8"), 400);
}

// GCC: one cortex_a53_ls_agen; other instructions pair with a load or store.
#[test]
fn one_access_issues_a_cycle() {
    assert_eq!(hundred("ldr x0, [x1]; ldr x2, [x3]"), 200);
    assert_eq!(hundred("ldr x0, [x1]; str x2, [x3]"), 200);
    assert_eq!(hundred("ldr x0, [x1]; add x2, x3, #1"), 100);
    assert_eq!(hundred("prfm pldl1keep, [x1]; add x2, x3, #1"), 100);
    assert_eq!(hundred("prfm pldl1keep, [x1]; ldr x0, [x1]"), 200);
}

// GCC: cortex_a53_load2, "LDP Xm, Xn": single issue, two cycles; -> alu 3. Stores of two registers issue like one.
#[test]
fn a_load_of_two_doublewords_takes_two_cycles_alone() {
    assert_eq!(once("ldp x0, x1, [x2]; add x3, x4, #1; add x5, x6, #1"), 3);
    assert_eq!(once("add x3, x4, #1; ldp x0, x1, [x2]; add x3, x4, #1"), 4);
    assert_eq!(once("ldp x0, x1, [x2]; add x3, x1, #1"), 4);
    assert_eq!(hundred("ldp w0, w1, [x2]; add x3, x4, #1"), 100);
    assert_eq!(hundred("stp x0, x1, [x2]; add x3, x4, #1"), 100);
}

// GCC: mul latency 4, bypass 1 to the accumulator, 2 to alu, 1 to stores; LLVM: 3 to a factor (ReadIM).
#[test]
fn products_are_ready_after_two_to_four_cycles() {
    assert_eq!(hundred("madd x0, x1, x2, x0"), 100);
    assert_eq!(hundred("mul x0, x0, x1"), 300);
    assert_eq!(once("mul x0, x0, x1; add x0, x0, #1"), 3);
    assert_eq!(once("mul x0, x0, x1; str x0, [x1]"), 2);
    assert_eq!(once("mul x1, x0, x2; ldr x0, [x1]"), 5);
    // One multiplier.
    assert_eq!(hundred("mul x0, x1, x2; mul x3, x4, x5"), 200);
    assert_eq!(hundred("mul x0, x1, x2; add x3, x4, #1"), 100);
}

// GCC 4.9: udiv 8, the divider taken for as long.
#[test]
fn a_division_takes_eight_cycles() {
    assert_eq!(hundred("udiv x0, x0, x1"), 800);
    assert_eq!(hundred("udiv x0, x1, x2; udiv x3, x4, x5"), 1600);
}

// tract: its 12x8 kernel's inner loop, of 24 fmla and 5 pairs of other instructions, takes 29.6 cycles, so that an fmla issues every
// cycle (LLVM's two are too many). GCC: cortex_a53_fpmac 8, addend to addend 4.
#[test]
fn a_128_bit_multiply_add_issues_every_cycle_and_its_addend_is_ready_after_four() {
    assert_eq!(hundred("fmla v0.4s, v8.4s, v9.4s"), 400);
    let four = "fmla v0.4s, v8.4s, v9.4s; fmla v1.4s, v8.4s, v9.4s; fmla v2.4s, v8.4s, v9.4s; fmla v3.4s, v8.4s, v9.4s";
    assert_eq!(hundred(four), 400);
    assert_eq!(once("fmla v0.4s, v8.4s, v9.4s; fadd v2.4s, v0.4s, v9.4s"), 9);
    assert_eq!(hundred("fmla v0.4s, v8.4s, v9.s[1]"), 400);
    assert_eq!(hundred("fmadd s0, s1, s2, s0"), 400);
}

// GCC: two units of 64 bits; advsimd_mul issues in either slot.
#[test]
fn two_64_bit_operations_issue_in_a_cycle_but_no_128_bit_one_beside_them() {
    assert_eq!(once("fmla v0.2s, v8.2s, v9.2s; fmla v1.2s, v8.2s, v9.2s"), 1);
    assert_eq!(once("fmla v0.4s, v8.4s, v9.4s; fmla v1.2s, v8.2s, v9.2s"), 2);
    assert_eq!(once("fmla v1.2s, v8.2s, v9.2s; fmla v0.4s, v8.4s, v9.4s"), 2);
}

// GCC: advsimd_mul_q and advsimd_alu_q issue from slot 0.
#[test]
fn a_128_bit_operation_is_the_first_of_a_pair() {
    assert_eq!(once("fmla v0.4s, v8.4s, v9.4s; add x0, x1, #1"), 1);
    assert_eq!(once("add x0, x1, #1; fmla v0.4s, v8.4s, v9.4s"), 2);
    assert_eq!(once("fadd v0.4s, v8.4s, v9.4s; ldr x0, [x1]"), 1);
}

// ncnn: "64bit vector load cannot be dual issued with fmla", "64bit integer load can", "pointer update can".
#[test]
fn a_vector_load_does_not_pair_with_a_multiply_add() {
    assert_eq!(once("fmla v1.4s, v8.4s, v9.4s; ldr d0, [x0]"), 2);
    assert_eq!(once("fmla v1.4s, v8.4s, v9.4s; ldr x0, [x1]"), 1);
    assert_eq!(once("fmla v1.4s, v8.4s, v9.4s; prfm pldl1keep, [x1]"), 1);
    assert_eq!(once("ldr d0, [x0]; add x0, x1, #1"), 1);
}

// ncnn: "64bit vector load and 64bit vector insert can be dual issued, no penalty"; tract: so do two insertions, and a lane of 64 bits
// does not wait for the other.
#[test]
fn insertions_pair_with_vector_loads_and_with_each_other() {
    assert_eq!(once("ldr d0, [x0]; mov v1.d[1], x1"), 1);
    assert_eq!(once("mov v1.d[1], x1; ldr d0, [x0]"), 1);
    assert_eq!(once("mov v0.d[1], x1; mov v1.d[1], x2"), 1);
    assert_eq!(once("ldr d0, [x0]; mov v0.d[1], x1"), 1);
    assert_eq!(once("ldr d0, [x0]; mov v0.s[1], w1"), 4);
    // Ready after three cycles.
    assert_eq!(once("mov v0.d[1], x1; fadd v1.4s, v0.4s, v9.4s"), 4);
    // From arithmetic after one cycle, from a load after two.
    assert_eq!(once("add x1, x1, #16; mov v0.d[1], x1"), 2);
    assert_eq!(once("ldr x1, [x0]; mov v0.d[1], x1"), 3);
}

// ncnn: "128bit vector load cannot be dual issued with fmla, wait 2 cycles"; several registers likewise. LLVM: separating costs one more.
#[test]
fn vector_loads_bring_eight_bytes_a_cycle() {
    assert_eq!(hundred("ldr d0, [x0]"), 100);
    assert_eq!(hundred("ldr q0, [x0]"), 200);
    assert_eq!(once("ldr q0, [x0]; add x3, x4, #1; add x5, x6, #1"), 3);
    assert_eq!(hundred("ldp d0, d1, [x0]"), 200);
    assert_eq!(hundred("ldp q0, q1, [x0]"), 400);
    assert_eq!(hundred("ld1 { v0.4s, v1.4s, v2.4s, v3.4s }, [x0]"), 800);
    assert_eq!(hundred("ld1r { v0.4s }, [x0]"), 100);
    assert_eq!(hundred("ld4 { v0.4s, v1.4s, v2.4s, v3.4s }, [x0]"), 900);
}

// ncnn: "any vector load cannot be issued on the 4th cycle of each fmla (enters the accumulator pipeline)"; tract: without this rule its
// kernels for the A55 come out 15 to 18 % too fast.
#[test]
fn a_vector_load_does_not_issue_four_cycles_after_a_multiply_add() {
    let filler = "add x0, x1, #1; add x2, x3, #1; add x4, x5, #1; add x0, x1, #1; add x2, x3, #1; add x4, x5, #1; add x0, x1, #1";
    assert_eq!(once(&format!("fmla v1.4s, v8.4s, v9.4s; {filler}; ldr d0, [x1]")), 6);
    assert_eq!(once(&format!("fmul v1.4s, v8.4s, v9.4s; {filler}; ldr d0, [x1]")), 5);
    assert_eq!(once(&format!("fmla v1.4s, v8.4s, v9.4s; {filler}; ldr x6, [x1]")), 5);
    // tract: its kernels with 128-bit loads take no longer for it: the 12x8 one 34 cycles a step, 24 fmla and 5 loads of two.
    assert_eq!(once(&format!("fmla v1.4s, v8.4s, v9.4s; {filler}; ldr q0, [x0]")), 6);
}

// GCC: f_load_64 3, f_load_many 4; addend forwarding 1.
#[test]
fn vector_loads_are_ready_after_three_or_four_cycles() {
    assert_eq!(once("ldr d0, [x0]; fadd v1.4s, v0.4s, v9.4s"), 4);
    assert_eq!(once("ldr q0, [x0]; fadd v1.4s, v0.4s, v9.4s"), 5);
    assert_eq!(once("ldr d0, [x0]; fmla v0.4s, v8.4s, v9.4s"), 2);
    // The first of two registers comes two cycles before the second.
    assert_eq!(once("ldp q0, q1, [x0]; fadd v2.4s, v0.4s, v9.4s"), 5);
    assert_eq!(once("ldp q0, q1, [x0]; fadd v2.4s, v1.4s, v9.4s"), 7);
}

// GCC: fpalu, fpmul 4, as an addend 1. LLVM: A53WriteIVecQ_2 2, A53WriteIVecQ_3 3, A53WriteFRecpStep 8.
#[test]
fn vector_arithmetic_takes_two_to_four_cycles() {
    assert_eq!(hundred("fadd v0.4s, v0.4s, v9.4s"), 400);
    assert_eq!(hundred("fmul v0.4s, v0.4s, v9.4s"), 400);
    assert_eq!(once("fadd v0.4s, v0.4s, v9.4s; fmla v0.4s, v8.4s, v9.4s"), 2);
    assert_eq!(hundred("add v0.4s, v0.4s, v9.4s"), 200);
    assert_eq!(hundred("abs v0.4s, v0.4s"), 300);
    assert_eq!(hundred("mul v0.4s, v0.4s, v9.4s"), 400);
    assert_eq!(hundred("mla v0.4s, v8.4s, v9.4s"), 400);
    assert_eq!(hundred("frecps v0.4s, v0.4s, v9.4s"), 800);
}

// GCC: advsimd_div_s 14, advsimd_div_d 29; a 128-bit one goes through the divider twice (tract).
#[test]
fn divisions_of_floating_point_numbers_are_long() {
    assert_eq!(hundred("fdiv s0, s0, s1"), 1400);
    assert_eq!(hundred("fdiv d0, d0, d1"), 2900);
    assert_eq!(hundred("fdiv v0.4s, v0.4s, v9.4s"), 2800);
    assert_eq!(hundred("fsqrt s0, s0"), 1400);
    // LLVM: the divider is free four cycles before the result.
    assert_eq!(hundred("fdiv s0, s1, s2"), 1000);
}

// GCC: f2r 4, f2r_cvt 5, r2f 2 (bypass 0 from alu), r2f_cvt 4 (bypass 2 from alu), f_flags 5.
#[test]
fn moves_between_register_files() {
    assert_eq!(once("fmov x0, d0; add x1, x0, #1"), 5);
    assert_eq!(once("umov w0, v0.s[1]; add x1, x0, #1"), 6);
    assert_eq!(once("add x0, x1, #1; fmov d0, x0"), 1);
    assert_eq!(once("fmov d0, x0; fadd v1.4s, v0.4s, v9.4s"), 3);
    assert_eq!(once("add x0, x1, #1; scvtf s0, w0"), 3);
    assert_eq!(once("dup v0.4s, w0; fadd v1.4s, v0.4s, v9.4s"), 5);
    assert_eq!(once("fcmp s0, s1; b.ne #8"), 6);
}

// GCC: f2r_cvt 5; crypto_aese and crypto_sha1_fast 3, in the first place of a pair.
#[test]
fn conversions_to_integers_and_cryptography() {
    assert_eq!(once("fcvtzs w0, s0; add x1, x0, #1"), 6);
    assert_eq!(hundred("aese v0.16b, v1.16b"), 300);
    assert_eq!(hundred("sha1h s0, s1; sha1h s2, s3"), 200);
}

// No source has figures: in order and alone is what the architecture's manual lets one expect of them.
#[test]
fn barriers_and_system_registers_issue_alone() {
    assert_eq!(once("add x0, x1, #1; dmb ish; add x2, x3, #1"), 3);
    assert_eq!(once("add x0, x1, #1; isb; add x2, x3, #1"), 3);
    assert_eq!(once("mrs x0, nzcv; add x1, x0, #1"), 3);
}

// GCC: a store takes its data up when issued plus two; LLVM: st1 of two 64-bit registers one cycle, of four 128-bit ones more.
#[test]
fn vector_stores_take_sixteen_bytes_a_cycle() {
    assert_eq!(hundred("str q0, [x0]"), 100);
    assert_eq!(hundred("stp q0, q1, [x0]"), 200);
    assert_eq!(hundred("st1 { v0.4s, v1.4s, v2.4s, v3.4s }, [x0]"), 400);
    assert_eq!(once("fmla v0.4s, v8.4s, v9.4s; str q0, [x0]"), 7);
    assert_eq!(once("fadd v0.4s, v8.4s, v9.4s; str q0, [x0]"), 3);
    assert_eq!(once("fmla v0.4s, v8.4s, v9.4s; str q1, [x0]"), 1);
}

// LLVM: MispredictPenalty 9; 7 fits tract's kernels.
#[test]
fn a_wrong_guess_costs_seven_cycles() {
    let mut simulator = simulator();
    let text = "cmp x0, #1; b.ne #8";
    let block = block(&simulator, text);
    let taken = block.end() + 4;
    let run = |simulator: &mut simulator::Simulator, next| {
        let before = simulator.cycles();
        simulator.execute(&block, &[], next);
        // The next block's first instruction tells when it could issue.
        let nop = Block::new(&simulator.chip().core, CODE, &assemble("nop"));
        simulator.execute(&nop, &[], nop.end());
        simulator.cycles() - before
    };
    for _ in 0..40 {
        run(&mut simulator, taken);
    }
    settle(&mut simulator);
    assert_eq!(run(&mut simulator, taken), 2);
    settle(&mut simulator);
    let (before, wrong) = (of(&simulator, Cause::Misprediction), simulator.counters().mispredicted);
    assert_eq!(run(&mut simulator, block.end()), 2 + 7);
    assert_eq!(of(&simulator, Cause::Misprediction) - before, 7);
    assert_eq!(simulator.counters().mispredicted - wrong, 1);
    assert_accounted(&simulator);
}

// GCC: "branches can dual-issue with other instructions"; nothing behind one issues in its cycle.
#[test]
fn a_branch_is_the_last_of_its_cycle() {
    assert_eq!(hundred("add x0, x1, #1; b #-4"), 100);
    assert_eq!(hundred("b #-4"), 100);
}

#[test]
fn waiting_is_told_by_what_is_waited_for() {
    let cases = [
        ("fmla v0.4s, v8.4s, v9.4s", Cause::MultiplyAdd, 3),
        ("fadd v0.4s, v0.4s, v9.4s", Cause::Vector, 3),
        ("ldr x0, [x0]", Cause::Load, 2),
        ("mul x0, x0, x1", Cause::Multiply, 2),
        ("add x0, x1, x0, lsl #2", Cause::Integer, 1),
        ("udiv x0, x0, x1", Cause::Divide, 7),
        ("fdiv s0, s0, s1", Cause::Divide, 13),
        ("ldr q0, [x0]", Cause::LongIssue, 1),
        ("ld1 { v0.4s, v1.4s, v2.4s, v3.4s }, [x0]", Cause::LongIssue, 7),
    ];
    for (text, cause, waits) in cases {
        let mut simulator = simulator();
        let (block, accesses) = (block(&simulator, text), accesses(text, DATA));
        for _ in 0..10 {
            simulator.execute(&block, &accesses, block.end());
        }
        simulator.restart_counting();
        for _ in 0..100 {
            simulator.execute(&block, &accesses, block.end());
        }
        let causes = simulator.causes();
        assert_eq!((causes.of(cause), causes.of(Cause::IssuedOne)), (100 * waits, 100), "{text}");
        assert_eq!(causes.total(), 100 * (waits + 1), "{text}");
    }
}

#[test]
fn unknown_instructions_are_counted_and_named() {
    let mut simulator = simulator();
    // udf #0; sdot v0.4s, v1.16b, v2.16b; nop
    let block = Block::new(&simulator.chip().core, CODE, &[0, 0x4e82_9420, 0xd503_201f, 0xd503_201f]);
    for _ in 0..10 {
        simulator.execute(&block, &[], block.end());
    }
    let counters = simulator.counters();
    assert_eq!((counters.instructions, counters.unknown()), (40, 20));
    assert_eq!(counters.unknown_words.into_iter().collect::<Vec<_>>(), [(0, 10)]);
    assert_eq!(counters.extensions.into_iter().collect::<Vec<_>>(), [(Feature::DotProd, 10)]);
    assert_eq!(simulator.counters().of(Kind::Nop), 20);
    assert_accounted(&simulator);
}

/// Words of a random choice from the list, in blocks, with addresses at random; cycles, causes, counters.
fn random_run(seed: u64, rounds: usize) -> simulator::Simulator {
    let mut state = seed | 1;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut simulator = simulator();
    let words: Vec<u32> = common::words().values().copied().collect();
    for _ in 0..rounds {
        let length = 1 + random() as usize % 20;
        let chosen: Vec<u32> = (0..length).map(|_| words[random() as usize % words.len()]).collect();
        let block = Block::new(&simulator.chip().core, CODE + random() % 100_000 * 4, &chosen);
        let accesses: Vec<MemoryAccess> = (0..length)
            .filter(|k| block.touches_memory(*k))
            .map(|k| MemoryAccess { instruction: k as u32, bytes: 16, address: DATA + random() % 2_000_000 })
            .collect();
        for _ in 0..3 {
            simulator.execute(&block, &accesses, if random() % 2 == 0 { block.end() } else { block.address() });
        }
    }
    simulator
}

#[test]
fn every_cycle_has_a_cause_and_two_runs_are_the_same() {
    for seed in [3, 1 << 40, u64::MAX] {
        let (one, two) = (random_run(seed, 500), random_run(seed, 500));
        assert_accounted(&one);
        assert_eq!(one.cycles(), two.cycles());
        assert_eq!(one.causes(), two.causes());
        assert_eq!(one.counters(), two.counters());
        assert!(one.counters().instructions > 10_000);
    }
}
