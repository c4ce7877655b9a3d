//! What the model needs to know of an instruction.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::few::Few;
use crate::register::Register;

/// What an instruction does, as far as cores treat it alike. A core's file gives each kind its timing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Kind {
    /// No operation: also the hints, and the pointer authentication that older cores ignore.
    Nop,
    /// Makes a constant or an address: `movz`, `movn`, `movk`, `adr`, `adrp`.
    Move,
    /// Shifts by a register: `lsl`, `lsr`, `asr`, `ror`.
    ShiftByRegister,
    /// Integer arithmetic and logic.
    Alu,
    /// The same with a shifted or extended operand; bit fields, CRC.
    AluShifted,
    /// `extr`, and `ror` by a constant.
    Extract,
    /// Integer multiplication, with or without addition.
    Multiply,
    /// Integer division.
    Divide,
    /// A branch to an address in the instruction.
    Branch,
    /// A branch to an address in a register.
    BranchToRegister,
    /// A load into one general register.
    Load,
    /// A load into two general registers.
    LoadPair,
    /// A store of general registers.
    Store,
    /// `prfm`.
    Prefetch,
    /// `dc zva`: clears a cache line.
    ZeroLine,
    /// A load into vector registers.
    VectorLoad,
    /// A store of vector registers.
    VectorStore,
    /// Floating-point addition, comparison into a register, conversion, rounding, selection.
    FpAlu,
    /// Loads a floating-point constant.
    FpConstant,
    /// Floating-point multiplication.
    FpMultiply,
    /// Floating-point multiplication and addition in one.
    FpMultiplyAdd,
    /// A step of Newton's iteration: `frecps`, `frsqrts`.
    FpStep,
    /// Division or square root of singles.
    FpDivideSingle,
    /// Division or square root of doubles.
    FpDivideDouble,
    /// Floating-point comparison into the flags.
    FpCompare,
    /// Integer addition, subtraction, halving addition of vectors.
    VectorAdd,
    /// Other integer operations, logic and permutations of vectors.
    VectorInteger,
    /// Integer multiplication of vectors.
    VectorMultiply,
    /// Integer multiplication and addition of vectors.
    VectorMultiplyAdd,
    /// Writes one lane of a vector: `ins`.
    Insert,
    /// `fmov` from a general register.
    FromGeneral,
    /// `dup` from a general register, and conversion of an integer in one.
    ConvertFromGeneral,
    /// `fmov` to a general register.
    ToGeneral,
    /// `umov`, `smov`, and conversion into a general register.
    ConvertToGeneral,
    /// AES, SHA-1, SHA-256, `pmull` of doublewords.
    Crypto,
    /// Memory barriers.
    Barrier,
    /// System registers, system calls, cache maintenance.
    System,
    /// Belongs to an extension that is named.
    Extension,
    /// Not known to the decoder.
    Unknown,
}

impl Kind {
    /// Number of kinds.
    pub const COUNT: usize = Self::Unknown as usize + 1;

    /// All kinds, in the order of their numbers.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Nop,
        Self::Move,
        Self::ShiftByRegister,
        Self::Alu,
        Self::AluShifted,
        Self::Extract,
        Self::Multiply,
        Self::Divide,
        Self::Branch,
        Self::BranchToRegister,
        Self::Load,
        Self::LoadPair,
        Self::Store,
        Self::Prefetch,
        Self::ZeroLine,
        Self::VectorLoad,
        Self::VectorStore,
        Self::FpAlu,
        Self::FpConstant,
        Self::FpMultiply,
        Self::FpMultiplyAdd,
        Self::FpStep,
        Self::FpDivideSingle,
        Self::FpDivideDouble,
        Self::FpCompare,
        Self::VectorAdd,
        Self::VectorInteger,
        Self::VectorMultiply,
        Self::VectorMultiplyAdd,
        Self::Insert,
        Self::FromGeneral,
        Self::ConvertFromGeneral,
        Self::ToGeneral,
        Self::ConvertToGeneral,
        Self::Crypto,
        Self::Barrier,
        Self::System,
        Self::Extension,
        Self::Unknown,
    ];

    /// Whether it reads or writes memory, or hints at it.
    pub const fn touches_memory(self) -> bool {
        matches!(
            self,
            Self::Load | Self::LoadPair | Self::Store | Self::Prefetch | Self::ZeroLine | Self::VectorLoad | Self::VectorStore
        )
    }

    /// Whether it writes memory.
    pub const fn stores(self) -> bool {
        matches!(self, Self::Store | Self::VectorStore | Self::ZeroLine)
    }

    /// Whether another instruction than the next one can follow it.
    pub const fn branches(self) -> bool {
        matches!(self, Self::Branch | Self::BranchToRegister)
    }
}

