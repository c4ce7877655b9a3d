//! A model of in-order ARMv8 cores and their memory, in cycles.

pub mod block;
mod cache;
pub mod causes;
pub mod chip;
pub mod counters;
pub mod decode;
pub mod error;
mod few;
pub mod instruction;
mod memory;
mod pointers;
mod predictor;
mod prefetcher;
pub mod register;
pub mod rules;
pub mod simulator;
mod tlb;
mod write_stream;

pub use block::Block;
pub use causes::{Cause, Causes};
pub use chip::Chip;
pub use counters::{Counters, MemoryCounters};
pub use decode::decode;
pub use error::ChipError;
pub use few::Few;
pub use instruction::{Access, Feature, Flow, Instruction, Kind, Offset, PrefetchTarget, Read, Role, Update};
pub use register::Register;
pub use rules::Core;
pub use simulator::{MemoryAccess, Simulator};
