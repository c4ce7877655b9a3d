//! Inference engines behind one trait.
//!
//! An [`Engine`] is a library that runs ONNX files; a [`Session`] is one model made ready in it. What is timed is
//! [`Session::run`] alone: inputs are handed over before, outputs are copied out after.
//!
//! | module | what it holds |
//! |---|---|
//! | [`engine`] | the traits, and what an engine says of itself |
//! | [`library`] | where a shared library is looked for, and whether it can be loaded at all |
//! | [`onnxruntime`] | ONNX Runtime |

pub mod engine;
pub mod library;
pub mod onnxruntime;

use std::path::Path;

pub use engine::{Engine, EngineError, EngineInfo, EngineKind, Port, Session, SessionOptions};

/// Opens an engine.
///
/// `library` is the engine's shared library; without it the usual places are searched ([`library::find`]).
///
/// # Errors
/// [`EngineError::Library`] where there is no such library, or where it cannot be loaded.
pub fn open(kind: EngineKind, library: Option<&Path>) -> Result<Box<dyn Engine>, EngineError> {
    match kind {
        EngineKind::OnnxRuntime => Ok(Box::new(onnxruntime::OnnxRuntime::open(library)?)),
    }
}
