//! Branches, exceptions and system instructions.

use super::builder::Builder;
use crate::instruction::{Access, Feature, Flow, Kind, Offset, Role, Update};
use crate::register::Register;

/// Bytes that `dc zva` clears on the cores in question (DCZID_EL0.BS of a Cortex-A53: sixteen words).
const ZERO_LINE_BYTES: u16 = 64;

/// "Branches, Exception Generating and System instructions".
pub(super) fn branch_or_system(b: &mut Builder) {
    let word = b.word();
    let (rt, rn) = (b.rd(), b.rn());
    if word & 0x7c00_0000 == 0x1400_0000 {
        // b, bl
        b.kind(Kind::Branch);
        if b.bit(31) {
            b.flow(Flow::Call).write(Register::LINK)
        } else {
            b.flow(Flow::Always)
        };
    } else if word & 0xff00_0010 == 0x5400_0000 {
        // b.cond; "always" is a condition too
        b.kind(Kind::Branch).flow(Flow::Conditional).read_flags();
    } else if word & 0xff00_0010 == 0x5400_0010 {
        // bc.cond
        b.extension(Feature::Hbc);
    } else if word & 0x7c00_0000 == 0x3400_0000 {
        // cbz, cbnz, tbz, tbnz
        b.kind(Kind::Branch).flow(Flow::Conditional).read_x(rt, Role::Plain);
    } else if word & 0xfe00_0000 == 0xd600_0000 {
        to_register(b, rn);
    } else if word & 0xff00_0000 == 0xd400_0000 {
        // svc, brk and similar
        b.kind(Kind::System);
    } else if word & 0xffc0_0000 == 0xd500_0000 {
        system(b, rt);
    }
}

/// "Unconditional branch (register)".
fn to_register(b: &mut Builder, rn: u32) {
    if b.rm() != 0b11111 {
        return;
    }
    if b.bits(15, 10) != 0 {
        return b.extension(Feature::PAuth);
    }
    if b.bits(4, 0) != 0 {
        return;
    }
    match b.bits(24, 21) {
        0b0000 => b.kind(Kind::BranchToRegister).flow(Flow::Always).read_x(rn, Role::Plain),
        0b0001 => b.kind(Kind::BranchToRegister).flow(Flow::Call).read_x(rn, Role::Plain).write(Register::LINK),
        0b0010 => b.kind(Kind::BranchToRegister).flow(Flow::Return).read_x(rn, Role::Plain),
        // eret, drps
        0b0100 | 0b0101 => b.kind(Kind::System),
        _ => return,
    };
}

/// Hints, barriers, system registers.
fn system(b: &mut Builder, rt: u32) {
    let word = b.word();
    // The system register, as op0 op1 CRn CRm op2.
    let nzcv = word & 0x000f_ffe0 == 0x000b_4200;
    if word & 0xffff_f01f == 0xd503_201f {
        b.kind(Kind::Nop);
    } else if word & 0xffff_f01f == 0xd503_301f {
        b.kind(Kind::Barrier);
    } else if word & 0xfff8_f01f == 0xd500_401f {
        match b.bits(18, 16) == 0 && b.bits(7, 5) <= 2 {
            // cfinv, xaflag, axflag
            true => b.extension(Feature::FlagM),
            false => {
                b.kind(Kind::System);
            }
        }
    } else if word & 0xffff_ffe0 == 0xd50b_7420 {
        let access = Access {
            base: Register::general(rt),
            offset: Offset::Bytes(0),
            update: Update::None,
            bytes: ZERO_LINE_BYTES,
            registers: 0,
            interleaved: false,
        };
        b.kind(Kind::ZeroLine).access(access).read_x(rt, Role::Address);
    } else if word & 0xfff8_0000 == 0xd508_0000 {
        b.kind(Kind::System).read_x(rt, Role::Plain);
    } else if word & 0xfff8_0000 == 0xd528_0000 {
        b.kind(Kind::System).write_x(rt);
    } else if word & 0xfff0_0000 == 0xd510_0000 {
        b.kind(Kind::System).read_x(rt, Role::Plain);
        if nzcv {
            b.write_flags();
        }
    } else if word & 0xfff0_0000 == 0xd530_0000 {
        b.kind(Kind::System);
        if nzcv {
            b.read_flags();
        }
        b.write_x(rt);
    }
}
