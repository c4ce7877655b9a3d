//! The decoder agrees with Capstone on the registers that instructions read and write.

#![allow(clippy::unwrap_used)]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::{env, fs};

use capstone::arch::arm64::{ArchMode, Arm64CC, Arm64OperandType};
use capstone::prelude::*;
use simulator::{Kind, decode};

/// Registers read and written.
type Registers = (BTreeSet<String>, BTreeSet<String>);

fn capstone() -> Capstone {
    Capstone::new().arm64().mode(ArchMode::Arm).detail(true).build().unwrap()
}

/// The first word of an instruction's text.
fn mnemonic(text: &str) -> String {
    text.split(' ').next().unwrap().to_owned()
}

/// What Capstone says of a word: mnemonic and operands, and its registers; `None` where it knows no such instruction.
fn theirs(capstone: &Capstone, word: u32) -> Option<(String, Registers)> {
    let instructions = capstone.disasm_count(&word.to_le_bytes(), 0x1000, 1).ok()?;
    let instruction = instructions.first()?;
    let text = format!("{} {}", instruction.mnemonic()?, instruction.op_str()?);
    let detail = capstone.insn_detail(instruction).unwrap();
    let arch = detail.arch_detail();
    let arm = arch.arm64()?;
    let name = |register: RegId| named(&capstone.reg_name(register).unwrap_or_default());
    let mut read: BTreeSet<String> = detail.regs_read().iter().filter_map(|register| name(*register)).collect();
    let mut written: BTreeSet<String> = detail.regs_write().iter().filter_map(|register| name(*register)).collect();
    for operand in arm.operands() {
        match operand.op_type {
            Arm64OperandType::Reg(register) => {
                read.extend(name(register).filter(|_| operand.access.is_none_or(|access| access.is_readable())));
                written.extend(name(register).filter(|_| operand.access.is_some_and(|access| access.is_writable())));
            }
            Arm64OperandType::Mem(memory) => {
                read.extend(name(memory.base()));
                read.extend(name(memory.index()));
                written.extend(name(memory.base()).filter(|_| arm.writeback()));
            }
            _ => {}
        }
    }
    if arm.update_flags() {
        written.insert("nzcv".to_owned());
    }
    if !matches!(arm.cc(), Arm64CC::ARM64_CC_INVALID | Arm64CC::ARM64_CC_AL | Arm64CC::ARM64_CC_NV) {
        read.insert("nzcv".to_owned());
    }
    Some((text, (read, written)))
}

/// Our name of a register that Capstone calls so; `None` for the zero registers and none at all.
fn named(theirs: &str) -> Option<String> {
    match theirs {
        "" | "xzr" | "wzr" => None,
        "sp" | "wsp" => Some("sp".to_owned()),
        "nzcv" => Some("nzcv".to_owned()),
        "lr" => Some("x30".to_owned()),
        "fp" => Some("x29".to_owned()),
        _ => {
            let number = &theirs[1..];
            let file = if matches!(theirs.as_bytes()[0], b'x' | b'w') { 'x' } else { 'v' };
            Some(format!("{file}{number}"))
        }
    }
}

fn ours(word: u32) -> Registers {
    let instruction = decode(word);
    (
        instruction.reads.iter().map(|read| read.register.to_string()).collect(),
        instruction.writes.iter().map(ToString::to_string).collect(),
    )
}

/// In what way Capstone 5 is wrong.
#[derive(Clone, Copy, Debug)]
enum Wrong {
    /// It tells a register as read that is only written.
    DestinationIsNotRead,
    /// It does not tell that the register which is written is read, too.
    DestinationIsRead,
    /// Of several registers that are loaded it tells some as read.
    Load,
    /// The same for one lane of each, where the other lanes make all of them read, too.
    LoadLane,
    /// Of several registers that are stored it tells some as written.
    Store,
    /// It tells the first operand of a comparison as written.
    Comparison,
    /// It tells a register as read instead of written.
    DestinationIsWritten,
    /// It tells flags as read.
    FlagsAreNotRead,
    /// It does not know that the system register is the flags.
    FlagsAreRead,
    /// The same.
    FlagsAreWritten,
    /// It does not tell the link register, which is meant where no other is named.
    LinkIsRead,
    /// It tells registers where there are none.
    Nothing,
}

