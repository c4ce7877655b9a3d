//! Values of general registers, as far as they follow from the addresses of accesses.
//!
//! An emulator may report each access's address, but no register and no prefetch. A prefetch's address is its base register's value
//! plus a constant; that value follows from an earlier access by the same register, from constants, and from additions since.

use crate::instruction::{Access, Instruction, Kind, Offset, Update};
use crate::register::Register;

/// What an instruction does to values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing to general registers.
    None,
    /// Those that it writes are not known any more.
    Forget,
    /// A constant.
    Set { to: Register, value: u64 },
    /// A register plus a constant.
    Add { to: Register, from: Register, value: u64 },
    /// A register plus or minus another, shifted to the left. The last is `None` for the zero register.
    Sum { to: Register, from: Register, other: Register, shift: u8, minus: bool },
    /// An access: its address tells the base.
    Access,
}

impl Effect {
    /// What an instruction at an address does.
    pub(crate) fn of(instruction: &Instruction, address: u64) -> Self {
        let word = instruction.word;
        if instruction.access.is_some() {
            return Self::Access;
        }
        if !instruction.writes.iter().any(|register| register.is_general()) {
            return Self::None;
        }
        let field = |at: u32| word >> at & 31;
        let wide = word >> 31 == 1;
        let to = instruction.writes[0];
        match instruction.kind {
            Kind::Move if word >> 24 & 0x1f == 0b10000 => {
                let offset = i64::from(((word >> 5 & 0x7_ffff) << 2 | word >> 29 & 3) << 11) << 32 >> 43;
                let value =
                    if wide { (address & !0xfff).wrapping_add_signed(offset << 12) } else { address.wrapping_add_signed(offset) };
                Self::Set { to, value }
            }
            Kind::Move => {
                let value = u64::from(word >> 5 & 0xffff) << (16 * (word >> 21 & 3));
                match word >> 29 & 3 {
                    0b10 => Self::Set { to, value },
                    0b00 if wide => Self::Set { to, value: !value },
                    _ => Self::Forget,
                }
            }
            // add, sub with a constant
            Kind::Alu if wide && word >> 23 & 0x3f == 0b10_0010 => {
                let constant = u64::from(word >> 10 & 0xfff) << (12 * (word >> 22 & 1));
                let value = if word >> 30 & 1 == 1 { constant.wrapping_neg() } else { constant };
                Self::Add { to, from: Register::general_or_sp(field(5)), value }
            }
            // add, sub of registers, the second shifted to the left or not at all
            Kind::Alu | Kind::AluShifted if wide && word >> 21 & 0xff == 0b0101_1000 => {
                match (Register::general(field(5)), Register::general(field(16))) {
                    (Some(from), Some(other)) => {
                        let shift = (word >> 10 & 63) as u8;
                        Self::Sum { to, from, other, shift, minus: word >> 30 & 1 == 1 }
                    }
                    (Some(from), None) => Self::Add { to, from, value: 0 },
                    _ => Self::Forget,
                }
            }
            // mov: orr with the zero register
            Kind::Alu if word & 0xffe0_ffe0 == 0xaa00_03e0 => match Register::general(field(16)) {
                Some(from) => Self::Add { to, from, value: 0 },
                None => Self::Set { to, value: 0 },
            },
            _ => Self::Forget,
        }
    }
}

/// The values.
pub(crate) struct Pointers {
    values: [u64; 32],
    /// A bit for each register whose value is known.
    known: u32,
}

impl Pointers {
    pub(crate) fn new() -> Self {
        Self { values: [0; 32], known: 0 }
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) {
        self.known = 0;
    }

    fn get(&self, register: Register) -> Option<u64> {
        (self.known >> register.index() & 1 == 1).then(|| self.values[register.index()])
    }

    fn set(&mut self, register: Register, value: Option<u64>) {
        let bit = 1 << register.index();
        match value {
            Some(value) => {
                self.values[register.index()] = value;
                self.known |= bit;
            }
            None => self.known &= !bit,
        }
    }

    /// The address of an access, where it follows from what is known.
    pub(crate) fn address(&self, access: &Access) -> Option<u64> {
        let base = self.get(access.base?)?;
        match (access.offset, access.update) {
            (_, Update::After(_) | Update::AfterRegister) => Some(base),
            (Offset::Bytes(bytes), _) => Some(base.wrapping_add_signed(i64::from(bytes))),
            (Offset::Register, _) => None,
        }
    }

    /// An instruction was executed; `address` is that of its access, where it made one.
    #[inline]
    pub(crate) fn executed(
        &mut self,
        effect: Effect,
        access: Option<&Access>,
        written: impl Iterator<Item = Register>,
        address: Option<u64>,
    ) {
        match (effect, access) {
            (Effect::None, _) => {}
            (Effect::Set { to, value }, _) => self.set(to, Some(value)),
            (Effect::Add { to, from, value }, _) => {
                let sum = self.get(from).map(|from| from.wrapping_add(value));
                self.set(to, sum);
            }
            (Effect::Sum { to, from, other, shift, minus }, _) => {
                let sum = self.get(from).zip(self.get(other)).map(|(from, other)| {
                    let other = other << shift;
                    if minus { from.wrapping_sub(other) } else { from.wrapping_add(other) }
                });
                self.set(to, sum);
            }
            (Effect::Access, Some(access)) => self.accessed(access, written, address),
            (Effect::Forget | Effect::Access, _) => {
                written.filter(|register| register.is_general()).for_each(|register| self.set(register, None));
            }
        }
    }

