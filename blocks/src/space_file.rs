//! Search spaces read from TOML; those in `spaces/` are built in and the examples to copy.
//!
//! A space is checked whole when it is read: unknown primitives, primitives that cannot stand at a layer, and shapes that do not chain are
//! errors that name the place.

use std::path::Path;

use serde::Deserialize;

use crate::shape::Shape;
use crate::space::Space;
use crate::space_fault::{FILE_LIMIT, LIMIT, SpaceFault, SpaceFaultKind, SpacePlace};
use crate::space_layers::{StageFile, read_layers};
use crate::trunk::Trunk;

/// Names and texts of the spaces that need no file.
const BUILT_IN: [(&str, &str); 3] = [
    ("pfld", include_str!("../spaces/pfld.toml")),
    ("pfld26", include_str!("../spaces/pfld26.toml")),
    ("pfld-full", include_str!("../spaces/pfld-full.toml")),
];

/// Why a search space cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// Neither built in nor there.
    #[error("no search space '{name}': it is neither built in ({}), nor a TOML file, nor a folder of ONNX files", built_in_names())]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// A folder, where only primitives are of use.
    #[error("search space {path} is a folder, but this command takes a built-in one ({}) or a TOML file only", built_in_names())]
    Folder {
        /// The folder.
        path: String,
    },
    /// The file cannot be read.
    #[error("cannot read the search space {path}")]
    Read {
        /// The file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
    /// Something else, as downloads leave it.
    #[error("search space {origin} {impostor}")]
    Impostor {
        /// The file.
        origin: String,
        /// What it is.
        impostor: files::Impostor,
    },
    /// Not TOML, or not the fields of a space.
    #[error("search space {origin} is not valid:\n{source}")]
    Syntax {
        /// File or built-in name.
        origin: String,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// Read, but it makes no sense; all faults at once.
    #[error("search space {origin} is not valid:{}", .faults.iter().map(|f| format!("\n  {f}")).collect::<String>())]
    Faults {
        /// File or built-in name.
        origin: String,
        /// One line a fault.
        faults: Vec<SpaceFault>,
    },
}

fn built_in_names() -> String {
    BUILT_IN.map(|(name, _)| name).join(", ")
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SpaceFile {
    name: String,
    input: [usize; 3],
    trunk: Option<TrunkFile>,
    stage: Vec<StageFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrunkFile {
    kind: String,
    side_layer: Option<usize>,
    features_layer: Option<usize>,
}

impl Space {
    /// The built-in space of that name, or else the file at that path.
    pub fn load(name_or_path: &str) -> Result<Self, SpaceError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name);
        }
        let path = Path::new(name_or_path);
        if path.is_dir() {
            return Err(SpaceError::Folder { path: name_or_path.to_string() });
        }
        if !path.is_file() {
            return Err(SpaceError::Unknown { name: name_or_path.to_string() });
        }
        let failed = |source| SpaceError::Read { path: name_or_path.to_string(), source };
        let bytes = files::read_start(path, FILE_LIMIT as u64 + 1).map_err(failed)?;
        if let Some(impostor) = files::impostor(&bytes) {
            return Err(SpaceError::Impostor { origin: name_or_path.to_string(), impostor });
        }
        let text = std::str::from_utf8(files::without_mark(&bytes));
        Self::parse(text.map_err(|e| failed(std::io::Error::new(std::io::ErrorKind::InvalidData, e)))?, name_or_path)
    }

    /// Whether a space of this name needs no file.
    pub fn is_built_in(name: &str) -> bool {
        BUILT_IN.iter().any(|(built_in, _)| *built_in == name)
    }

    /// Reads and checks a space; `origin` (a file name) stands in the errors.
    pub fn parse(text: &str, origin: &str) -> Result<Self, SpaceError> {
        let failed = |faults| SpaceError::Faults { origin: origin.to_string(), faults };
        if text.len() > FILE_LIMIT {
            return Err(failed(vec![SpacePlace::File.fault(SpaceFaultKind::TooLong)]));
        }
        let file: SpaceFile =
            toml::from_str(text).map_err(|source| SpaceError::Syntax { origin: origin.to_string(), source: Box::new(source) })?;
        let mut faults = Vec::new();
        let [c, h, w] = file.input;
        let input = Shape::new(c, h, w);
        if [c, h, w].iter().any(|n| !(1..=LIMIT).contains(n)) {
            faults.push(SpacePlace::Input.fault(SpaceFaultKind::Sides(input)));
        }
        if file.name.is_empty() || !file.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            faults.push(SpacePlace::Name.fault(SpaceFaultKind::Name(file.name.clone())));
        }
        let layers = read_layers(&file.stage, &mut faults);
        let mut trunk = None;
        if faults.is_empty() {
            let first = layers[0].layer.input();
            let shapes: Vec<_> = layers.iter().map(|layer| layer.layer).collect();
            if let Some(t) = &file.trunk {
                match Trunk::check(&t.kind, t.side_layer, t.features_layer, input, &shapes) {
                    Ok(t) => trunk = Some(t),
                    Err(fault) => faults.push(SpacePlace::Trunk.fault(fault)),
                }
            }
            if !matches!(trunk, Some(Trunk::Pfld { .. })) && input != first && faults.is_empty() {
                faults.push(SpacePlace::File.fault(SpaceFaultKind::First { input, first }));
            }
        }
        if faults.is_empty() { Ok(Self { name: file.name, input, layers, trunk }) } else { Err(failed(faults)) }
    }
}
