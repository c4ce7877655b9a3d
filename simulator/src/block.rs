//! A straight piece of code, decoded for a core once and executed many times.

use crate::decode;
use crate::few::Few;
use crate::instruction::{Access, Feature, Flow, Instruction, Kind, PrefetchTarget, Role};
use crate::pointers::Effect;
use crate::register::Register;
use crate::rules::{Core, Need, Place, Unit};

/// Rows of the table of latencies: kinds, kinds at 128 bits, and the updated base of an access.
pub(crate) const ROWS: usize = 2 * Kind::COUNT + 1;

/// The row of an updated base.
const BASE_ROW: u8 = (2 * Kind::COUNT) as u8;

/// A register that an instruction waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub register: u8,
    pub need: Need,
}

/// A register that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub register: Register,
    /// Row of its latencies.
    pub row: u8,
    /// Cycles after issue from which the latency counts.
    pub delay: u8,
}

impl Output {
    /// Whether it is the updated base of an access, which does not wait for the data.
    pub(crate) fn is_base(self) -> bool {
        self.row == BASE_ROW
    }
}

/// An instruction as the pipeline sees it.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub waits: Few<Wait, 7>,
    pub results: Few<Output, 6>,
    pub kind: Kind,
    pub place: Place,
    pub unit: Unit,
    /// Vector pipelines that it takes.
    pub vector_units: u8,
    /// Cycles over which it issues.
    pub cycles: u8,
    /// Cycles for which its unit takes no other.
    pub busy: u8,
    /// Whether a vector load pairs with it.
    pub pairs_with_vector_load: bool,
    /// Floating-point multiply-adds that it does.
    pub multiply_adds: u8,
    pub access: Option<Access>,
    pub prefetch: PrefetchTarget,
    pub flow: Option<Flow>,
    pub effect: Effect,
    pub word: u32,
    pub feature: Option<Feature>,
}

/// A block: instructions one after the other, of which the last may branch.
///
/// It is decoded for one core; [`Simulator::execute`](crate::Simulator::execute) takes blocks of its own core.
#[derive(Clone, Debug)]
pub struct Block {
    address: u64,
    pub(crate) steps: Box<[Step]>,
}

impl Block {
    /// Decodes the words that stand at an address.
    pub fn new(core: &Core, address: u64, words: &[u32]) -> Self {
        let steps =
            words.iter().zip((address..).step_by(4)).map(|(word, address)| Step::new(core, &decode(*word), address)).collect();
        Self { address, steps }
    }

    /// Address of its first instruction.
    pub fn address(&self) -> u64 {
        self.address
    }

    /// Address behind its last instruction.
    pub fn end(&self) -> u64 {
        self.address.wrapping_add(4 * self.steps.len() as u64)
    }

    /// Number of instructions.
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether it has no instruction.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// Whether an instruction of it reads or writes memory, so that an emulator must report its accesses. Prefetches count: the
    /// address that is reported is used; where none is reported, it is inferred.
    pub fn touches_memory(&self, instruction: usize) -> bool {
        self.steps.get(instruction).is_some_and(|step| step.kind.touches_memory())
    }
}

impl Step {
    fn new(core: &Core, instruction: &Instruction, address: u64) -> Self {
        let Instruction { kind, wide, access, .. } = *instruction;
        let timing = &core.kinds[&kind];
        let cycles = issue_cycles(core, instruction);
        let vector = matches!(timing.unit, Unit::Vector | Unit::VectorDivide);
        let place = match cycles {
            2.. => Place::Alone,
            // The one rule that is for 128-bit operations alone; others keep theirs.
            _ if vector && wide && timing.place == Place::Any => core.issue.wide_vector_place,
            _ => timing.place,
        };
        let mut waits = Few::new(Wait { register: 0, need: Need::Alu });
        for read in instruction.reads.iter() {
            if let Some(need) = need(kind, read.role, read.register) {
                waits.push(Wait { register: read.register.index() as u8, need });
            }
        }
        Self {
            waits,
            results: results(instruction, cycles),
            kind,
            place,
            unit: timing.unit,
            vector_units: match (vector, wide) {
                (false, _) => 0,
                (true, false) => 1,
                (true, true) => core.issue.vector_units.min(2),
            },
            cycles,
            busy: if wide { timing.wide_busy.unwrap_or(timing.busy) } else { timing.busy },
            pairs_with_vector_load: !wide && core.issue.vector_load_pairs_with.contains(&kind),
            multiply_adds: multiply_adds(instruction),
            access,
            prefetch: instruction.prefetch,
            flow: instruction.flow,
            effect: Effect::of(instruction, address),
            word: instruction.word,
            feature: instruction.feature,
        }
    }
}

