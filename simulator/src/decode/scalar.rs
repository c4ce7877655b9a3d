//! Floating point on single numbers.

use super::builder::Builder;
use crate::instruction::{Feature, Kind, Role};

/// The type field of half precision.
const HALF: u32 = 0b11;
/// The type field of double precision.
const DOUBLE: u32 = 0b01;

/// "Scalar floating-point": conversions, comparison, arithmetic.
pub(super) fn scalar(b: &mut Builder) {
    let precision = b.bits(23, 22);
    if b.bit(29) {
        return;
    }
    if b.bit(24) {
        return match (b.bit(31), precision) {
            (true, _) | (_, 0b10) => {}
            (_, HALF) => b.extension(Feature::Fp16),
            _ => multiply_add(b),
        };
    }
    if !b.bit(21) {
        return fixed_point(b, precision);
    }
    match b.bits(11, 10) {
        0b00 if b.bits(15, 10) == 0 => with_general(b, precision),
        _ if b.bit(31) || precision == 0b10 => {}
        // Only conversions between precisions are of the base architecture.
        0b00 if b.bits(14, 10) == 0b10000 => one_source(b, precision),
        _ if precision == HALF => b.extension(Feature::Fp16),
        0b00 if b.bits(13, 10) == 0b1000 => compare(b),
        0b00 if b.bits(12, 10) == 0b100 => {
            let rd = b.rd();
            b.kind(Kind::FpConstant).write_v(rd);
        }
        0b01 => {
            let (rn, rm) = (b.rn(), b.rm());
            b.kind(Kind::FpCompare).read_v(rn, Role::Plain).read_v(rm, Role::Plain).read_flags().write_flags();
        }
        0b10 => two_sources(b, precision),
        0b11 => {
            let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
            b.kind(Kind::FpAlu).read_v(rn, Role::Plain).read_v(rm, Role::Plain).read_flags().write_v(rd);
        }
        _ => {}
    }
}

/// Division takes longer for doubles.
pub(super) fn divide(double: bool) -> Kind {
    if double { Kind::FpDivideDouble } else { Kind::FpDivideSingle }
}

/// fmadd, fmsub, fnmadd, fnmsub
fn multiply_add(b: &mut Builder) {
    let (rd, rn, rm, ra) = (b.rd(), b.rn(), b.rm(), b.ra());
    b.kind(Kind::FpMultiplyAdd).read_v(rn, Role::Plain).read_v(rm, Role::Plain).read_v(ra, Role::Addend).write_v(rd);
}

/// "Conversion between floating-point and fixed-point".
fn fixed_point(b: &mut Builder, precision: u32) {
    if precision == HALF {
        return b.extension(Feature::Fp16);
    }
    if precision == 0b10 {
        return;
    }
    match (b.bits(20, 19), b.bits(18, 16)) {
        (0b00, 0b010 | 0b011) => from_general(b, Kind::ConvertFromGeneral),
        (0b11, 0b000 | 0b001) => to_general(b, Kind::ConvertToGeneral),
        _ => {}
    }
}

fn from_general(b: &mut Builder, kind: Kind) {
    let (rd, rn) = (b.rd(), b.rn());
    b.kind(kind).read_x(rn, Role::Plain).write_v(rd);
}

fn to_general(b: &mut Builder, kind: Kind) {
    let (rd, rn) = (b.rd(), b.rn());
    b.kind(kind).read_v(rn, Role::Plain).write_x(rd);
}

/// "Conversion between floating-point and integer".
fn with_general(b: &mut Builder, precision: u32) {
    let (rd, rn) = (b.rd(), b.rn());
    match (precision, b.bits(20, 19), b.bits(18, 16)) {
        // The upper half of a vector register: the lower stays.
        (0b10, 0b01, 0b111) if b.bit(31) => {
            b.kind(Kind::Insert).read_x(rn, Role::Plain).read_v(rd, Role::OtherHalf).write_v(rd);
        }
        (0b10, 0b01, 0b110) if b.bit(31) => to_general(b, Kind::ToGeneral),
        (0b10, ..) => {}
        (HALF, ..) => b.extension(Feature::Fp16),
        (DOUBLE, 0b11, 0b110) => b.extension(Feature::JsCvt),
        (_, 0b00, 0b010 | 0b011) => from_general(b, Kind::ConvertFromGeneral),
        (_, 0b00, 0b111) if b.bit(31) == (precision == DOUBLE) => from_general(b, Kind::FromGeneral),
        (_, 0b00, 0b110) if b.bit(31) == (precision == DOUBLE) => to_general(b, Kind::ToGeneral),
        (_, _, 0b000 | 0b001) | (_, 0b00, 0b100 | 0b101) => to_general(b, Kind::ConvertToGeneral),
        _ => {}
    }
}

/// "Floating-point data-processing (1 source)".
fn one_source(b: &mut Builder, precision: u32) {
    let (rd, rn) = (b.rd(), b.rn());
    let kind = match b.bits(20, 15) {
        // fcvt
        0b000100 | 0b000101 | 0b000111 => Kind::FpAlu,
        _ if precision == HALF => return b.extension(Feature::Fp16),
        0b000011 => divide(precision == DOUBLE),
        // fmov, fabs, fneg, frint
        0b000000..=0b000010 | 0b001000..=0b001100 | 0b001110 | 0b001111 => Kind::FpAlu,
        0b010000..=0b010011 => return b.extension(Feature::FrintTs),
        _ => return,
    };
    b.kind(kind).read_v(rn, Role::Plain).write_v(rd);
}

fn compare(b: &mut Builder) {
    let (rn, rm) = (b.rn(), b.rm());
    if b.bits(15, 14) != 0 || b.bits(2, 0) != 0 {
        return;
    }
    b.kind(Kind::FpCompare).read_v(rn, Role::Plain);
    if !b.bit(3) {
        b.read_v(rm, Role::Plain);
    }
    b.write_flags();
}

/// "Floating-point data-processing (2 source)".
fn two_sources(b: &mut Builder, precision: u32) {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    let kind = match b.bits(15, 12) {
        0b0000 | 0b1000 => Kind::FpMultiply,
        0b0001 => divide(precision == DOUBLE),
        0b0010..=0b0111 => Kind::FpAlu,
        _ => return,
    };
    b.kind(kind).read_v(rn, Role::Plain).read_v(rm, Role::Plain).write_v(rd);
}
