//! Inference engines behind one trait.
//!
//! An [`Engine`] is what runs model files; a [`Session`] is one model made ready in it. What is timed is
//! [`Session::run`] alone: inputs are handed over before, outputs are copied out after. Both are [`Value`]s.
//!
//! Each engine has a folder, which describes it once ([`Entry`]): its names, what it loads, how it gets onto a device, what to do when it
//! is missing.
//!
//! | module | what it holds |
//! |---|---|
//! | [`engine`] | the traits, and what an engine says of itself |
//! | [`kind`] | which engines there are |
//! | [`entry`] | what other crates need to know of each |
//! | [`convert`] | ONNX files made into those of an engine that has a format of its own |
//! | [`error`] | what can go wrong |
//! | [`value`] | what goes into a model and comes out: numbers of any type, in any shape |
//! | [`library`] | where a shared library is looked for, and whether it can be loaded at all |
//! | [`elf`] | for which system a program or library is made |
//! | [`onnxruntime`] | ONNX Runtime, from a shared library (feature `onnxruntime`, on by default) |
//! | [`tract`] | tract, in pure Rust and compiled in (feature `tract`) |
//! | [`mnn`] | MNN, in C++ and compiled in (feature `mnn`); the converter that makes its files of ONNX, in every build |
//!
//! ```
//! use engines::EngineKind;
//!
//! let engine: EngineKind = "mnn".parse()?;
//! assert_eq!(engine.format().ending(), "mnn");
//! if engine.is_built() {
//!     println!("{}", engines::open(engine, None)?.info());
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod convert;
pub mod element;
pub mod elf;
pub mod engine;
pub mod entry;
pub mod error;
pub mod kind;
pub mod library;
pub mod mnn;
pub mod onnxruntime;
pub mod port;
pub mod tract;
pub mod value;

pub use convert::{ConvertError, Converter};
pub use element::Element;
pub use engine::{Engine, EngineInfo, Session, SessionOptions};
pub use entry::{Delivery, Entry, ModelFormat, Setup};
pub use error::EngineError;
pub use kind::{EngineKind, open};
pub use port::{Dim, Port};
pub use value::Value;