/// Where Capstone is wrong: beginnings of texts as it writes them, in what way, and what the "Operation" of the instruction in the Arm
/// Architecture Reference Manual (DDI 0487, section C6.2 or C7.2) does. The operations are told from memory, and not yet held against the
/// manual's text.
const EXCEPTIONS: &[(&[&str], Wrong, &str)] = &[
    (
        &["st1 ", "st2 ", "st3 ", "st4 "],
        Wrong::Store,
        "LD1..ST4 share one pseudocode; \"else // memop == MemOp_STORE: Mem[address, ebytes] = Elem[rval, e, esize]\"; V[] is not assigned",
    ),
    (
        &["ld1r ", "ld2r ", "ld3r ", "ld4r "],
        Wrong::Load,
        "\"if replicate then element = Mem[…]; V[t, datasize] = Replicate(element)\"",
    ),
    (&["ld1 ", "ld2 ", "ld3 ", "ld4 "], Wrong::Load, "of the multiple structures: \"V[tt, datasize] = rval\" of every selem"),
    (
        &["aesmc ", "aesimc "],
        Wrong::DestinationIsNotRead,
        "\"operand = V[n, 128]; result = AESMixColumns(operand); V[d, 128] = result\", where AESE alone has \"operand1 = V[d, 128]\"",
    ),
    (
        &["fmov v3.2s, #", "fmov v3.4s, #", "fmov v3.2d, #", "fmov s3, #", "fmov d3, #", "mvni "],
        Wrong::DestinationIsNotRead,
        "\"when ImmediateOp_MOVI result = imm; when ImmediateOp_MVNI result = NOT(imm)\"",
    ),
    (
        &["sabd ", "uabd ", "sabdl ", "sabdl2 "],
        Wrong::DestinationIsNotRead,
        "\"result = if accumulate then V[d, datasize] else Zeros(datasize)\", and accumulate is SABA's",
    ),
    (&["saddlp "], Wrong::DestinationIsNotRead, "\"if acc then result = V[d, datasize]\", and acc is SADALP's"),
    (
        &["sshr ", "ushr ", "urshr "],
        Wrong::DestinationIsNotRead,
        "\"operand2 = if accumulate then V[d, datasize] else Zeros(datasize)\", and accumulate is SSRA's",
    ),
    (&["tbl "], Wrong::DestinationIsNotRead, "\"result = if is_tbl then Zeros(datasize) else V[d, datasize]\""),
    (&["mov b3, ", "mov h3, "], Wrong::DestinationIsWritten, "DUP (element), scalar: \"V[d, datasize] = result\" of one element"),
    (
        &["asr ", "lsl ", "lsr ", "sbfiz ", "sbfx ", "ubfiz ", "ubfx ", "sxtb ", "sxtw ", "uxth ", "ror "],
        Wrong::DestinationIsNotRead,
        "aliases of SBFM and UBFM: \"dst = if inzero then Zeros(datasize) else X[d, datasize]\", and inzero is only FALSE for BFM",
    ),
    (
        &[
            "addhn2 ",
            "raddhn2 ",
            "subhn2 ",
            "fcvtn2 ",
            "rshrn2 ",
            "shrn2 ",
            "sqrshrun2 ",
            "sqshrn2 ",
            "uqshrn2 ",
            "sqxtn2 ",
            "sqxtun2 ",
            "uqxtn2 ",
            "xtn2 ",
        ],
        Wrong::DestinationIsRead,
        "\"Vpart[d, part, 64] = result\": \"2\" writes \"the upper half of the destination register without affecting the other bits\"",
    ),
    (&["fmov v3.d[1], "], Wrong::DestinationIsRead, "\"Vpart[d, part, fltsize] = intval\" with part 1: the lower half stays"),
    (&["orr v3.", "bic v3."], Wrong::DestinationIsRead, "of an immediate: \"operand = V[rd, datasize]; result = operand OR imm\""),
    (&["srsra "], Wrong::DestinationIsRead, "\"operand2 = if accumulate then V[d, datasize]\""),
    (
        &["cmp ", "cmn ", "tst "],
        Wrong::Comparison,
        "aliases of SUBS, ADDS and ANDS with Rd = 31: \"operand1 = if n == 31 then SP[datasize] else X[n, datasize]\"",
    ),
    (&["adds w3, w4, #"], Wrong::DestinationIsWritten, "ADDS (immediate): \"X[d, datasize] = result\""),
    (&["cbz ", "cbnz "], Wrong::FlagsAreNotRead, "\"operand1 = X[t, datasize]; if IsZero(operand1) == iszero then BranchTo(…)\""),
    (&["mrs x3, nzcv"], Wrong::FlagsAreRead, "NZCV: \"X[t, 64] = Zeros(32):PSTATE.<N,Z,C,V>:Zeros(28)\""),
    (&["msr nzcv, "], Wrong::FlagsAreWritten, "NZCV: \"PSTATE.<N,Z,C,V> = X[t, 64]<31:28>\""),
    (&["ret"], Wrong::LinkIsRead, "\"defaults to X30 if absent\""),
    (
        &["paciasp", "hint #0x19", "svc "],
        Wrong::Nothing,
        "without FEAT_PAuth PACIASP is a NOP; SVC's exception link is ELR_EL1, not X30",
    ),
];

