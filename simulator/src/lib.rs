//! A model of in-order ARMv8 cores and their memory, in cycles.

pub mod decode;
mod few;
pub mod instruction;
pub mod register;

pub use decode::decode;
pub use few::Few;
pub use instruction::{Access, Feature, Flow, Instruction, Kind, Offset, PrefetchTarget, Read, Role, Update};
pub use register::Register;
