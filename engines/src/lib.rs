//! Inference engines behind one trait.
//!
//! An [`Engine`] is what runs model files; a [`Session`] is one model made ready in it. What is timed is
//! [`Session::run`] alone: inputs are handed over before, outputs are copied out after. Both are [`Value`]s.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kind`] | which engines there are: one entry an engine |
//! | [`engine`] | the traits, and what an engine says of itself |
//! | [`elf`] | for which system a program or library is made |
//! | [`value`] | what goes into a model and comes out: numbers of any type, in any shape |
//! | [`library`] | where a shared library is looked for, and whether it can be loaded at all |
//! | `onnxruntime` | ONNX Runtime, from a shared library (feature `onnxruntime`, on by default) |
//! | `tract` | tract, in pure Rust and compiled in (feature `tract`) |
//! | [`mnn`] | MNN, in C++ and compiled in (feature `mnn`); the converter that makes its files of ONNX, in every build |

pub mod elf;
pub mod engine;
pub mod kind;
pub mod library;
pub mod mnn;
#[cfg(feature = "onnxruntime")]
pub mod onnxruntime;
#[cfg(feature = "tract")]
pub mod tract;
// Its tests need no tract.
#[cfg(all(test, not(feature = "tract")))]
#[allow(dead_code, reason = "only tests use it")]
#[path = "tract/cpu.rs"]
mod tract_cpu;
pub mod value;

use std::path::Path;

pub use engine::{Engine, EngineError, EngineInfo, Session, SessionOptions};
pub use kind::{Delivery, EngineKind, ModelFormat};
pub use value::{Dim, Element, Port, Value};

/// Opens an engine.
///
/// `library` is the engine's shared library, where it comes as one; without it the usual places are searched
/// ([`library::find`]).
///
/// # Errors
/// [`EngineError::Library`] where there is no such library, or where it cannot be loaded; [`EngineError::NoLibrary`] where one is
/// named for an engine that is compiled in; [`EngineError::NotBuilt`] where this program holds no such engine.
pub fn open(kind: EngineKind, library: Option<&Path>) -> Result<Box<dyn Engine>, EngineError> {
    kind.check_library(library)?;
    match kind {
        #[cfg(feature = "onnxruntime")]
        EngineKind::OnnxRuntime => Ok(Box::new(onnxruntime::OnnxRuntime::open(library)?)),
        #[cfg(feature = "tract")]
        EngineKind::Tract => Ok(Box::new(tract::Tract::open()?)),
        #[cfg(feature = "mnn")]
        EngineKind::Mnn => Ok(Box::new(mnn::Mnn::open())),
        #[cfg(not(all(feature = "onnxruntime", feature = "tract", feature = "mnn")))]
        engine => Err(EngineError::NotBuilt { engine }),
    }
}
