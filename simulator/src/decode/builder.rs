//! Puts an [`Instruction`] together.

use super::bits::{bit, bits};
use crate::few::Few;
use crate::instruction::{Access, Feature, Flow, Instruction, Kind, PrefetchTarget, Read, Role, Update};
use crate::register::Register;

/// An instruction in the making: unknown until its kind is set.
pub(super) struct Builder {
    instruction: Instruction,
}

impl Builder {
    pub(super) fn new(word: u32) -> Self {
        Self {
            instruction: Instruction {
                word,
                kind: Kind::Unknown,
                wide: false,
                reads: Few::new(Read { register: Register::SP, role: Role::Plain }),
                writes: Few::new(Register::SP),
                access: None,
                prefetch: PrefetchTarget::Ignored,
                flow: None,
                feature: None,
            },
        }
    }

    /// The instruction. One whose kind was never set, or that belongs to an extension, has no registers.
    pub(super) fn finish(self) -> Instruction {
        match self.instruction.kind {
            Kind::Unknown | Kind::Extension => Instruction {
                kind: self.instruction.kind,
                feature: self.instruction.feature,
                ..Self::new(self.instruction.word).instruction
            },
            _ => self.instruction,
        }
    }

    pub(super) fn word(&self) -> u32 {
        self.instruction.word
    }

    pub(super) fn bits(&self, high: u32, low: u32) -> u32 {
        bits(self.instruction.word, high, low)
    }

    pub(super) fn bit(&self, at: u32) -> bool {
        bit(self.instruction.word, at)
    }

    // The register fields, by their names in the manual.
    pub(super) fn rd(&self) -> u32 {
        self.bits(4, 0)
    }

    pub(super) fn rn(&self) -> u32 {
        self.bits(9, 5)
    }

    pub(super) fn rm(&self) -> u32 {
        self.bits(20, 16)
    }

    /// The third source or second data register: Ra, Rt2.
    pub(super) fn ra(&self) -> u32 {
        self.bits(14, 10)
    }

    pub(super) fn kind(&mut self, kind: Kind) -> &mut Self {
        self.instruction.kind = kind;
        self
    }

    pub(super) fn wide(&mut self, wide: bool) -> &mut Self {
        self.instruction.wide = wide;
        self
    }

    pub(super) fn extension(&mut self, feature: Feature) {
        self.instruction.kind = Kind::Extension;
        self.instruction.feature = Some(feature);
    }

    pub(super) fn unknown(&mut self) {
        self.instruction.kind = Kind::Unknown;
    }

    pub(super) fn flow(&mut self, flow: Flow) -> &mut Self {
        self.instruction.flow = Some(flow);
        self
    }

    pub(super) fn access(&mut self, access: Access) -> &mut Self {
        self.instruction.access = Some(access);
        self
    }

    pub(super) fn prefetch(&mut self, target: PrefetchTarget) -> &mut Self {
        self.instruction.prefetch = target;
        self
    }

    pub(super) fn read(&mut self, register: Register, role: Role) -> &mut Self {
        self.instruction.reads.push(Read { register, role });
        self
    }

    /// Reads a general register, where 31 is the zero register.
    pub(super) fn read_x(&mut self, number: u32, role: Role) -> &mut Self {
        if let Some(register) = Register::general(number) {
            self.read(register, role);
        }
        self
    }

    pub(super) fn read_x_or_sp(&mut self, number: u32, role: Role) -> &mut Self {
        self.read(Register::general_or_sp(number), role)
    }

    pub(super) fn read_v(&mut self, number: u32, role: Role) -> &mut Self {
        self.read(Register::vector(number), role)
    }

    pub(super) fn read_flags(&mut self) -> &mut Self {
        self.read(Register::FLAGS, Role::Plain)
    }

    pub(super) fn write(&mut self, register: Register) -> &mut Self {
        self.instruction.writes.push(register);
        self
    }

    pub(super) fn write_x(&mut self, number: u32) -> &mut Self {
        if let Some(register) = Register::general(number) {
            self.write(register);
        }
        self
    }

    pub(super) fn write_x_or_sp(&mut self, number: u32) -> &mut Self {
        self.write(Register::general_or_sp(number))
    }

    pub(super) fn write_v(&mut self, number: u32) -> &mut Self {
        self.write(Register::vector(number))
    }

    pub(super) fn write_flags(&mut self) -> &mut Self {
        self.write(Register::FLAGS)
    }

    /// Writes the base register, where the access changes it; call it after the data's registers.
    pub(super) fn write_base(&mut self) -> &mut Self {
        if let Some(Access { base: Some(base), update: Update::Before | Update::After(_) | Update::AfterRegister, .. }) =
            self.instruction.access
        {
            self.write(base);
        }
        self
    }
}
