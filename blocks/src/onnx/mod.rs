//! ONNX files: written from a graph, and read for what they hold.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@write`] | a graph and its weights as an ONNX file |
//! | [`mod@inspect`] | what any ONNX file holds |
//! | `shapes`, `macs` | shapes inside a file, and the multiply-adds |
//! | [`mod@file`], `beside` | other people's files, and the files beside them that hold their weights |
//! | [`block`] | a piece of a network, read for being measured and joined |
//! | [`join`] | blocks joined into one network |
//! | [`wire`] | a file with its tensors replaced, all else byte for byte |
//! | [`mod@notes`] | free notes in a file |
//! | [`proto`] | the protobuf messages that this project's own files need |
//! | [`schema`] | all protobuf messages of ONNX |
//! | [`mod@error`], [`mod@file_error`] | why a file cannot be inspected, or not be used |
//! | `size` | how many parts a file may have |

mod beside;
pub mod block;
pub mod error;
pub mod file;
pub mod file_error;
pub mod inspect;
pub mod join;
mod macs;
pub mod notes;
pub mod proto;
pub mod schema;
mod shapes;
mod size;
pub mod wire;
pub mod write;

pub use error::InspectError;
pub use file::{ModelFile, read};
pub use file_error::{DataFault, FileError};
pub use inspect::{Dim, Summary, constants, inspect};
pub use notes::{note, with_note};
pub use write::{Batch, OnnxError, Options, model};
