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

/// Where Capstone is wrong: beginnings of texts as it writes them, in what way, and what the Arm Architecture Reference Manual says
/// instead: a section's number, and of its text the line that decides, word for word.
///
/// The manual is DDI 0487, issue M.a.a, read in a conversion of its PDF to text. The conversion lacks the operation of FMOV
/// (scalar, immediate), C7.2.158, and has a part of TBL's line, C7.2.397, at another place: both lines are as Arm's XML of the A64
/// instructions has them. It also moved the source of AESMC and SADDLP, `V[n, …]`, and the line's end of AUTIA1716, AUTIB1716 and
/// XPACLRI: of those only what stands together is quoted.
const EXCEPTIONS: &[(&[&str], Wrong, &str)] = &[
    (
        &["st1 ", "st2 ", "st3 ", "st4 "],
        Wrong::Store,
        "C7.2.365, C7.2.367, C7.2.369, C7.2.371: \"Mem[eaddr, ebytes, accdesc] = Elem[rval, e, esize];\"; of a single structure, \
         C7.2.366, C7.2.368, C7.2.370, C7.2.372: \"Mem[eaddr, ebytes, accdesc] = Elem[rval, index, esize];\". What assigns V[] \
         there is \"load and replicate\", which a store never is",
    ),
    (
        &["ld1r ", "ld2r ", "ld3r ", "ld4r "],
        Wrong::Load,
        "C7.2.206, C7.2.209, C7.2.212, C7.2.215: \"V[t, datasize] = Replicate(element, datasize DIV esize);\"",
    ),
    (
        &["ld1 ", "ld2 ", "ld3 ", "ld4 "],
        Wrong::Load,
        "C7.2.204, C7.2.207, C7.2.210, C7.2.213: \"Elem[rval, e, esize] = Mem[eaddr, ebytes, accdesc]; V[tt, datasize] = rval;\" \
         \"for e = 0 to elements-1\": although \"rval = V[tt, datasize];\" goes before, no element of it stays. Of a single \
         structure, C7.2.205, C7.2.208, C7.2.211, C7.2.214: \"Elem[rval, index, esize] = Mem[eaddr, ebytes, accdesc]; \
         V[t, 128] = rval;\" after \"rval = V[t, 128];\": the other lanes stay",
    ),
    (
        &["aesmc ", "aesimc "],
        Wrong::DestinationIsNotRead,
        "C7.2.10: \"V[d, 128] = AESMixColumns(operand);\"; C7.2.9: \"constant bits(128) operand = V[n, 128]; \
         V[d, 128] = AESInvMixColumns(operand);\"; AESE, C7.2.8, has instead \"constant bits(128) operand1 = V[d, 128];\"",
    ),
    (
        &["fmov v3.2s, #", "fmov v3.4s, #", "fmov v3.2d, #", "fmov s3, #", "fmov d3, #", "mvni "],
        Wrong::DestinationIsNotRead,
        "C7.2.155: \"V[rd, datasize] = imm;\"; C7.2.158: \"V[d, datasize] = imm;\"; C7.2.251: \"V[rd, datasize] = NOT(imm);\"",
    ),
    (
        &["sabd ", "uabd ", "sabdl ", "sabdl2 "],
        Wrong::DestinationIsNotRead,
        "C7.2.269, C7.2.403: \"bits(datasize) result = Zeros(datasize);\"; C7.2.270, C7.2.404: \
         \"bits(2*datasize) result = Zeros(2*datasize);\"",
    ),
    (
        &["saddlp "],
        Wrong::DestinationIsNotRead,
        "C7.2.273, C7.2.407: \"Elem[result, e, 2*esize] = sum; V[d, datasize] = result;\", and sum is of the source alone",
    ),
    (
        &["sshr ", "ushr ", "urshr "],
        Wrong::DestinationIsNotRead,
        "C7.2.361, C7.2.451, C7.2.444: \"Elem[result, e, esize] = element<esize-1:0>; V[d, datasize] = result;\"",
    ),
    (&["tbl "], Wrong::DestinationIsNotRead, "C7.2.397: \"result = if is_tbl then Zeros(datasize) else V[d, datasize];\""),
    (
        &["mov b3, ", "mov h3, "],
        Wrong::DestinationIsWritten,
        "MOV (scalar), C7.2.242, is DUP (element), C7.2.40: \"V[d, datasize] = result;\"; SMOV, C7.2.323: \
         \"X[d, datasize] = SignExtend(Elem[operand, index, esize], datasize);\"; UMOV, C7.2.430: \
         \"X[d, datasize] = ZeroExtend(Elem[operand, index, esize], datasize);\"",
    ),
    (
        &["asr ", "lsl ", "lsr ", "sbfiz ", "sbfx ", "ubfiz ", "ubfx ", "sxtb ", "sxtw ", "uxth ", "ror "],
        Wrong::DestinationIsNotRead,
        "aliases of SBFM, C6.2.354: \"X[d, datasize] = (top AND NOT(tmask)) OR (bot AND tmask);\", and UBFM, C6.2.486: \
         \"X[d, datasize] = bot AND tmask;\". ROR (immediate), C6.2.346, is EXTR, C6.2.160: \
         \"result = concat<(lsb+datasize)-1:lsb>; X[d, datasize] = result;\". By a register they are ASRV, LSLV, LSRV and \
         RORV, C6.2.21, C6.2.270, C6.2.273, C6.2.348: \
         \"X[d, datasize] = ShiftReg(n, shift_type, UInt(operand2) MOD datasize, datasize);\"",
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
        "C7.2.3, C7.2.259, C7.2.266, C7.2.393, C7.2.87, C7.2.265, C7.2.300, C7.2.344, C7.2.345, C7.2.349, C7.2.350, C7.2.435, \
         C7.2.438, C7.2.352, C7.2.353, C7.2.440, C7.2.461: \"Vpart[d, part, datasize] = result;\"; FCVTXN2, C7.2.102: \
         \"Vpart[d, part, datasize] = Elem[result, 0, datasize];\"; and Vpart, J1.3.3.389, of part 1: \
         \"constant bits(64) vreg = V[n, 64]; V[n, 128] = value<63:0> : vreg;\"",
    ),
    (
        &["fmov v3.d[1], "],
        Wrong::DestinationIsRead,
        "C7.2.157: \"Vpart[d, part, fltsize] = intval<fltsize-1:0>;\", of part 1 as above",
    ),
    (
        &["orr v3.", "bic v3."],
        Wrong::DestinationIsRead,
        "of an immediate, C7.2.255: \"constant bits(datasize) operand = V[rd, datasize]; V[rd, datasize] = operand OR imm;\"; \
         C7.2.21: \"constant bits(datasize) operand = V[rd, datasize]; V[rd, datasize] = operand AND NOT(imm);\"",
    ),
    (
        &["srsra "],
        Wrong::DestinationIsRead,
        "C7.2.358: \"constant bits(datasize) operand2 = V[d, datasize];\" and \
         \"Elem[result, e, esize] = Elem[operand2, e, esize] + element<esize-1:0>;\"",
    ),
    (
        &["cmp ", "cmn ", "tst "],
        Wrong::Comparison,
        "aliases of SUBS, C6.2.462 to C6.2.464, ADDS, C6.2.9 to C6.2.11, and ANDS, C6.2.16, C6.2.17, where \"Rd == '11111'\": \
         \"X[d, datasize] = result;\" is of the zero register then, and operand1 of Rn alone: \
         \"constant bits(datasize) operand1 = X[n, datasize];\" or \"if n == 31 then SP[datasize] else X[n, datasize];\"",
    ),
    (&["adds w3, w4, #"], Wrong::DestinationIsWritten, "ADDS (immediate), C6.2.10: \"X[d, datasize] = result;\""),
    (
        &["cbz ", "cbnz "],
        Wrong::FlagsAreNotRead,
        "C6.2.78: \"constant bits(datasize) operand1 = X[t, datasize]; if IsZero(operand1) then\"; \
         C6.2.77: \"if !IsZero(operand1) then\"",
    ),
    (&["mrs x3, nzcv"], Wrong::FlagsAreRead, "C5.2.11: \"X[t, 64] = Zeros(32):PSTATE.<N,Z,C,V>:Zeros(28);\""),
    (&["msr nzcv, "], Wrong::FlagsAreWritten, "C5.2.11: \"PSTATE.<N,Z,C,V> = X[t, 64]<31:28>;\""),
    (&["ret"], Wrong::LinkIsRead, "C6.2.337: \"bits(64) target = X[n, 64];\", and the register \"Defaults to X30 if absent.\""),
    (
        &["paciasp", "hint #0x19", "svc "],
        Wrong::Nothing,
        "PACIASP, C6.2.305: \"if !IsFeatureImplemented(FEAT_PAuth) then EndOfDecode(Decode_NOP);\"; AUTIA1716, C6.2.25, AUTIB1716, \
         C6.2.29, XPACLRI, C6.2.506: \"EndOfDecode(Decode_NOP);\". SVC, C6.2.465: \"AArch64.CallSupervisor(imm);\", whose \
         exception, J1.1.2.35, keeps \"ELR_ELx[] = preferred_exception_return;\" and no X30",
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
