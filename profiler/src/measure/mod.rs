//! Jobs, their execution on a device, and the raw samples that come back.
//!
//! | module | what it holds |
//! |---|---|
//! | [`subject`] | what is measured: the overhead, a block, a piece of the trunk, a network |
//! | [`choice`] | a network of a space |
//! | [`design`] | which whole networks are measured along with the blocks |
//! | [`model`] | a model to be measured, and its file |
//! | [`expected`] | the outputs that an engine must give |
//! | [`job`], `job_error` | job folders: models, inputs, expected outputs |
//! | `parallel` | files made on all CPUs of this machine |
//! | `recipe` | networks made of the blocks' files |
//! | `writer` | their files |
//! | [`given`] | what the user says of models' inputs |
//! | [`collect`] | a job done on a device, samples into the raw file |
//! | [`fleet`] | several devices of one model |
//! | [`raw`] | raw sample files |
//! | [`trial`] | whether an engine takes the blocks of a space |
//! | [`reserve`] | files that one command alone writes |

pub mod choice;
pub mod collect;
pub mod design;
pub mod expected;
pub mod fleet;
pub mod given;
pub mod job;
mod job_error;
pub mod model;
mod parallel;
pub mod raw;
mod recipe;
pub mod reserve;
pub mod subject;
pub mod trial;
mod writer;