    fn accessed(&mut self, access: &Access, written: impl Iterator<Item = Register>, address: Option<u64>) {
        let base = access.base.and_then(|base| {
            let after = match (address, access.offset, access.update) {
                (Some(address), _, Update::After(bytes)) => Some(address.wrapping_add_signed(i64::from(bytes))),
                (Some(address), _, Update::Before) => Some(address),
                (Some(address), Offset::Bytes(bytes), Update::None) => Some(address.wrapping_add_signed(-i64::from(bytes))),
                (None, _, Update::After(bytes)) => self.get(base).map(|base| base.wrapping_add_signed(i64::from(bytes))),
                (None, Offset::Bytes(bytes), Update::Before) => {
                    self.get(base).map(|base| base.wrapping_add_signed(i64::from(bytes)))
                }
                (_, Offset::Register, Update::None) | (None, _, Update::None) => return None,
                _ => None,
            };
            Some((base, after))
        });
        // A base that is loaded, too, is lost: the data come first among what is written.
        let mut loaded = false;
        let updates = access.update != Update::None;
        let mut written = written.filter(|register| register.is_general()).peekable();
        while let Some(register) = written.next() {
            if updates && written.peek().is_none() {
                break;
            }
            loaded |= Some(register) == access.base;
            self.set(register, None);
        }
        if let Some((base, after)) = base
            && !loaded
        {
            self.set(base, after);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode;

    /// Executes words from address 0x1000 on, with the addresses of those that access memory; then the address of the last.
    fn address_of_last(words: &[(u32, Option<u64>)]) -> Option<u64> {
        let mut pointers = Pointers::new();
        for (k, (word, address)) in words.iter().enumerate() {
            let instruction = decode(*word);
            if k + 1 == words.len() {
                return pointers.address(&instruction.access.unwrap());
            }
            let effect = Effect::of(&instruction, 0x1000 + 4 * k as u64);
            pointers.executed(effect, instruction.access.as_ref(), instruction.writes.iter().copied(), *address);
        }
        None
    }

    const PRFM_X1_64: u32 = 0xf980_2020; // prfm pldl1keep, [x1, #64]

    #[test]
    fn a_base_is_known_from_an_earlier_access() {
        // ldr q0, [x1], #16
        assert_eq!(address_of_last(&[(0x3cc1_0420, Some(0x8000)), (PRFM_X1_64, None)]), Some(0x8050));
        // ldr q0, [x1, #32]
        assert_eq!(address_of_last(&[(0x3dc0_0820, Some(0x8020)), (PRFM_X1_64, None)]), Some(0x8040));
        // ldp q0, q1, [x1, #32]!
        assert_eq!(address_of_last(&[(0xadc1_0420, Some(0x8020)), (PRFM_X1_64, None)]), Some(0x8060));
        // ld1 {v0.4s, v1.4s}, [x1], #32
        assert_eq!(address_of_last(&[(0x4cdf_a820, Some(0x8000)), (PRFM_X1_64, None)]), Some(0x8060));
        // ldr x1, [x1]
        assert_eq!(address_of_last(&[(0xf940_0021, Some(0x8000)), (PRFM_X1_64, None)]), None);
        assert_eq!(address_of_last(&[(PRFM_X1_64, None)]), None);
    }

    #[test]
    fn additions_and_constants_are_followed() {
        let load = (0x3dc0_0040, Some(0x8000)); // ldr q0, [x2]
        // add x1, x2, #16
        assert_eq!(address_of_last(&[load, (0x9100_4041, None), (PRFM_X1_64, None)]), Some(0x8050));
        // mov x1, x2
        assert_eq!(address_of_last(&[load, (0xaa02_03e1, None), (PRFM_X1_64, None)]), Some(0x8040));
        // mov x3, #5; add x1, x2, x3, lsl #4
        assert_eq!(address_of_last(&[load, (0xd280_00a3, None), (0x8b03_1041, None), (PRFM_X1_64, None)]), Some(0x8090));
        // mov x3, #5; sub x1, x2, x3
        assert_eq!(address_of_last(&[load, (0xd280_00a3, None), (0xcb03_0041, None), (PRFM_X1_64, None)]), Some(0x803b));
        // adrp x1, +0x2000 at 0x1000
        assert_eq!(address_of_last(&[(0xd000_0001, None), (PRFM_X1_64, None)]), Some(0x3040));
        // adr x1, -4 at 0x1000
        assert_eq!(address_of_last(&[(0x10ff_ffe1, None), (PRFM_X1_64, None)]), Some(0x103c));
        // mul x1, x2, x3
        assert_eq!(address_of_last(&[load, (0xaa02_03e1, None), (0x9b03_7c41, None), (PRFM_X1_64, None)]), None);
    }
}
