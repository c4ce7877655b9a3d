//! From 32 bits to an [`Instruction`]: what is read, what is written, and what kind it is.
//!
//! Encodings follow the Arm Architecture Reference Manual for A-profile (DDI 0487), section C4.1 "A64 instruction set encoding"; the
//! file's functions carry the names of its tables. What belongs to an extension that the first ARMv8 cores lack is recognised and
//! named, without registers; what is not recognised at all is [`Kind::Unknown`](crate::instruction::Kind::Unknown).

mod bits;
mod branch;
mod builder;
mod integer;
mod memory;
mod scalar;
mod vector;

use crate::instruction::{Feature, Instruction};
use bits::{bit, bits};
use builder::Builder;

/// Decodes an instruction.
pub fn decode(word: u32) -> Instruction {
    let mut b = Builder::new(word);
    // Table "Main encoding table", field op0.
    match bits(word, 28, 25) {
        0b0000 if bit(word, 31) => b.extension(Feature::Sme),
        0b0010 => b.extension(Feature::Sve),
        0b1000 | 0b1001 => integer::immediate(&mut b),
        0b1010 | 0b1011 => branch::branch_or_system(&mut b),
        0b0100 | 0b0110 | 0b1100 | 0b1110 => memory::load_or_store(&mut b),
        0b0101 | 0b1101 => integer::register(&mut b),
        0b0111 | 0b1111 if bits(word, 31, 24) == 0xce => b.extension(Feature::Sha3),
        0b0111 | 0b1111 if bit(word, 28) && !bit(word, 30) => scalar::scalar(&mut b),
        0b0111 | 0b1111 if !bit(word, 31) => vector::vector(&mut b),
        _ => {}
    }
    b.finish()
}
