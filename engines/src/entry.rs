//! What the other crates need to know of an engine; not how it computes. Each engine's folder has one [`Entry`]; code that finds, sends or
//! starts an engine reads its entry and knows no engine by name.

use std::path::Path;

use crate::convert::{ConvertError, Converter, OwnFormat};
use crate::engine::Engine;
use crate::error::EngineError;
use crate::library::Library;

/// An engine's description.
#[derive(Debug)]
pub struct Entry {
    /// Its name on the command line: `ort`.
    pub name: &'static str,
    /// Its name in tables and messages: `onnxruntime`.
    pub full_name: &'static str,
    /// What it loads.
    pub format: ModelFormat,
    /// Whether its sessions list inputs and outputs by name, not in the model's order.
    pub ports_by_name: bool,
    /// How it gets onto a device.
    pub delivery: Delivery,
    /// The agents that can run it.
    pub agents: Agents,
    /// How to get a program for this machine that holds it.
    pub remedy: &'static str,
    /// What fetches what it needs beside such a program; `None` where it needs nothing.
    pub setup: Option<Setup>,
    /// Why it cannot be run on a simulated device; `None` where it can.
    pub not_simulated: Option<&'static str>,
    /// The environment variables that decide which engine is run, or how.
    pub environment: &'static [&'static str],
    /// Opens it; `None` in a program that was built without it. The path names its library, where it has one.
    pub open: Option<Open>,
}

/// Opens an engine; the path names its library.
pub type Open = fn(Option<&Path>) -> Result<Box<dyn Engine>, EngineError>;

/// The kind of file that an engine loads.
#[derive(Clone, Copy, Debug)]
pub enum ModelFormat {
    /// ONNX.
    Onnx,
    /// One of its own, made of ONNX.
    Own(&'static OwnFormat),
}

impl ModelFormat {
    /// How the names of its files end, without the dot.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::Own(format) => format.ending,
        }
    }

    /// What makes its files of ONNX files; `None` where they are ONNX files.
    ///
    /// # Errors
    /// [`ConvertError::Missing`], [`ConvertError::Start`], [`ConvertError::Version`].
    pub fn converter(self) -> Result<Option<Box<dyn Converter>>, ConvertError> {
        match self {
            Self::Onnx => Ok(None),
            Self::Own(format) => format.converter().map(Some),
        }
    }
}

/// A script that fetches what an engine needs; `profiler setup NAME` runs it.
#[derive(Debug)]
pub struct Setup {
    /// What it fetches, for the help: `Converter of MNN`.
    pub fetches: &'static str,
    /// Its name in `scripts/`.
    pub script: &'static str,
    /// Its text: an installed program has no folder `scripts/`.
    pub text: &'static str,
}

/// How an engine gets onto a device.
#[derive(Clone, Copy, Debug)]
pub enum Delivery {
    /// It is part of the agent.
    Linked,
    /// It is a shared library, which is sent beside the agent and loaded by it.
    Library(&'static Library),
}

/// The builds of the agent that can run an engine. Each build is named by what follows the architecture in its target.
#[derive(Debug)]
pub struct Agents {
    /// Those of `scripts/build-agent.sh`: `linux-gnu` lies in `agents/aarch64-linux-gnu` in the cache folder.
    pub prepared: Builds,
    /// Those that `cross build` makes.
    pub crossed: Builds,
    /// How to get one.
    pub advice: &'static str,
}

/// Builds by the system of the device, the best first.
#[derive(Debug)]
pub struct Builds {
    /// For Android.
    pub android: &'static [&'static str],
    /// For other Linux systems.
    pub linux: &'static [&'static str],
}

impl Builds {
    /// Those for a device.
    pub fn of(&self, android: bool) -> &'static [&'static str] {
        if android { self.android } else { self.linux }
    }
}
