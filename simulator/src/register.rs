//! Registers of AArch64, as far as one instruction can wait for another through them.

use std::fmt;

/// Number of [`Register`]s.
pub const COUNT: usize = 65;

/// A general register, the stack pointer, a vector register, or the flags.
///
/// W and X registers are one register, and so are B, H, S, D, Q and V. The zero register is none: it is never waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Register(u8);

impl Register {
    /// The stack pointer.
    pub const SP: Self = Self(31);
    /// The link register, X30.
    pub const LINK: Self = Self(30);
    /// The condition flags NZCV.
    pub const FLAGS: Self = Self(64);

    /// X0 to X30, by the five bits of an instruction; `None` for 31, which is the zero register.
    pub const fn general(number: u32) -> Option<Self> {
        match number & 31 {
            31 => None,
            other => Some(Self(other as u8)),
        }
    }

    /// X0 to X30, or SP for 31.
    pub const fn general_or_sp(number: u32) -> Self {
        Self((number & 31) as u8)
    }

    /// V0 to V31.
    pub const fn vector(number: u32) -> Self {
        Self(32 + (number & 31) as u8)
    }

    /// A number below [`COUNT`], for tables.
    pub const fn index(self) -> usize {
        self.0 as usize
    }

    /// Whether it is one of V0 to V31.
    pub const fn is_vector(self) -> bool {
        self.0 >= 32 && self.0 < 64
    }

    /// Whether it is one of X0 to X30 or SP.
    pub const fn is_general(self) -> bool {
        self.0 < 32
    }
}

impl fmt::Display for Register {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            31 => f.write_str("sp"),
            n @ 0..=30 => write!(f, "x{n}"),
            64 => f.write_str("nzcv"),
            n => write!(f, "v{}", n - 32),
        }
    }
}
