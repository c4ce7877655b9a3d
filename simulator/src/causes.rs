//! Where the cycles go.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a cycle went to. Every cycle has one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Cause {
    /// Two instructions issued.
    IssuedTwo,
    /// One instruction issued.
    IssuedOne,
    /// A load or store of several registers went on issuing.
    LongIssue,
    /// Waiting for the result of integer arithmetic.
    Integer,
    /// Waiting for an integer multiplication.
    Multiply,
    /// Waiting for a division or square root, or for the divider.
    Divide,
    /// Waiting for floating-point or vector arithmetic other than multiply-add.
    Vector,
    /// Waiting for a multiply-add of floating-point numbers or vectors.
    MultiplyAdd,
    /// Waiting for a load that the first-level cache answers.
    Load,
    /// Waiting for a load that the second-level cache answers.
    L2,
    /// Waiting for a load that memory answers.
    Dram,
    /// A vector load that waits because a multiply-add takes its addend.
    AddendStage,
    /// Waiting because as many loads miss as can at a time.
    LoadMisses,
    /// Waiting because as many stores miss as can at a time.
    StoreMisses,
    /// Waiting for an address to be translated.
    Translation,
    /// Waiting for instructions that the first-level cache does not hold.
    Fetch,
    /// Lost by a mispredicted branch.
    Misprediction,
    /// Lost by a taken branch.
    TakenBranch,
    /// Waiting for a system instruction, a barrier, or an unknown instruction.
    System,
}

impl Cause {
    /// Number of causes.
    pub const COUNT: usize = Self::System as usize + 1;

    /// All causes, in the order in which they are listed.
    pub const ALL: [Self; Self::COUNT] = [
        Self::IssuedTwo,
        Self::IssuedOne,
        Self::LongIssue,
        Self::Integer,
        Self::Multiply,
        Self::Divide,
        Self::Vector,
        Self::MultiplyAdd,
        Self::Load,
        Self::L2,
        Self::Dram,
        Self::AddendStage,
        Self::LoadMisses,
        Self::StoreMisses,
        Self::Translation,
        Self::Fetch,
        Self::Misprediction,
        Self::TakenBranch,
        Self::System,
    ];

    /// Its name in a table.
    pub const fn name(self) -> &'static str {
        match self {
            Self::IssuedTwo => "issued two",
            Self::IssuedOne => "issued one",
            Self::LongIssue => "long issue",
            Self::Integer => "integer result",
            Self::Multiply => "integer product",
            Self::Divide => "division",
            Self::Vector => "vector result",
            Self::MultiplyAdd => "multiply-add",
            Self::Load => "load",
            Self::L2 => "L1 miss",
            Self::Dram => "L2 miss",
            Self::AddendStage => "addend stage",
            Self::LoadMisses => "loads in flight",
            Self::StoreMisses => "stores in flight",
            Self::Translation => "TLB miss",
            Self::Fetch => "instruction cache miss",
            Self::Misprediction => "misprediction",
            Self::TakenBranch => "taken branch",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Cycles by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Causes([u64; Cause::COUNT]);

impl Causes {
    /// Adds cycles to a cause.
    pub(crate) fn add(&mut self, cause: Cause, cycles: u64) {
        self.0[cause as usize] += cycles;
    }

    /// The cycles of a cause.
    pub fn of(&self, cause: Cause) -> u64 {
        self.0[cause as usize]
    }

    /// All cycles.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Causes and cycles, without those that took none.
    pub fn iter(&self) -> impl Iterator<Item = (Cause, u64)> + '_ {
        Cause::ALL.into_iter().map(|cause| (cause, self.of(cause))).filter(|(_, cycles)| *cycles > 0)
    }

    /// What was added since an earlier state.
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|k| self.0[k] - earlier.0[k]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_listed_in_order() {
        for (k, cause) in Cause::ALL.into_iter().enumerate() {
            assert_eq!(cause as usize, k);
        }
    }
}
