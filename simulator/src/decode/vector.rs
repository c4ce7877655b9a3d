//! Advanced SIMD: vectors, and single numbers in vector registers.

use super::builder::Builder;
use super::scalar::divide;
use crate::instruction::{Feature, Kind, Role};

/// "Data Processing -- Scalar Floating-Point and Advanced SIMD", without the scalar floating-point part.
pub(super) fn vector(b: &mut Builder) {
    // Scalars have the bit that says 128 bits set for another purpose.
    let scalar = b.bit(28);
    let wide = b.bit(30) && !scalar;
    b.wide(wide);
    match (b.bit(24), b.bit(21), b.bits(11, 10)) {
        (true, _, 0b00 | 0b10) => by_element(b, scalar, wide),
        (true, _, _) if b.bit(23) => {}
        (true, _, _) if b.bits(22, 19) != 0 => shift_by_immediate(b, scalar, wide),
        (true, _, _) if !scalar => modified_immediate(b, wide),
        (true, _, _) => {}
        (false, true, 0b01 | 0b11) => three_same(b),
        (false, true, 0b00) => three_different(b, scalar, wide),
        (false, true, _) => two_registers(b, scalar, wide),
        (false, false, 0b01 | 0b11) => match (b.bit(15), b.bits(23, 22)) {
            (true, _) => three_same_extra(b),
            (false, 0b00) => copy(b, scalar),
            (false, _) if !b.bit(14) && b.bit(22) => b.extension(Feature::Fp16),
            _ => {}
        },
        (false, false, low) => tables_and_permutations(b, scalar, low),
    }
}

/// Reads the sources Rn and Rm as they come, and writes Rd.
fn from_two(b: &mut Builder, kind: Kind) -> &mut Builder {
    let (rd, rn, rm) = (b.rd(), b.rn(), b.rm());
    b.kind(kind).read_v(rn, Role::Plain).read_v(rm, Role::Plain).write_v(rd)
}

/// Reads the source Rn, and writes Rd.
fn from_one(b: &mut Builder, kind: Kind) -> &mut Builder {
    let (rd, rn) = (b.rd(), b.rn());
    b.kind(kind).read_v(rn, Role::Plain).write_v(rd)
}

/// Reads what Rd held, too.
fn and_destination(b: &mut Builder, role: Role) {
    let rd = b.rd();
    b.read_v(rd, role);
}

/// "Advanced SIMD three same" and its scalar form.
fn three_same(b: &mut Builder) {
    let (u, size, opcode) = (b.bit(29), b.bits(23, 22), b.bits(15, 11));
    let double = b.bit(22);
    match (opcode, u) {
        // and, bic, orr, orn, eor, bsl, bit, bif
        (0b00011, _) => {
            from_two(b, Kind::VectorInteger);
            if u && size != 0 {
                and_destination(b, Role::Merged);
            }
        }
        (0b00000 | 0b00010 | 0b00100 | 0b10000, _) => {
            from_two(b, Kind::VectorAdd);
        }
        // saba, uaba
        (0b01111, _) => {
            from_two(b, Kind::VectorInteger);
            and_destination(b, Role::Addend);
        }
        (0b00001..=0b01110 | 0b10001 | 0b10100 | 0b10101, _) | (0b10111, false) => {
            from_two(b, Kind::VectorInteger);
        }
        (0b10010, _) => {
            from_two(b, Kind::VectorMultiplyAdd);
            and_destination(b, Role::Addend);
        }
        (0b10011 | 0b10110, _) => {
            from_two(b, Kind::VectorMultiply);
        }
        (0b11001, false) => {
            from_two(b, Kind::FpMultiplyAdd);
            and_destination(b, Role::Addend);
        }
        (0b11001 | 0b11101, true) | (0b11101, false) if size & 0b01 == 0 && (opcode == 0b11001 || !u) => {
            b.extension(Feature::Fhm);
        }
        (0b11011, _) => {
            from_two(b, Kind::FpMultiply);
        }
        (0b11111, false) => {
            from_two(b, Kind::FpStep);
        }
        (0b11111, true) if size < 2 => {
            from_two(b, divide(double));
        }
        (0b11000 | 0b11010 | 0b11100 | 0b11110, _) | (0b11101, true) => {
            from_two(b, Kind::FpAlu);
        }
        _ => {}
    }
}

