//! Data processing on general registers.

use super::builder::Builder;
use crate::instruction::{Feature, Kind, Role};

/// "Data Processing -- Immediate".
pub(super) fn immediate(b: &mut Builder) {
    let (rd, rn) = (b.rd(), b.rn());
    let opc = b.bits(30, 29);
    match b.bits(25, 23) {
        // adr, adrp
        0b000 | 0b001 => {
            b.kind(Kind::Move).write_x(rd);
        }
        // add, sub
        0b010 => {
            b.kind(Kind::Alu).read_x_or_sp(rn, Role::Plain);
            if b.bit(29) {
                b.write_x(rd).write_flags()
            } else {
                b.write_x_or_sp(rd)
            };
        }
        0b011 => b.extension(Feature::Mte),
        // and, orr, eor, ands
        0b100 => {
            b.kind(Kind::Alu).read_x(rn, Role::Plain);
            if opc == 0b11 {
                b.write_x(rd).write_flags()
            } else {
                b.write_x_or_sp(rd)
            };
        }
        // movn, movz, movk
        0b101 if opc != 0b01 => {
            b.kind(Kind::Move);
            if opc == 0b11 {
                b.read_x(rd, Role::Merged);
            }
            b.write_x(rd);
        }
        // sbfm, bfm, ubfm
        0b110 if opc != 0b11 => {
            b.kind(Kind::AluShifted).read_x(rn, Role::Shifted);
            if opc == 0b01 {
                b.read_x(rd, Role::Merged);
            }
            b.write_x(rd);
        }
        // extr
        0b111 if opc == 0 => {
            let rm = b.rm();
            b.kind(Kind::Extract).read_x(rn, Role::Shifted).read_x(rm, Role::Shifted).write_x(rd);
        }
        _ => {}
    }
}

/// "Data Processing -- Register".
pub(super) fn register(b: &mut Builder) {
    match (b.bit(28), b.bit(24)) {
        (false, false) => logical(b),
        (false, true) if b.bit(21) => add_extended(b),
        (false, true) => add_shifted(b),
        (true, true) => three_sources(b),
        (true, false) => match b.bits(23, 21) {
            0b000 => with_carry(b),
            0b010 => conditional_compare(b),
            0b100 => conditional_select(b),
            0b110 if b.bit(30) => one_source(b),
            0b110 => two_sources(b),
            _ => {}
        },
    }
}

/// Kind and role of the second operand, by the shift.
fn shifted(shift: u32) -> (Kind, Role) {
    if shift == 0 { (Kind::Alu, Role::Plain) } else { (Kind::AluShifted, Role::Shifted) }
}

fn logical(b: &mut Builder) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    let (kind, role) = shifted(b.bits(15, 10));
    b.kind(kind).read_x(rn, Role::Plain).read_x(rm, role).write_x(rd);
    if b.bits(30, 29) == 0b11 {
        b.write_flags();
    }
}

fn add_shifted(b: &mut Builder) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    let (kind, role) = shifted(b.bits(15, 10));
    if b.bits(23, 22) == 0b11 {
        return;
    }
    b.kind(kind).read_x(rn, Role::Plain).read_x(rm, role).write_x(rd);
    if b.bit(29) {
        b.write_flags();
    }
}

fn add_extended(b: &mut Builder) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    if b.bits(23, 22) != 0 || b.bits(12, 10) > 4 {
        return;
    }
    // An X register, not shifted, is taken as it is.
    let whole = b.bits(14, 13) == 0b11 && b.bits(12, 10) == 0;
    let (kind, role) = shifted(u32::from(!whole));
    b.kind(kind).read_x_or_sp(rn, Role::Plain).read_x(rm, role);
    if b.bit(29) {
        b.write_x(rd).write_flags()
    } else {
        b.write_x_or_sp(rd)
    };
}

fn three_sources(b: &mut Builder) {
    let (rd, rn, rm, ra) = (b.rd(), b.rn(), b.rm(), b.ra());
    let wide = b.bit(31);
    // op31 of madd/msub, smaddl/smsubl, smulh, umaddl/umsubl, umulh
    let known = match (b.bits(30, 29), b.bits(23, 21)) {
        (0, 0b000) => true,
        (0, 0b001 | 0b101) => wide,
        (0, 0b010 | 0b110) => wide && !b.bit(15),
        _ => false,
    };
    if !known {
        return;
    }
    b.kind(Kind::Multiply).read_x(rn, Role::Plain).read_x(rm, Role::Plain);
    // The high half of a product has no addend: the field is all ones.
    if !matches!(b.bits(23, 21), 0b010 | 0b110) {
        b.read_x(ra, Role::Addend);
    }
    b.write_x(rd);
}

fn with_carry(b: &mut Builder) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    match b.bits(15, 10) {
        0 => {
            b.kind(Kind::Alu).read_x(rn, Role::Plain).read_x(rm, Role::Plain).read_flags().write_x(rd);
            if b.bit(29) {
                b.write_flags();
            }
        }
        _ => b.extension(Feature::FlagM),
    }
}

fn conditional_compare(b: &mut Builder) {
    let (rn, rm) = (b.rn(), b.rm());
    if !b.bit(29) || b.bit(10) || b.bit(4) {
        return;
    }
    b.kind(Kind::Alu).read_x(rn, Role::Plain);
    if !b.bit(11) {
        b.read_x(rm, Role::Plain);
    }
    b.read_flags().write_flags();
}

fn conditional_select(b: &mut Builder) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    if b.bit(29) || b.bit(11) {
        return;
    }
    b.kind(Kind::Alu).read_x(rn, Role::Plain).read_x(rm, Role::Plain).read_flags().write_x(rd);
}

fn two_sources(b: &mut Builder) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    if b.bit(29) {
        return b.extension(Feature::Mte);
    }
    let (kind, role) = match b.bits(15, 10) {
        0b000010 | 0b000011 => (Kind::Divide, Role::Plain),
        0b001000..=0b001011 => (Kind::ShiftByRegister, Role::Shifted),
        // crc32
        0b010000..=0b010111 => (Kind::AluShifted, Role::Shifted),
        0b001100 => return b.extension(Feature::PAuth),
        0b000000 | 0b000100 | 0b000101 => return b.extension(Feature::Mte),
        _ => return,
    };
    b.kind(kind).read_x(rn, role).read_x(rm, role).write_x(rd);
}

fn one_source(b: &mut Builder) {
    let (rd, rn) = (b.rd(), b.rn());
    match (b.bit(29), b.rm(), b.bits(15, 10)) {
        // rbit, rev16, rev32, rev, clz, cls
        (false, 0, 0..=5) => {
            b.kind(Kind::Alu).read_x(rn, Role::Plain).write_x(rd);
        }
        (false, 1, _) => b.extension(Feature::PAuth),
        _ => {}
    }
}
