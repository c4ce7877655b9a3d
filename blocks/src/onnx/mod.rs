//! ONNX files: written from a graph, and read for what they hold.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@write`] | a graph and its weights as an ONNX file |
//! | [`mod@inspect`] | operators, shapes and multiply-adds of any ONNX file |
//! | [`proto`] | the protobuf messages of both |
//! | `size` | how many parts a file may have |

pub mod inspect;
pub mod proto;
mod size;
pub mod write;

pub use inspect::{Dim, InspectError, Summary, constants, inspect};
pub use write::{Batch, OnnxError, Options, model};
