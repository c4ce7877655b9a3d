//! When instructions issue, and what the cycles before went to.

use super::Simulator;
use super::cycle::Cycle;
use crate::block::Step;
use crate::causes::{Cause, Causes};
use crate::instruction::Kind;
use crate::rules::{Need, Place, Unit};

impl Simulator {
    /// Whether a step can issue in the present cycle, beside what has issued in it.
    #[inline]
    fn joins(&self, step: &Step) -> bool {
        let (cycle, issue) = (&self.cycle, &self.chip.core.issue);
        if cycle.slots == 0 {
            return true;
        }
        if cycle.closed || cycle.slots >= issue.width || matches!(step.place, Place::First | Place::Alone) {
            return false;
        }
        let vector = cycle.vector_units + step.vector_units <= issue.vector_units;
        match step.unit {
            Unit::None | Unit::Branch => true,
            Unit::Memory if step.kind == Kind::VectorLoad => {
                !cycle.memory && (cycle.vector_units == 0 || cycle.pairs_with_vector_load)
            }
            Unit::Memory => !cycle.memory,
            Unit::Multiply => !cycle.multiply,
            Unit::Divide => !cycle.divide,
            Unit::Vector | Unit::VectorDivide => vector && (!cycle.vector_load || step.pairs_with_vector_load),
        }
    }

    /// Waits until a step can issue, and issues it.
    #[inline]
    pub(super) fn issue(&mut self, step: &Step) {
        let earliest = if self.joins(step) { self.now } else { self.now + 1 };
        let mut at = earliest.max(self.hold.0);
        for wait in step.waits.iter() {
            at = at.max(self.ready(wait.register, wait.need));
        }
        match step.unit {
            Unit::Memory => at = at.max(self.memory_hold.0),
            Unit::Divide => at = at.max(self.divider_free),
            Unit::VectorDivide => at = at.max(self.vector_divider_free),
            _ => {}
        }
        let after = u64::from(self.chip.core.issue.vector_load_after_multiply_add);
        if step.kind == Kind::VectorLoad && step.cycles == 1 && after > 0 {
            while self.multiply_add_in(at, after) {
                at += 1;
            }
        }
        if at > self.now {
            self.wait(step, at);
        }
        self.take(step);
    }

    /// Whether a multiply-add issued so many cycles before a cycle.
    fn multiply_add_in(&self, at: u64, before: u64) -> bool {
        (self.now + before).checked_sub(at).is_some_and(|ago| ago < 64 && self.multiply_adds >> ago & 1 == 1)
    }

    /// The cycle in which a register can be used.
    #[inline]
    fn ready(&self, register: u8, need: Need) -> u64 {
        let written = &self.registers[usize::from(register)];
        written.from + u64::from(self.latencies[usize::from(written.row)][need as usize])
    }

    /// Moves on to a later cycle, and counts the cause.
    fn wait(&mut self, step: &Step, at: u64) {
        self.end_cycle();
        let mut from = self.now;
        let mut until = |causes: &mut Causes, cycle: u64, cause: Cause| {
            let cycle = cycle.min(at);
            if cycle > from {
                causes.add(cause, cycle - from);
                from = cycle;
            }
        };
        until(&mut self.causes, self.hold.0, self.hold.1);
        for wait in step.waits.iter() {
            let cause = self.registers[usize::from(wait.register)].cause;
            let ready = self.ready(wait.register, wait.need);
            until(&mut self.causes, ready, cause);
        }
        match step.unit {
            Unit::Memory => until(&mut self.causes, self.memory_hold.0, self.memory_hold.1),
            Unit::Divide => until(&mut self.causes, self.divider_free, Cause::Divide),
            Unit::VectorDivide => until(&mut self.causes, self.vector_divider_free, Cause::Divide),
            _ => {}
        }
        until(&mut self.causes, at, Cause::AddendStage);
        self.move_by(at - self.now);
    }

    /// Ends the present cycle, if anything issued in it.
    pub(super) fn end_cycle(&mut self) {
        if let Some(cause) = self.cycle.cause() {
            self.causes.add(cause, 1);
            self.cycle = Cycle::default();
            self.move_by(1);
        }
    }

    /// Time goes on; nothing has issued in the present cycle.
    pub(super) fn move_by(&mut self, cycles: u64) {
        self.now += cycles;
        self.multiply_adds = if cycles < 64 { self.multiply_adds << cycles } else { 0 };
    }

    /// A step issues in the present cycle.
    #[inline]
    fn take(&mut self, step: &Step) {
        let cycle = &mut self.cycle;
        let first = cycle.slots == 0;
        cycle.slots += 1;
        cycle.vector_units += step.vector_units;
        if step.vector_units > 0 {
            cycle.pairs_with_vector_load = step.pairs_with_vector_load;
        }
        match step.unit {
            Unit::None | Unit::Vector => {}
            Unit::Memory => {
                cycle.memory = true;
                cycle.vector_load |= step.kind == Kind::VectorLoad;
            }
            Unit::Branch => cycle.closed = true,
            Unit::Multiply => cycle.multiply = true,
            Unit::Divide => {
                cycle.divide = true;
                self.divider_free = self.now + u64::from(step.busy);
            }
            Unit::VectorDivide => self.vector_divider_free = self.now + u64::from(step.busy),
        }
        if step.place == Place::Alone || step.place == Place::Second && first {
            cycle.closed = true;
        }
        if step.cycles > 1 {
            self.hold_until(self.now + u64::from(step.cycles), Cause::LongIssue);
        }
        if step.kind == Kind::FpMultiplyAdd {
            self.multiply_adds |= 1;
        }
    }
}
