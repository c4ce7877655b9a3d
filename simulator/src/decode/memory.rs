//! Loads, stores and prefetches.

use super::builder::Builder;
use crate::instruction::{Access, Feature, Kind, Offset, PrefetchTarget, Role, Update};
use crate::register::Register;

/// "Loads and Stores".
pub(super) fn load_or_store(b: &mut Builder) {
    let vector = b.bit(26);
    match (b.bits(29, 28), vector) {
        (0b00, false) if !b.bit(24) => exclusive_or_ordered(b),
        (0b00, true) if !b.bit(31) => structures(b),
        (0b01, _) if !b.bit(24) => literal(b),
        (0b00 | 0b01, false) => later_extensions(b),
        (0b01, true) => b.extension(Feature::Mops),
        (0b10, _) => pair(b),
        (0b11, _) => single(b),
        _ => {}
    }
}

/// The number sign-extended from so many bits.
fn signed(value: u32, width: u32) -> i32 {
    let shift = 32 - width;
    ((value << shift) as i32) >> shift
}

/// An access at a base register, without more.
fn at(base: u32, bytes: u16, registers: u8) -> Access {
    Access {
        base: Some(Register::general_or_sp(base)),
        offset: Offset::Bytes(0),
        update: Update::None,
        bytes,
        registers,
        interleaved: false,
    }
}

/// "Load/store exclusive", "Load/store ordered"; "Compare and swap" belongs to an extension.
fn exclusive_or_ordered(b: &mut Builder) {
    let (rt, rn, rs, rt2) = (b.rd(), b.rn(), b.rm(), b.ra());
    let size = b.bits(31, 30);
    let (load, exclusive) = (b.bit(22), !b.bit(23));
    let pair = exclusive && b.bit(21);
    if b.bit(21) && !(exclusive && size >= 2) {
        return b.extension(Feature::Lse);
    }
    if !exclusive && !b.bit(15) {
        return b.extension(Feature::Lor);
    }
    let registers = if pair { 2 } else { 1 };
    b.access(at(rn, u16::from(registers) << size, registers));
    b.kind(match (load, pair) {
        (true, true) => Kind::LoadPair,
        (true, false) => Kind::Load,
        (false, _) => Kind::Store,
    });
    b.read_x_or_sp(rn, Role::Address);
    if load {
        b.write_x(rt);
        if pair {
            b.write_x(rt2);
        }
    } else {
        b.read_x(rt, Role::Data);
        if pair {
            b.read_x(rt2, Role::Data);
        }
        // Whether the exclusive store was done.
        if exclusive {
            b.write_x(rs);
        }
    }
}

/// Tagging, memory copies, weaker acquires: none of them is in the first ARMv8.
fn later_extensions(b: &mut Builder) {
    let feature = match (b.bit(29), b.bit(28), b.bit(21), b.bits(11, 10)) {
        (false, true, false, 0b00) => Feature::Rcpc,
        (false, true, false, 0b01) => Feature::Mops,
        _ => Feature::Mte,
    };
    b.extension(feature);
}

/// "Advanced SIMD load/store multiple structures" and "single structure", with and without post-index.
fn structures(b: &mut Builder) {
    let (rt, rn, rm) = (b.rd(), b.rn(), b.rm());
    let (load, single, post) = (b.bit(22), b.bit(24), b.bit(23));
    let wide = b.bit(30);
    if !post && (rm != 0 && !(single && rm == 0b10000) || b.bit(21) && !single) {
        return;
    }
    let Some(shape) = (if single { Shape::single(b) } else { Shape::multiple(b) }) else { return };
    let update = match (post, rm) {
        (false, _) => Update::None,
        (true, 31) => Update::After(i32::from(shape.bytes)),
        (true, _) => Update::AfterRegister,
    };
    b.access(Access { update, interleaved: shape.interleaved, ..at(rn, shape.bytes, shape.registers) });
    b.kind(if load { Kind::VectorLoad } else { Kind::VectorStore }).wide(wide);
    b.read_x_or_sp(rn, Role::Address);
    if update == Update::AfterRegister {
        b.read_x(rm, Role::Address);
    }
    for k in 0..u32::from(shape.registers) {
        match (load, shape.lane) {
            (true, None) => b.write_v(rt + k),
            (true, Some(8)) => b.read_v(rt + k, Role::OtherHalf).write_v(rt + k),
            (true, Some(_)) => b.read_v(rt + k, Role::Merged).write_v(rt + k),
            (false, _) => b.read_v(rt + k, Role::Data),
        };
    }
    b.write_base();
}