/// Siblings that are not in the list of words: Capstone is wrong about them as about the other, for the same reason.
const SIBLINGS: &[(&str, &str)] = &[
    ("uabd ", "sabd "),
    ("uabdl ", "sabdl "),
    ("uabdl2 ", "sabdl2 "),
    ("uaddlp ", "saddlp "),
    ("rsubhn2 ", "subhn2 "),
    ("fcvtxn2 ", "fcvtn2 "),
    ("sqrshrn2 ", "sqshrn2 "),
    ("sqshrun2 ", "sqshrn2 "),
    ("uqrshrn2 ", "uqshrn2 "),
    ("sxth ", "sxtb "),
    ("uxtb ", "uxth "),
    ("smov ", "mov b3, "),
    ("umov ", "mov b3, "),
    ("adds w3, wsp, #", "adds w3, w4, #"),
    ("autia1716", "paciasp"),
    ("autib1716", "paciasp"),
    ("xpaclri", "paciasp"),
];

/// The exception for an instruction, where Capstone is wrong about it.
fn exception(text: &str) -> Option<Wrong> {
    let listed = as_listed(text);
    let sibling = SIBLINGS.iter().find(|(sibling, _)| listed.starts_with(sibling));
    let text = sibling.map_or(listed.as_str(), |(_, other)| other);
    let (.., wrong, _) = EXCEPTIONS.iter().find(|(starts, ..)| starts.iter().any(|start| text.starts_with(start)))?;
    match wrong {
        // The same mnemonics with an index behind the list.
        Wrong::Load if text.contains("}[") => Some(Wrong::LoadLane),
        // The same mnemonics with three registers.
        Wrong::DestinationIsRead if text.starts_with("orr v") || text.starts_with("bic v") => {
            text.contains('#').then_some(Wrong::DestinationIsRead)
        }
        wrong => Some(*wrong),
    }
}

/// What separates names in Capstone's texts.
const SEPARATORS: [char; 8] = [' ', ',', '.', '[', ']', '{', '}', '!'];

