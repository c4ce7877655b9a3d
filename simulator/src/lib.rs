//! A model of in-order ARMv8 cores and their memory, in cycles.
//!
//! It executes nothing. An emulator, which is not part of this crate, reports the executed instructions and the accessed addresses; the
//! model computes how many cycles a core would have taken, and what for.
//!
//! A [`Chip`] (`sd625`, `qrb2210`, `rpi3b`, or your own TOML file) is a [`Core`] (`cortex-a53`, or a file) at a clock, with a
//! second-level cache and memory. A [`Block`] is decoded for a core once, and executed many times:
//!
//! ```
//! use simulator::{Block, Cause, Chip, MemoryAccess, Simulator};
//!
//! let mut simulator = Simulator::new(Chip::find("sd625")?);
//! // ldr q0, [x1], #16; fmla v1.4s, v0.4s, v2.4s; subs x3, x3, #1; b.ne to the first
//! let words = [0x3cc1_0420, 0x4e22_cc01, 0xf100_0463, 0x54ff_ffa1];
//! let block = Block::new(&simulator.chip().core, 0x40_0000, &words);
//! for k in 0..1000 {
//!     let access = MemoryAccess { instruction: 0, bytes: 16, address: 0x10_0000 + 16 * (k % 64) };
//!     simulator.execute(&block, &[access], block.address());
//! }
//! assert_eq!(simulator.causes().total(), simulator.cycles());
//! assert!(simulator.causes().of(Cause::LongIssue) >= 1000, "128-bit loads issue over two cycles");
//! assert_eq!(simulator.counters().unknown(), 0);
//! # Ok::<(), simulator::ChipError>(())
//! ```
//!
//! [`Feed`] takes an emulator's events as they come: a block begins, an access, the next block begins.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@decode`] | from a word to registers read and written, and a kind |
//! | [`instruction`], [`register`] | what that is |
//! | [`rules`] | what makes one core differ from another: a core's file |
//! | [`chip`] | a chip's file |
//! | [`block`] | code, decoded for a core |
//! | [`simulator`](mod@simulator) | the pipeline: pairs, waiting, and what for |
//! | [`feed`] | from an emulator's events to executions |
//! | [`marks`] | how a program marks what of it counts |
//! | [`causes`], [`counters`], [`report`] | the results |
//! | [`mod@validation`] | how close it comes to real chips |
//! | [`error`] | everything that can be wrong with a file |
//!
//! # What is modelled
//!
//! - **Issue** in order, one or two a cycle, by the units that instructions take: one load/store pipeline, one multiplier, one branch
//!   a cycle, vector pipelines of 64 bits; instructions that go first, second or alone; loads and stores that issue over several
//!   cycles; a divider that is busy.
//! - **Waiting** for operands, by the kind of the result and by what needs it: forwarding between arithmetic, into addresses,
//!   stores, branches, addends; a 64-bit lane does not wait for the other.
//! - **Data**: a first-level cache with pseudo-random replacement, lines on their way, a number of loads and of stores that miss at a
//!   time, a prefetcher of misses at a fixed distance, `prfm` into either level, lines written in full that are not fetched, `dc zva`;
//!   a second level, which takes data in when they leave the first, and memory, each with a latency and a line every so many cycles;
//!   written lines that are written back.
//! - **Translation**: a small table and a main one, and a constant time for a walk.
//! - **Instructions**: a first-level cache, and the line behind one that misses. **Branches**: directions by a global history, a stack
//!   of returns, the last target of other branches to a register; a constant time for a misprediction.
//!
//! Results are the same on every host: cycles are whole numbers, there is no other arithmetic, and it does not matter where an emulator
//! ends a block.
//!
//! # How close it is
//!
//! `simulator/validation/README.md` compares it with published times of real chips, and says which figures were fitted on what: 3.6 % mean absolute
//! error on tract's matrix kernels with operands in the caches, 5 % on matrix × vector, 7 % where operands stream from memory, 8 % on three
//! whole networks of ncnn. Figures marked `?` in a core's file are chosen, not sourced.
//!
//! # What is not
//!
//! - Times that depend on numbers: integer divisions (8 cycles always), denormal numbers, early ends.
//! - Forwarding from a store to a load of the same address, and a load that crosses a line taking longer: both go at full speed.
//! - Instructions fetched after a misprediction; the fetch queue; the bubble of a taken branch, which is said to be hidden.
//! - Banks of memory, and its refresh: one row is open at a time. Physical addresses: caches are indexed by those
//!   that the program sees. Walks through page tables take time, but no place in caches.
//! - Other cores, and the system: what they take from caches and memory. Exclusive accesses and barriers are cheap.
//! - Extensions after ARMv8.0: named, counted, and given one cycle alone.

/// The model's version. It goes up when any program's cycles change by code: tables of two versions are not mixed. What stands in files of
/// cores and chips is covered by their hash.
pub const MODEL: u32 = 4;

pub mod block;
mod cache;
pub mod causes;
pub mod chip;
pub mod counters;
pub mod decode;
pub mod error;
pub mod feed;
mod few;
pub mod instruction;
pub mod marks;
mod memory;
mod pointers;
mod predictor;
mod prefetcher;
pub mod register;
pub mod report;
pub mod rules;
pub mod simulator;
mod tlb;
pub mod validation;
mod write_stream;

pub use block::Block;
pub use causes::{Cause, Causes};
pub use chip::Chip;
pub use counters::{Counters, MemoryCounters};
pub use decode::decode;
pub use error::ChipError;
pub use feed::{Executed, Feed};
pub use few::Few;
pub use instruction::{Access, Feature, Flow, Instruction, Kind, Offset, PrefetchTarget, Read, Role, Update};
pub use register::Register;
pub use report::{Region, Report, Settings};
pub use rules::Core;
pub use simulator::{MemoryAccess, Simulator};
pub use validation::{Compared, validation};
