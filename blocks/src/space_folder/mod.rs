//! A search space of anybody's blocks: a folder with `space.toml` and an ONNX file for each block.
//!
//! | module | what it holds |
//! |---|---|
//! | [`mod@folder`] | a space, read |
//! | [`fault`] | what may be wrong, and where |
//! | `manifest` | `space.toml` |
//! | [`slots`] | fixed pieces and layers, their candidates and wires |
//! | `files` | the blocks, read |
//! | `shapes` | shapes along the wires |
//! | `keys` | what blocks are called in tables |
//! | `outputs` | what leaves the network |
//! | `network` | whole networks |
//! | `measured` | a folder as it is measured |

pub mod fault;
mod files;
pub mod folder;
mod keys;
mod manifest;
mod measured;
mod network;
mod outputs;
mod shapes;
pub mod slots;

pub use fault::{FaultKind, FolderError, FolderFault, Place};
pub use folder::{MANIFEST, SpaceFolder};
pub use slots::{Candidate, Slot};
