//! Bits of an instruction.

/// Bits `high` down to `low` of an instruction.
pub const fn bits(word: u32, high: u32, low: u32) -> u32 {
    word >> low & (u32::MAX >> (31 - (high - low)))
}

/// One bit of an instruction.
pub const fn bit(word: u32, at: u32) -> bool {
    word >> at & 1 == 1
}
