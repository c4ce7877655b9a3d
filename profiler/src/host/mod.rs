//! The host's side: prepares jobs, has a device do them, turns samples into figures.
//!
//! | module | what it holds |
//! |---|---|
//! | [`cli`] | the command line |
//! | [`transport`] | ways to a device |
//! | [`job`] | job folders: ONNX files, inputs, expected outputs |
//! | [`collect`] | a job done on a device, samples into the raw file |
//! | [`raw`] | raw sample files |
//! | [`design`] | which whole networks are measured along with the blocks |
//! | [`fit`] | block latencies from blocks alone and whole networks |
//! | [`build`], [`check`], [`mod@bench`], [`candidates`], [`devices`], [`lut`], [`nni`] | the commands |

pub mod bench;
pub mod build;
pub mod candidates;
pub mod check;
pub mod cli;
pub mod collect;
pub mod design;
pub mod devices;
pub mod error;
pub mod fit;
pub mod interrupt;
pub mod job;
pub mod lut;
pub mod nni;
pub mod quantity;
pub mod raw;
pub mod text;
pub mod transport;

pub use cli::main;
pub use error::HostError;
