//! Runs programs for aarch64 Linux in simulated time: QEMU's user emulation executes them, a plugin in it tells the [`simulator`] what
//! they execute.
//!
//! ```no_run
//! use emulator::{Emulator, Run};
//!
//! let chip = simulator::Chip::find("sd625")?;
//! let emulator = Emulator::find(Some("/home/me/.cache/blocktime".as_ref()))?;
//! let mut prepared = emulator.prepare(&Run::new(&chip, "program".as_ref()))?;
//! prepared.command().status()?;
//! println!("{} cycles", prepared.report()?.regions[0].cycles);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`find`] | QEMU and the plugin on this machine |
//! | [`run`] | a program, started and reported on |
//! | [`files`] | files that the program sees in place of the host's |
//! | [`symbols`] | names of the functions that took the time |
//! | [`trust`] | what makes a report unfit to be used |
//! | [`error`] | what can go wrong |

pub mod error;
pub mod files;
pub mod find;
pub mod run;
pub mod symbols;
pub mod trust;

pub use error::EmulatorError;
pub use find::{Emulator, Identity};
pub use run::{Prepared, Run};
pub use symbols::Functions;
pub use trust::Distrust;