/// An extension of the architecture that cores after the first ARMv8 ones have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Feature {
    /// Atomic instructions of ARMv8.1.
    Lse,
    /// Limited ordering regions of ARMv8.1.
    Lor,
    /// Rounding doubling multiplication with addition, ARMv8.1.
    Rdm,
    /// Half-precision arithmetic, ARMv8.2.
    Fp16,
    /// Multiplication of halves added to singles, ARMv8.2.
    Fhm,
    /// Dot products of bytes, ARMv8.2.
    DotProd,
    /// Products of matrices of bytes, ARMv8.6.
    I8mm,
    /// Brain floating point, ARMv8.6.
    Bf16,
    /// Complex numbers, ARMv8.3.
    Fcma,
    /// Conversion as JavaScript wants it, ARMv8.3.
    JsCvt,
    /// Weaker load-acquire, ARMv8.3.
    Rcpc,
    /// Pointer authentication, ARMv8.3.
    PAuth,
    /// Handling of flags, ARMv8.4.
    FlagM,
    /// Rounding to 32 or 64-bit integers, ARMv8.5.
    FrintTs,
    /// Memory tagging, ARMv8.5.
    Mte,
    /// Copying and setting memory, ARMv8.8.
    Mops,
    /// Conditional branches that hint at their consistency, ARMv8.8.
    Hbc,
    /// SHA-512, SHA-3, SM3, SM4.
    Sha3,
    /// Scalable vectors.
    Sve,
    /// Scalable matrices.
    Sme,
}

impl fmt::Display for Feature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Lse => "atomics (LSE)",
            Self::Lor => "limited ordering regions (LOR)",
            Self::Rdm => "rounding multiply-add (RDM)",
            Self::Fp16 => "half-precision arithmetic (FP16)",
            Self::Fhm => "half-precision multiply-add long (FHM)",
            Self::DotProd => "dot products (DotProd)",
            Self::I8mm => "integer matrix products (I8MM)",
            Self::Bf16 => "brain floating point (BF16)",
            Self::Fcma => "complex numbers (FCMA)",
            Self::JsCvt => "JavaScript conversion (JSCVT)",
            Self::Rcpc => "weaker load-acquire (RCPC)",
            Self::PAuth => "pointer authentication (PAuth)",
            Self::FlagM => "flag handling (FlagM)",
            Self::FrintTs => "rounding to integers (FRINTTS)",
            Self::Mte => "memory tagging (MTE)",
            Self::Mops => "memory copies (MOPS)",
            Self::Hbc => "hinted conditional branches (HBC)",
            Self::Sha3 => "SHA-3, SHA-512, SM3 or SM4",
            Self::Sve => "scalable vectors (SVE)",
            Self::Sme => "scalable matrices (SME)",
        })
    }
}

/// What an operand is for, which decides when it is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// An input like any other.
    Plain,
    /// An input that is shifted or extended first.
    Shifted,
    /// Part of an address.
    Address,
    /// What is stored.
    Data,
    /// What a product is added to.
    Addend,
    /// The old value of a register that is written in part.
    Merged,
    /// The same where the part that stays is a whole 64-bit half: nothing waits for it.
    OtherHalf,
}

/// A register that is read, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Read {
    /// The register.
    pub register: Register,
    /// What for.
    pub role: Role,
}

/// How the address of an access is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offset {
    /// Base plus so many bytes.
    Bytes(i32),
    /// Base plus a register, shifted or extended.
    Register,
}

/// What happens to the base register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Nothing.
    None,
    /// It becomes the address.
    Before,
    /// The address is the base alone; then so many bytes are added to it.
    After(i32),
    /// The address is the base alone; then a register is added to it.
    AfterRegister,
}

/// The memory that an instruction touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Access {
    /// Register that the address starts from; `None` for one relative to the instruction.
    pub base: Option<Register>,
    /// What is added to it.
    pub offset: Offset,
    /// What happens to it.
    pub update: Update,
    /// Bytes in all.
    pub bytes: u16,
    /// Registers of data.
    pub registers: u8,
    /// Whether registers hold every second, third or fourth element (`ld2`, `st4`, …).
    pub interleaved: bool,
}

/// Where a prefetch brings its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PrefetchTarget {
    /// Into the first-level data cache.
    L1,
    /// Into the second-level cache, or a third one.
    L2,
    /// Nowhere: prefetches of instructions, and the unallocated ones.
    Ignored,
}

/// What kind of branch it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Always taken.
    Always,
    /// Taken or not.
    Conditional,
    /// A call: always taken, and a return is expected.
    Call,
    /// A return.
    Return,
}

/// An instruction, decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Its 32 bits.
    pub word: u32,
    /// What it does.
    pub kind: Kind,
    /// Whether it works on 128 bits of vector registers.
    pub wide: bool,
    /// Registers read, each once for each use.
    pub reads: Few<Read, 7>,
    /// Registers written. Data come first, in the order of the instruction, an updated base last.
    pub writes: Few<Register, 6>,
    /// Memory that it touches.
    pub access: Option<Access>,
    /// Where a prefetch goes.
    pub prefetch: PrefetchTarget,
    /// How it branches.
    pub flow: Option<Flow>,
    /// The extension it belongs to; its registers are then not listed.
    pub feature: Option<Feature>,
}

impl Instruction {
    /// Whether the updated base is the last of [`Self::writes`].
    pub fn updates_base(&self) -> bool {
        self.access.is_some_and(|access| access.update != Update::None)
    }
}