/// What a structure load or store moves.
struct Shape {
    registers: u8,
    bytes: u16,
    interleaved: bool,
    /// Bytes of the lane, where only one lane of each register is concerned.
    lane: Option<u16>,
}

impl Shape {
    fn multiple(b: &Builder) -> Option<Self> {
        let (registers, interleaved) = match b.bits(15, 12) {
            0b0000 => (4, true),
            0b0010 => (4, false),
            0b0100 => (3, true),
            0b0110 => (3, false),
            0b0111 => (1, false),
            0b1000 => (2, true),
            0b1010 => (2, false),
            _ => return None,
        };
        let each: u16 = if b.bit(30) { 16 } else { 8 };
        Some(Self { registers, bytes: u16::from(registers) * each, interleaved, lane: None })
    }

    fn single(b: &Builder) -> Option<Self> {
        let registers = 1 + (b.bits(13, 13) << 1 | b.bits(21, 21)) as u8;
        let size = b.bits(11, 10);
        let (bytes, replicated) = match b.bits(15, 14) {
            0b00 => (1, false),
            0b01 if size & 1 == 0 => (2, false),
            0b10 if size == 0b00 => (4, false),
            0b10 if size == 0b01 && !b.bit(12) => (8, false),
            0b11 if b.bit(22) && !b.bit(12) => (1 << size, true),
            _ => return None,
        };
        Some(Self { registers, bytes: u16::from(registers) * bytes, interleaved: false, lane: (!replicated).then_some(bytes) })
    }
}

/// "Load register (literal)".
fn literal(b: &mut Builder) {
    let rt = b.rd();
    let opc = b.bits(31, 30);
    // The address is known when the instruction is, so that no base is listed.
    let here = |bytes: u16| Access { base: None, ..at(31, bytes, 1) };
    match (b.bit(26), opc) {
        (true, 0b11) => {}
        (true, _) => {
            b.kind(Kind::VectorLoad).wide(opc == 2).access(here(4 << opc)).write_v(rt);
        }
        (false, 0b11) => prefetch(b, here(64)),
        (false, _) => {
            b.kind(Kind::Load).access(here(if opc == 1 { 8 } else { 4 })).write_x(rt);
        }
    }
}

/// "Load/store register pair", with its three ways of indexing, and "no-allocate pair".
fn pair(b: &mut Builder) {
    let (rt, rn, rt2) = (b.rd(), b.rn(), b.ra());
    let (vector, load) = (b.bit(26), b.bit(22));
    let opc = b.bits(31, 30);
    let each: u16 = match (vector, opc) {
        (_, 0b11) => return,
        (true, _) => 4 << opc,
        (false, 0b10) => 8,
        (false, 0b00) => 4,
        // ldpsw loads words into doublewords; there is no store like it, and no load past the caches.
        (false, _) if load && b.bits(24, 23) != 0 => 4,
        (false, _) => return b.extension(Feature::Mte),
    };
    let bytes = signed(b.bits(21, 15), 7) * i32::from(each);
    let (offset, update) = match b.bits(24, 23) {
        0b01 => (0, Update::After(bytes)),
        0b11 => (bytes, Update::Before),
        _ => (bytes, Update::None),
    };
    b.access(Access { offset: Offset::Bytes(offset), update, ..at(rn, 2 * each, 2) });
    b.kind(match (vector, load) {
        (true, true) => Kind::VectorLoad,
        (true, false) => Kind::VectorStore,
        (false, true) => Kind::LoadPair,
        (false, false) => Kind::Store,
    });
    b.wide(vector && each == 16).read_x_or_sp(rn, Role::Address);
    for register in [rt, rt2] {
        match (vector, load) {
            (true, true) => b.write_v(register),
            (true, false) => b.read_v(register, Role::Data),
            (false, true) => b.write_x(register),
            (false, false) => b.read_x(register, Role::Data),
        };
    }
    b.write_base();
}