/// "Advanced SIMD three same extra": all of it came with extensions.
fn three_same_extra(b: &mut Builder) {
    let u = b.bit(29);
    match b.bits(14, 11) {
        0b0000 | 0b0001 if u => b.extension(Feature::Rdm),
        0b0010 => b.extension(Feature::DotProd),
        0b0011..=0b0101 => b.extension(Feature::I8mm),
        0b1101 if u => b.extension(Feature::Bf16),
        0b1111 => b.extension(Feature::Bf16),
        0b1000..=0b1110 if u => b.extension(Feature::Fcma),
        _ => {}
    }
}

/// "Advanced SIMD three different": the result is wider or narrower than the operands.
fn three_different(b: &mut Builder, scalar: bool, upper: bool) {
    let u = b.bit(29);
    let size = b.bits(23, 22);
    if scalar {
        // sha1c and similar have bit 21 clear; here are sqdmlal, sqdmlsl, sqdmull.
        if u {
            return;
        }
    } else {
        b.wide(true);
    }
    match (b.bits(15, 12), u) {
        (0b0000..=0b0011 | 0b0111, _) => {
            from_two(b, Kind::VectorInteger);
        }
        // addhn, subhn: their second forms write the upper half.
        (0b0100 | 0b0110, _) => {
            from_two(b, Kind::VectorInteger);
            if upper {
                and_destination(b, Role::OtherHalf);
            }
        }
        (0b0101, _) => {
            from_two(b, Kind::VectorInteger);
            and_destination(b, Role::Addend);
        }
        (0b1000 | 0b1010, _) | (0b1001 | 0b1011, false) => {
            from_two(b, Kind::VectorMultiplyAdd);
            and_destination(b, Role::Addend);
        }
        (0b1100, _) | (0b1101, false) => {
            from_two(b, Kind::VectorMultiply);
        }
        // pmull: of doublewords it is part of the cryptographic extension.
        (0b1110, false) if size == 0b00 => {
            from_two(b, Kind::VectorMultiply);
        }
        (0b1110, false) if size == 0b11 => {
            from_two(b, Kind::Crypto);
        }
        _ => {}
    }
}

/// What has one source: "two-register miscellaneous", "across lanes", "scalar pairwise", AES and parts of SHA.
fn two_registers(b: &mut Builder, scalar: bool, wide: bool) {
    match b.bits(20, 17) {
        0b0000 => miscellaneous(b, scalar, wide),
        0b1000 => across_lanes(b, scalar),
        0b0100 => {
            from_one(b, Kind::Crypto);
            // aese and aesd combine with what is there, sha1su1 and sha256su0 too.
            let combines = match (scalar, b.bits(16, 12)) {
                (false, 0b00100 | 0b00101) | (true, 0b00001 | 0b00010) => true,
                (false, 0b00110 | 0b00111) | (true, 0b00000) => false,
                _ => return b.unknown(),
            };
            if combines {
                and_destination(b, Role::Merged);
            }
        }
        0b1100 => b.extension(Feature::Fp16),
        _ => {}
    }
}

fn miscellaneous(b: &mut Builder, scalar: bool, upper: bool) {
    let (u, high, double) = (b.bit(29), b.bit(23), b.bit(22));
    let opcode = b.bits(16, 12);
    match (opcode, u, high) {
        // suqadd, usqadd
        (0b00011, ..) => {
            from_one(b, Kind::VectorInteger);
            and_destination(b, Role::Merged);
        }
        // sadalp, uadalp
        (0b00110, ..) => {
            from_one(b, Kind::VectorInteger);
            and_destination(b, Role::Addend);
        }
        // xtn, sqxtn, sqxtun, uqxtn; fcvtn, fcvtxn
        (0b10010 | 0b10100, ..) | (0b10110, _, false) => {
            let kind = if opcode == 0b10110 { Kind::FpAlu } else { Kind::VectorInteger };
            from_one(b, kind);
            if !scalar {
                b.wide(true);
            }
            if upper {
                and_destination(b, Role::OtherHalf);
            }
        }
        // shll, fcvtl
        (0b10011, true, _) | (0b10111, false, false) => {
            let kind = if opcode == 0b10111 { Kind::FpAlu } else { Kind::VectorInteger };
            from_one(b, kind).wide(true);
        }
        // neg
        (0b01011, true, _) => {
            from_one(b, Kind::VectorAdd);
        }
        (0b00000..=0b00010 | 0b00100 | 0b00101 | 0b00111..=0b01010 | 0b01011, ..) => {
            from_one(b, Kind::VectorInteger);
        }
        // Bfloat16 conversion: bfcvtn
        (0b10110, false, true) => b.extension(Feature::Bf16),
        (0b01100 | 0b01101, _, true) | (0b01110, false, true) | (0b01111, _, true) => {
            from_one(b, Kind::FpAlu);
        }
        (0b11110 | 0b11111, _, false) => b.extension(Feature::FrintTs),
        // fsqrt
        (0b11111, true, true) => {
            from_one(b, divide(double));
        }
        // frecpx
        (0b11111, false, true) if scalar => {
            from_one(b, Kind::FpAlu);
        }
        (0b11000..=0b11101, ..) => {
            from_one(b, Kind::FpAlu);
        }
        _ => {}
    }
}

