//! Raw sample files: what was asked for, then everything that the agent said.
//!
//! While measuring, the file is called `NAME.part` and holds the request and the agent's own lines, one JSON object each: what a
//! killed process leaves can be resumed, and a last line cut in half is ignored. When everything is measured it is packed and gets
//! its name. docs/src/tables.md says how to read it with Python.
//!
//! | module | what it holds |
//! |---|---|
//! | `request` | the first line |
//! | `samples` | samples, gathered |
//! | `rounded` | how much of a sample is kept |
//! | `lines` | lines of a file, and what can be wrong with them |
//! | `read` | reading a file |
//! | `file` | writing it |
//! | `kept` | samples that are kept where a command fails |
//! | `error` | what can be wrong |
//! | `packed` | the form of a finished one |
//! | `columns` | samples as columns of whole numbers |

mod columns;
mod error;
mod file;
mod kept;
mod lines;
mod packed;
mod read;
mod request;
mod rounded;
mod samples;
#[cfg(test)]
mod tests;

pub use error::RawError;
pub use file::{LIMIT, RawFile, beside, partial};
pub use kept::Kept;
pub use read::{read, read_from, request};
pub use request::{Purpose, Request};
pub use rounded::digits;
pub use samples::{ItemSamples, Samples};
