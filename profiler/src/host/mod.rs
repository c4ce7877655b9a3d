//! The host's side: prepares jobs, has a device do them, turns samples into figures.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`transport`] | ways to a device |
//! | [`job`] | job folders: ONNX files, inputs, expected outputs |
//! | [`given`] | what the user says of models' inputs |
//! | [`collect`] | a job done on a device, samples into the raw file |
//! | [`raw`] | raw sample files |
//! | [`reserve`] | files that one command alone writes |
//! | [`design`] | which whole networks are measured along with the blocks |
//! | [`readings`] | what samples say of each model |
//! | [`neighbour`] | what a neighbour on the core does to samples, taken out |
//! | [`cluster`] | by how much wider intervals are, since processes differ |
//! | [`fit`] | block latencies from blocks alone and whole networks |
//! | [`fitted`] | from samples to a table |
//! | [`plausibility`] | rows that are faster than the processor can be |
//! | [`units`] | several units of one model |
//! | [`conditions`] | in what two tables' conditions differ |
//! | [`identity`] | whether two measurements are of one device and one engine |
//! | [`output`] | what is said, and results |
//! | `explain` | where simulated time goes |
//! | [`picture`] | pictures for people: SVG, PNG, HTML |
//! | [`build`], [`check`], [`mod@bench`], `simulate`, [`candidates`], [`devices`], [`lut`], [`diff`], [`merge`],
//! [`net`], [`nni`] | the commands |

pub mod bench;
pub mod build;
pub mod candidates;
pub mod check;
pub mod cli;
pub mod cluster;
pub mod collect;
pub mod conditions;
pub mod design;
pub mod devices;
pub mod diff;
pub mod error;
#[cfg(test)]
mod examples;
#[cfg(not(target_os = "android"))]
pub mod explain;
pub mod fit;
pub mod fitted;
pub mod given;
pub mod identity;
pub mod interrupt;
pub mod job;
pub mod lut;
pub mod merge;
pub mod neighbour;
pub mod net;
pub mod nni;
pub mod output;
pub mod picture;
pub mod plausibility;
pub mod quantity;
pub mod raw;
pub mod readings;
pub mod reserve;
#[cfg(not(target_os = "android"))]
pub mod simulate;
pub mod text;
pub mod transport;
pub mod units;

pub use cli::main;
pub use error::HostError;