fn across_lanes(b: &mut Builder, scalar: bool) {
    let u = b.bit(29);
    match (b.bits(16, 12), u) {
        // Pairwise: addp
        (0b11011, false) if scalar => {
            from_one(b, Kind::VectorInteger);
        }
        // Across: saddlv, smaxv, sminv, addv
        (0b00011 | 0b01010 | 0b11010, _) | (0b11011, false) if !scalar => {
            from_one(b, Kind::VectorInteger);
        }
        (0b01100 | 0b01111, true) => {
            from_one(b, Kind::FpAlu);
        }
        (0b01101, true) if scalar => {
            from_one(b, Kind::FpAlu);
        }
        (0b01100 | 0b01111, false) => b.extension(Feature::Fp16),
        (0b01101, false) if scalar => b.extension(Feature::Fp16),
        _ => {}
    }
}

/// "Advanced SIMD vector x indexed element" and its scalar form.
fn by_element(b: &mut Builder, scalar: bool, wide: bool) {
    let (u, size, opcode) = (b.bit(29), b.bits(23, 22), b.bits(15, 12));
    let (rd, rn) = (b.rd(), b.rn());
    // Halves have registers 0 to 15 only: the fifth bit is part of the lane's number.
    let rm = if size == 0b01 { b.bits(19, 16) } else { b.rm() };
    let (kind, accumulates, long) = match (opcode, u) {
        (0b0001 | 0b0101, false) if size >= 2 => (Kind::FpMultiplyAdd, true, false),
        (0b1001, _) if size >= 2 => (Kind::FpMultiply, false, false),
        (0b0001 | 0b0101, false) | (0b1001, _) if size == 0 => return b.extension(Feature::Fp16),
        (0b0000 | 0b0100, false) | (0b1000 | 0b1100, true) if size == 0b10 => return b.extension(Feature::Fhm),
        (0b1110, _) if size == 0b10 => return b.extension(Feature::DotProd),
        (0b1111, false) => return b.extension(if size & 1 == 0 { Feature::I8mm } else { Feature::Bf16 }),
        (0b1101 | 0b1111, true) => return b.extension(Feature::Rdm),
        _ if size == 0 || size == 3 => {
            return if u && opcode & 1 == 1 { b.extension(Feature::Fcma) } else { b.unknown() };
        }
        (0b0000 | 0b0100, true) => (Kind::VectorMultiplyAdd, true, false),
        (0b0010 | 0b0110, _) | (0b0011 | 0b0111, false) => (Kind::VectorMultiplyAdd, true, true),
        (0b1000 | 0b1100 | 0b1101, false) => (Kind::VectorMultiply, false, false),
        (0b1010, _) | (0b1011, false) => (Kind::VectorMultiply, false, true),
        (0b0001 | 0b0011 | 0b0101 | 0b0111, true) => return b.extension(Feature::Fcma),
        _ => return,
    };
    b.kind(kind).wide(wide || long && !scalar).read_v(rn, Role::Plain).read_v(rm, Role::Plain).write_v(rd);
    if accumulates {
        and_destination(b, Role::Addend);
    }
}