fn is_register(name: &str) -> bool {
    let file = name.starts_with(['b', 'h', 's', 'd', 'q', 'v', 'w', 'x']);
    file && name.len() > 1 && name[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// A text with the numbers that the list's registers have: the first is 3, the second 4.
fn as_listed(text: &str) -> String {
    let mut numbers = ["3", "4"].into_iter();
    let parts = text.split_inclusive(SEPARATORS).map(|part| {
        let name = part.trim_end_matches(SEPARATORS);
        match is_register(name).then(|| numbers.next()).flatten() {
            Some(number) => format!("{}{number}{}", &name[..1], &part[name.len()..]),
            None => part.to_owned(),
        }
    });
    parts.collect()
}

/// The registers that a text names, in its order.
fn registers(text: &str) -> Vec<String> {
    text.split(SEPARATORS).filter(|name| is_register(name)).filter_map(named).collect()
}

/// What is so according to the manual.
fn corrected(wrong: Wrong, text: &str, (mut read, mut written): Registers, ours: &Registers) -> Registers {
    let vectors = |set: &BTreeSet<String>| set.iter().filter(|name| name.starts_with('v')).cloned().collect::<BTreeSet<_>>();
    let all = &vectors(&read) | &vectors(&written);
    match wrong {
        // Unless it is named as a source, too.
        Wrong::DestinationIsNotRead => {
            let names = registers(text);
            read.retain(|name| !written.contains(name) || names.iter().filter(|named| *named == name).count() > 1);
        }
        Wrong::DestinationIsRead => read = &read | &written,
        Wrong::Load => {
            read = &read - &all;
            written = &written | &all;
        }
        Wrong::LoadLane => {
            read = &read | &all;
            written = &written | &all;
        }
        Wrong::Store => {
            read = &read | &all;
            // Of the general registers only the base is written.
            written.retain(|name| text.contains(&format!("[{name}]")));
        }
        Wrong::Comparison => {
            read = &read | &written;
            read.remove("nzcv");
            written = BTreeSet::from(["nzcv".to_owned()]);
        }
        Wrong::DestinationIsWritten => {
            let names = registers(text);
            if let Some((first, others)) = names.split_first() {
                // Unless it is named as a source, too.
                if !others.contains(first) {
                    read.remove(first);
                }
                written.insert(first.clone());
            }
        }
        Wrong::FlagsAreNotRead => {
            read.remove("nzcv");
        }
        Wrong::FlagsAreRead => {
            read.insert("nzcv".to_owned());
        }
        Wrong::FlagsAreWritten => {
            written.insert("nzcv".to_owned());
        }
        Wrong::LinkIsRead if read.is_empty() => {
            read.insert("x30".to_owned());
        }
        Wrong::LinkIsRead => {}
        Wrong::Nothing => {
            assert_eq!(*ours, Registers::default());
            (read, written) = Registers::default();
        }
    }
    (read, written)
}

#[test]
fn registers_are_those_that_capstone_tells() {
    let capstone = capstone();
    let mut different = Vec::new();
    let mut used = BTreeSet::new();
    for (text, word) in common::words() {
        let ours = ours(*word);
        let (said, theirs) = theirs(&capstone, *word).unwrap_or_else(|| panic!("{word:08x} {text}: unknown to capstone"));
        let right = match exception(&said) {
            Some(wrong) => {
                if theirs != ours {
                    used.extend(EXCEPTIONS.iter().position(|(starts, ..)| starts.iter().any(|start| said.starts_with(start))));
                }
                corrected(wrong, &said, theirs, &ours)
            }
            None => theirs,
        };
        if right != ours {
            different.push(format!("{word:08x} {text} ({said})\n  ours {ours:?}\n  theirs {right:?}"));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
    // An exception that is not needed any more goes.
    let unused: Vec<_> = (0..EXCEPTIONS.len()).filter(|k| !used.contains(k)).map(|k| EXCEPTIONS[k].0).collect();
    assert!(unused.is_empty(), "{unused:?}");
}

// The words were made from their texts by another assembler.
#[test]
fn the_words_are_what_their_texts_say() {
    let capstone = capstone();
    let other_names = ["movn mov", "movz mov", "umov mov", "sxtl sshll", "uxtl2 ushll2", "hint paciasp"];
    for (text, word) in common::words() {
        let (said, _) = theirs(&capstone, *word).unwrap();
        let first = |text: &str| text.split(' ').next().unwrap().to_owned();
        let (ours, theirs) = (first(text), first(&said));
        assert!(ours == theirs || other_names.contains(&format!("{ours} {theirs}").as_str()), "{text}: {said}");
    }
}

/// Words at random, the same in every run, in all groups but those of later extensions.
fn random_words(count: usize) -> impl Iterator<Item = u32> {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let words = std::iter::from_fn(move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        Some((state >> 32) as u32)
    });
    words.take(count).filter(|word| !matches!(word >> 25 & 15, 0..=3))
}

// The list names few registers: here are all.
#[test]
fn registers_of_words_at_random_are_those_that_capstone_tells() {
    let capstone = capstone();
    let wrong: BTreeSet<String> = EXCEPTIONS.iter().flat_map(|(starts, ..)| starts.iter().map(|start| mnemonic(start))).collect();
    let mut compared = 0;
    let mut different = Vec::new();
    for word in random_words(200_000) {
        // Of some system registers Capstone's crate has no names.
        if matches!(decode(word).kind, Kind::System | Kind::Unknown | Kind::Extension) {
            continue;
        }
        let Some((said, theirs)) = theirs(&capstone, word) else { continue };
        if wrong.contains(&mnemonic(&said)) || SIBLINGS.iter().any(|(sibling, _)| mnemonic(sibling) == mnemonic(&said)) {
            continue;
        }
        compared += 1;
        let ours = ours(word);
        if theirs != ours {
            different.push(format!("{word:08x} {said}\n  ours {ours:?}\n  theirs {theirs:?}"));
        }
    }
    assert!(compared > 20_000, "{compared}");
    assert!(different.is_empty(), "{} of {compared}\n{}", different.len(), different.join("\n"));
}

/// The distinct words of a program's code: of what its ELF file has executable.
fn code(program: &[u8]) -> BTreeSet<u32> {
    let number = |at: usize, bytes: usize| {
        let mut value = [0; 8];
        value[..bytes].copy_from_slice(&program[at..at + bytes]);
        u64::from_le_bytes(value) as usize
    };
    assert!(program.starts_with(b"\x7fELF\x02\x01"), "a program of 64 bits");
    let (headers, size, count) = (number(32, 8), number(54, 2), number(56, 2));
    let loaded_and_executable = |header: &usize| number(*header, 4) == 1 && number(header + 4, 4) & 1 == 1;
    (0..count)
        .map(|k| headers + k * size)
        .filter(loaded_and_executable)
        .flat_map(|header| program[number(header + 8, 8)..][..number(header + 32, 8)].chunks_exact(4))
        .map(|word| u32::from_le_bytes(word.try_into().unwrap()))
        .collect()
}

/// Programs that hold an engine, with all that it may execute: the agents that simulated devices run.
fn agents() -> Vec<PathBuf> {
    let programs = ["aarch64-linux-gnu-mnn", "aarch64-linux-musl"];
    let places =
        files::cache_folder().into_iter().flat_map(|cache| programs.map(|name| cache.join("agents").join(name).join("profiler")));
    places.filter(|program| program.exists()).collect()
}

// Every instruction that MNN and tract may execute on a simulated device, and the C library and the agent that are linked with them.
#[test]
fn registers_of_the_engines_code_are_those_that_capstone_tells() {
    let agents = agents();
    if agents.len() < 2 {
        assert!(env::var_os("BLOCKTIME_REQUIRE_SIMULATOR").is_none(), "no agents: scripts/build-agent.sh makes them");
        eprintln!("skipped: no agents with engines; `scripts/build-agent.sh mnn` and `scripts/build-agent.sh musl` make them");
        return;
    }
    let capstone = capstone();
    let mut compared = 0;
    let mut different = BTreeMap::new();
    for word in agents.iter().flat_map(|agent| code(&fs::read(agent).unwrap())).collect::<BTreeSet<_>>() {
        // Of some system registers Capstone's crate has no names.
        if matches!(decode(word).kind, Kind::System | Kind::Unknown | Kind::Extension) {
            continue;
        }
        let Some((said, theirs)) = theirs(&capstone, word) else { continue };
        let ours = ours(word);
        let right = exception(&said).map_or_else(|| theirs.clone(), |wrong| corrected(wrong, &said, theirs.clone(), &ours));
        compared += 1;
        if right != ours {
            different.entry(mnemonic(&said)).or_insert_with(|| format!("{word:08x} {said}\n  ours {ours:?}\n  theirs {right:?}"));
        }
    }
    assert!(compared > 100_000, "{compared}");
    let different: Vec<_> = different.into_values().collect();
    assert!(different.is_empty(), "{} kinds\n{}", different.len(), different.join("\n"));
}

// What Capstone knows, the decoder does, too, if only by the name of an extension.
#[test]
fn both_know_the_same_instructions() {
    let capstone = capstone();
    let mut known = 0;
    let mut missed = Vec::new();
    for word in random_words(60_000) {
        let ours = decode(word);
        // Without details: of some system registers there are none.
        let instructions = capstone.disasm_count(&word.to_le_bytes(), 0x1000, 1).unwrap();
        if let Some(said) = instructions.first() {
            known += 1;
            // System registers of number 0 are none.
            if ours.kind == Kind::Unknown && !said.op_str().unwrap().contains("s0_") {
                missed.push(format!("{word:08x} {said}"));
            }
        }
    }
    assert!(known > 10_000, "{known}");
    assert!(missed.is_empty(), "{}", missed.join("\n"));
}
