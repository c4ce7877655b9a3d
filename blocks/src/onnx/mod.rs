//! ONNX files: written from a graph, and read for what they hold.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@write`] | a graph and its weights as an ONNX file |
//! | [`mod@inspect`] | operators, shapes and multiply-adds of any ONNX file |
//! | [`mod@file`] | other people's files, with weights that lie beside them |
//! | [`wire`] | a file with its tensors replaced, all else byte for byte |
//! | [`mod@notes`] | free notes in a file |
//! | [`proto`] | the protobuf messages of all |
//! | [`mod@error`] | why a file cannot be read |
//! | `size` | how many parts a file may have |

pub mod error;
pub mod file;
pub mod inspect;
pub mod notes;
pub mod proto;
mod size;
pub mod wire;
pub mod write;

pub use error::InspectError;
pub use file::{FileError, ModelFile, read};
pub use inspect::{Dim, Summary, constants, inspect};
pub use notes::{note, with_note};
pub use write::{Batch, OnnxError, Options, model};
