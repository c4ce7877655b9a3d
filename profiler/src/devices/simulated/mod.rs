//! A simulated device: the real agent with the real engine, executed by QEMU and timed by a model of the chip.
//!
//! Each model has a process of its own, several at a time: what a model takes depends neither on those before it, nor on how the work
//! is shared, nor on what a resumed build has already. To the host they are one agent that does one model after the other.
//!
//! | module | what it holds |
//! |---|---|
//! | `transport` | a simulated device as a transport |
//! | [`device`] | a chip as a table's header states it |
//! | `process` | one model, simulated |
//! | `single` | a job of a single model |
//! | `order` | many agents heard as one |
//! | `watchdog` | how long an agent may be silent |
//! | `explain` | where the cycles went |
//! | [`error`] | what can go wrong |

pub mod device;
pub mod error;
mod explain;
mod order;
mod process;
mod single;
mod transport;
mod watchdog;

pub use error::SimulationError;
pub use transport::{Simulated, check_engine, describe};
