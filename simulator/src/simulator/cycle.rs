//! What issues in a cycle, and what cycles go to.

use crate::causes::Cause;
use crate::instruction::Kind;
use crate::memory::Blocker;

/// What issued in the present cycle.
#[derive(Clone, Copy, Default)]
pub(super) struct Cycle {
    /// Instructions.
    pub slots: u8,
    /// Whether nothing more can issue in it.
    pub closed: bool,
    pub memory: bool,
    pub multiply: bool,
    pub divide: bool,
    pub vector_units: u8,
    pub vector_load: bool,
    /// Whether all vector operations in it pair with a vector load.
    pub pairs_with_vector_load: bool,
}

impl Cycle {
    /// What the cycle goes to; `None` where nothing issued in it.
    pub fn cause(&self) -> Option<Cause> {
        match self.slots {
            0 => None,
            1 => Some(Cause::IssuedOne),
            _ => Some(Cause::IssuedTwo),
        }
    }
}

impl Blocker {
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Translation => Cause::Translation,
            Self::Loads => Cause::LoadMisses,
            Self::Stores => Cause::StoreMisses,
        }
    }
}

impl Kind {
    /// The cause of waiting for a result of this kind.
    pub(super) fn cause(self) -> Cause {
        match self {
            Self::Load | Self::LoadPair | Self::VectorLoad => Cause::Load,
            Self::Multiply => Cause::Multiply,
            Self::Divide | Self::FpDivideSingle | Self::FpDivideDouble => Cause::Divide,
            Self::FpMultiplyAdd | Self::VectorMultiplyAdd => Cause::MultiplyAdd,
            Self::System | Self::Barrier | Self::Unknown | Self::Extension => Cause::System,
            Self::FpAlu
            | Self::FpConstant
            | Self::FpMultiply
            | Self::FpStep
            | Self::FpCompare
            | Self::VectorAdd
            | Self::VectorInteger
            | Self::VectorMultiply
            | Self::Insert
            | Self::FromGeneral
            | Self::ConvertFromGeneral
            | Self::ToGeneral
            | Self::ConvertToGeneral
            | Self::Crypto
            | Self::VectorStore => Cause::Vector,
            _ => Cause::Integer,
        }
    }
}
