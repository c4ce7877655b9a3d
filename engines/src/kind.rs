//! Which engines there are.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use crate::engine::Engine;
use crate::entry::{Delivery, Entry, ModelFormat};
use crate::error::EngineError;
use crate::{mnn, onnxruntime, tract};

/// Which engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// ONNX Runtime, from a shared library; `ort` on the command line.
    OnnxRuntime,
    /// tract, compiled in.
    Tract,
    /// MNN, compiled in.
    Mnn,
}

impl EngineKind {
    /// All of them, those too that this build does not hold: it may use a device whose agent does.
    pub const ALL: [Self; 3] = [Self::OnnxRuntime, Self::Tract, Self::Mnn];

    /// Its description.
    pub fn entry(self) -> &'static Entry {
        match self {
            Self::OnnxRuntime => &onnxruntime::ENTRY,
            Self::Tract => &tract::ENTRY,
            Self::Mnn => &mnn::ENTRY,
        }
    }

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        self.entry().name
    }

    /// What it loads.
    pub fn format(self) -> ModelFormat {
        self.entry().format
    }

    /// Whether its sessions list inputs and outputs by name, not in the model's order.
    pub fn ports_by_name(self) -> bool {
        self.entry().ports_by_name
    }

    /// Why it cannot be run on a simulated device; `None` where it can.
    pub fn not_simulated(self) -> Option<&'static str> {
        self.entry().not_simulated
    }

    /// Whether this build holds it.
    pub fn is_built(self) -> bool {
        self.entry().open.is_some()
    }

    /// The error of a build that does not hold it.
    pub fn not_built(self) -> EngineError {
        EngineError::NotBuilt { engine: self.name(), remedy: self.entry().remedy }
    }

    /// Checks that no library is named for an engine that has none.
    ///
    /// # Errors
    /// [`EngineError::NoLibrary`] where one is.
    pub fn check_library(self, named: Option<&Path>) -> Result<(), EngineError> {
        match (self.entry().delivery, named) {
            (Delivery::Library(_), _) | (Delivery::Linked, None) => Ok(()),
            (Delivery::Linked, Some(path)) => Err(EngineError::NoLibrary { engine: self.name(), path: path.to_path_buf() }),
        }
    }
}

/// Opens an engine.
///
/// `library` is the engine's shared library, where it comes as one; without it the usual places are searched
/// ([`Library::find`](crate::library::Library::find)).
///
/// # Errors
/// [`EngineError::Library`] where there is no such library, or where it cannot be loaded; [`EngineError::NoLibrary`] where one is
/// named for an engine that is compiled in; [`EngineError::NotBuilt`] where this program holds no such engine.
pub fn open(kind: EngineKind, library: Option<&Path>) -> Result<Box<dyn Engine>, EngineError> {
    kind.check_library(library)?;
    let open = kind.entry().open.ok_or_else(|| kind.not_built())?;
    open(library)
}

impl fmt::Display for EngineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for EngineKind {
    type Err = String;

    /// Reads the command line's name, or the long one of tables.
    fn from_str(s: &str) -> Result<Self, String> {
        let known = Self::ALL.into_iter().find(|kind| [kind.name(), kind.entry().full_name].contains(&s));
        known.ok_or_else(|| format!("unknown engine '{s}'; use one of {}", Self::ALL.map(Self::name).join(", ")))
    }
}
