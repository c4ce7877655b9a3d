//! ONNX files: written from a graph, and read for what they hold.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@write`] | a graph and its weights as an ONNX file |
//! | [`mod@inspect`] | operators, shapes and multiply-adds of any ONNX file |
//! | [`mod@notes`] | free notes in a file |
//! | [`proto`] | the protobuf messages of both |

pub mod inspect;
pub mod notes;
pub mod proto;
pub mod write;

pub use inspect::{Dim, InspectError, Summary, constants, inspect};
pub use notes::{note, with_note};
pub use write::{Batch, OnnxError, Options, model};