/// "Load/store register", in all ways of addressing.
fn single(b: &mut Builder) {
    let (rt, rn, rm) = (b.rd(), b.rn(), b.rm());
    let vector = b.bit(26);
    let (size, opc) = (b.bits(31, 30), b.bits(23, 22));
    let register_offset = !b.bit(24) && b.bit(21);
    if register_offset && b.bits(11, 10) != 0b10 {
        // Atomic operations; loads with an authenticated pointer.
        let feature = if b.bit(10) { Feature::PAuth } else { Feature::Lse };
        return if vector { b.unknown() } else { b.extension(feature) };
    }
    let scale = match (vector, size, opc) {
        (true, 0, 0b10 | 0b11) => 4,
        (true, _, 0b10 | 0b11) => return,
        (false, 0b10, 0b11) => return,
        (false, 0b11, 0b11) => return,
        _ => size,
    };
    let bytes = 1u16 << scale;
    let (offset, update) = if b.bit(24) {
        (Offset::Bytes((b.bits(21, 10) << scale) as i32), Update::None)
    } else if register_offset {
        // The extension must be one of a word or doubleword.
        if !b.bit(14) {
            return;
        }
        (Offset::Register, Update::None)
    } else {
        let bytes = signed(b.bits(20, 12), 9);
        match b.bits(11, 10) {
            0b01 => (Offset::Bytes(0), Update::After(bytes)),
            0b11 => (Offset::Bytes(bytes), Update::Before),
            // Unprivileged accesses are of general registers only.
            0b10 if vector => return,
            _ => (Offset::Bytes(bytes), Update::None),
        }
    };
    let access = Access { offset, update, ..at(rn, bytes, 1) };
    let prefetches = !vector && size == 0b11 && opc == 0b10;
    let load = if vector { opc & 1 == 1 } else { opc != 0 };
    b.read_x_or_sp(rn, Role::Address);
    if register_offset {
        b.read_x(rm, Role::Address);
    }
    if prefetches {
        // Only offsets; the other ways of addressing are not allocated.
        if update == Update::None && !(!b.bit(24) && !b.bit(21) && b.bit(11)) {
            prefetch(b, access);
        }
        return;
    }
    b.access(access).wide(vector && scale == 4);
    match (vector, load) {
        (true, true) => b.kind(Kind::VectorLoad).write_v(rt),
        (true, false) => b.kind(Kind::VectorStore).read_v(rt, Role::Data),
        (false, true) => b.kind(Kind::Load).write_x(rt),
        (false, false) => b.kind(Kind::Store).read_x(rt, Role::Data),
    };
    b.write_base();
}

/// `prfm`: the operation is in the place of the data register.
fn prefetch(b: &mut Builder, access: Access) {
    let target = match (b.bits(4, 3), b.bits(2, 1)) {
        // For loads or stores, into the first cache or a later one.
        (0b00 | 0b10, 0) => PrefetchTarget::L1,
        (0b00 | 0b10, 1 | 2) => PrefetchTarget::L2,
        _ => PrefetchTarget::Ignored,
    };
    b.kind(Kind::Prefetch).prefetch(target).access(Access { registers: 0, ..access });
}