/// Floating-point multiply-adds of an instruction: one an element.
fn multiply_adds(instruction: &Instruction) -> u8 {
    let word = instruction.word;
    // Arm ARM, C4.1: bit 28 is set in scalar instructions, bit 22 where elements are doubles.
    match (instruction.kind, word >> 28 & 1, word >> 22 & 1) {
        (Kind::FpMultiplyAdd, 0, 0) => 2 << u8::from(instruction.wide),
        (Kind::FpMultiplyAdd, 0, _) => 1 << u8::from(instruction.wide),
        (Kind::FpMultiplyAdd, ..) => 1,
        _ => 0,
    }
}

/// Cycles over which an instruction issues.
fn issue_cycles(core: &Core, instruction: &Instruction) -> u8 {
    let Some(access) = instruction.access else { return 1 };
    let issue = &core.issue;
    let over = |bytes_a_cycle: u16| access.bytes.div_ceil(bytes_a_cycle).clamp(1, 64) as u8;
    match instruction.kind {
        Kind::LoadPair => over(issue.load_pair_bytes),
        Kind::VectorLoad => over(issue.vector_load_bytes) + if access.interleaved { issue.interleaved_load_cycles } else { 0 },
        Kind::Store => over(issue.store_bytes),
        Kind::VectorStore => over(issue.vector_store_bytes),
        _ => 1,
    }
}

/// What an instruction writes, and when.
fn results(instruction: &Instruction, cycles: u8) -> Few<Output, 6> {
    let row = instruction.kind as u8 + if instruction.wide { Kind::COUNT as u8 } else { 0 };
    let updates = instruction.updates_base();
    let data = instruction.writes.len() - usize::from(updates);
    let mut results = Few::new(Output { register: Register::SP, row: 0, delay: 0 });
    for (k, register) in instruction.writes.iter().enumerate() {
        results.push(if k < data {
            // Of several registers each is ready as soon as its bytes are; separated elements are ready together.
            let part = if instruction.access.is_some_and(|access| access.interleaved) { data } else { k + 1 };
            let delay = (usize::from(cycles) * part).div_ceil(data) - 1;
            Output { register: *register, row, delay: delay as u8 }
        } else {
            Output { register: *register, row: BASE_ROW, delay: 0 }
        });
    }
    results
}

/// What an instruction needs an operand for; `None` where it does not wait for it.
fn need(kind: Kind, role: Role, register: Register) -> Option<Need> {
    Some(match (role, kind) {
        (Role::OtherHalf, _) => return None,
        (Role::Address, _) => Need::Address,
        (Role::Data, _) if register.is_vector() => Need::VectorStore,
        (Role::Data, _) => Need::Store,
        (Role::Addend, Kind::Multiply) => Need::MultiplyAddend,
        (Role::Addend, Kind::FpMultiplyAdd) => Need::FpAddend,
        (Role::Addend, Kind::VectorMultiplyAdd) => Need::VectorAddend,
        (_, Kind::Multiply | Kind::Divide) => Need::Multiply,
        (_, Kind::Branch) => Need::Branch,
        (_, Kind::FromGeneral) => Need::FromGeneral,
        (_, Kind::Insert) if register.is_general() => Need::Insert,
        (_, Kind::ConvertFromGeneral) => Need::Convert,
        (Role::Shifted, _) | (_, Kind::Move | Kind::ShiftByRegister) => Need::Shifted,
        (_, Kind::Alu | Kind::AluShifted | Kind::Extract | Kind::BranchToRegister | Kind::System) => Need::Alu,
        _ => Need::Vector,
    })
}

/// The table of latencies: by the row of the result, by the need.
pub(crate) fn latencies(core: &Core) -> Box<[[u8; Need::COUNT]; ROWS]> {
    let mut table = Box::new([[0; Need::COUNT]; ROWS]);
    for (kind, timing) in &core.kinds {
        for (wide, row) in [(false, *kind as usize), (true, *kind as usize + Kind::COUNT)] {
            let latency = if wide { timing.wide_latency.unwrap_or(timing.latency) } else { timing.latency };
            table[row] = [latency; Need::COUNT];
            // Latencies for single consumers are those of the shorter operation.
            let longer = latency - timing.latency.min(latency);
            for (need, cycles) in &timing.to {
                table[row][*need as usize] = cycles + longer;
            }
        }
    }
    table[usize::from(BASE_ROW)] = [core.issue.base_latency; Need::COUNT];
    table
}