/// "Advanced SIMD shift by immediate" and its scalar form.
fn shift_by_immediate(b: &mut Builder, scalar: bool, upper: bool) {
    let (u, opcode) = (b.bit(29), b.bits(15, 11));
    match (opcode, u) {
        // ssra, usra, srsra, ursra
        (0b00010 | 0b00110, _) => {
            from_one(b, Kind::VectorInteger);
            and_destination(b, Role::Addend);
        }
        // sri, sli
        (0b01000 | 0b01010, true) => {
            from_one(b, Kind::VectorInteger);
            and_destination(b, Role::Merged);
        }
        (0b00000 | 0b00100 | 0b01110, _) | (0b01010, false) | (0b01100, true) => {
            from_one(b, Kind::VectorInteger);
        }
        // Narrowing: their second forms write the upper half.
        (0b10000..=0b10011, _) => {
            from_one(b, Kind::VectorInteger);
            if !scalar {
                b.wide(true);
            }
            if upper {
                and_destination(b, Role::OtherHalf);
            }
        }
        (0b10100, _) if !scalar => {
            from_one(b, Kind::VectorInteger).wide(true);
        }
        // Conversions; of halves where the size says so.
        (0b11100 | 0b11111, _) => match b.bits(22, 19) {
            0b0001 => {}
            0b0010 | 0b0011 => b.extension(Feature::Fp16),
            _ => {
                from_one(b, Kind::FpAlu);
            }
        },
        _ => {}
    }
}

/// "Advanced SIMD modified immediate".
fn modified_immediate(b: &mut Builder, wide: bool) {
    let rd = b.rd();
    let (cmode, op) = (b.bits(15, 12), b.bit(29));
    if b.bit(11) {
        return if cmode == 0b1111 && !op { b.extension(Feature::Fp16) } else { b.unknown() };
    }
    if cmode == 0b1111 && op && !wide {
        return;
    }
    b.kind(Kind::VectorInteger).write_v(rd);
    // orr and bic
    if cmode & 1 == 1 && cmode < 0b1100 {
        b.read_v(rd, Role::Merged);
    }
}

/// "Advanced SIMD copy" and its scalar form.
fn copy(b: &mut Builder, scalar: bool) {
    let (rd, rn) = (b.rd(), b.rn());
    // The element's size is where the lowest one is.
    let imm5 = b.rm();
    if imm5 & 0b01111 == 0 {
        return;
    }
    let doubleword = imm5 & 0b01111 == 0b01000;
    let kept = if doubleword { Role::OtherHalf } else { Role::Merged };
    match (scalar, b.bit(29), b.bits(14, 11)) {
        // dup from an element
        (_, false, 0b0000) => {
            from_one(b, Kind::VectorInteger);
        }
        (true, ..) => {}
        // dup from a general register
        (_, false, 0b0001) => {
            b.kind(Kind::ConvertFromGeneral).read_x(rn, Role::Plain).write_v(rd);
        }
        // ins from a general register
        (_, false, 0b0011) => {
            b.kind(Kind::Insert).wide(false).read_x(rn, Role::Plain).read_v(rd, kept).write_v(rd);
        }
        // smov, umov
        (_, false, 0b0101 | 0b0111) => {
            b.kind(Kind::ConvertToGeneral).wide(false).read_v(rn, Role::Plain).write_x(rd);
        }
        // ins from an element
        (_, true, _) if b.bit(30) => {
            b.kind(Kind::Insert).wide(false).read_v(rn, Role::Plain).read_v(rd, kept).write_v(rd);
        }
        _ => {}
    }
}

/// Table look-ups, permutations, `ext`; three-register SHA in the scalar form.
fn tables_and_permutations(b: &mut Builder, scalar: bool, low: u32) {
    let u = b.bit(29);
    let (rn, opcode) = (b.rn(), b.bits(14, 12));
    match (scalar, u, low) {
        (true, false, 0b00) if !b.bit(15) && b.bits(23, 22) == 0 && opcode != 0b111 => {
            from_two(b, Kind::Crypto);
            and_destination(b, Role::Merged);
        }
        (true, ..) => {}
        // tbl, tbx, of one to four registers
        (_, false, 0b00) if b.bits(23, 22) == 0 && !b.bit(15) => {
            let (rd, rm) = (b.rd(), b.rm());
            b.kind(Kind::VectorInteger).write_v(rd);
            for k in 0..=b.bits(14, 13) {
                b.read_v(rn + k, Role::Plain);
            }
            b.read_v(rm, Role::Plain);
            if b.bit(12) {
                b.read_v(rd, Role::Merged);
            }
        }
        // uzp, trn, zip
        (_, false, 0b10) if !b.bit(15) && !matches!(opcode, 0b000 | 0b100) => {
            from_two(b, Kind::VectorInteger);
        }
        // ext
        (_, true, 0b00 | 0b10) if !b.bit(15) && b.bits(23, 22) == 0 && !b.bit(10) => {
            from_two(b, Kind::VectorInteger);
        }
        _ => {}
    }
}
