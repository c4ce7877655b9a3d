//! Search spaces read from TOML; `spaces/pfld.toml` and `spaces/pfld26.toml` are built in and the examples to copy.
//!
//! A space is checked whole when it is read: unknown primitives, primitives that cannot stand at a layer, and shapes that do not chain are
//! errors that name the place.

use std::path::Path;

use serde::Deserialize;

use crate::layer::Layer;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::space::{SearchLayer, Space};
use crate::trunk::Trunk;

/// Names and texts of the spaces that need no file.
const BUILT_IN: [(&str, &str); 2] =
    [("pfld", include_str!("../spaces/pfld.toml")), ("pfld26", include_str!("../spaces/pfld26.toml"))];

/// Why a search space cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// Neither built in nor a file.
    #[error("no search space '{name}': it is neither built in ({}) nor a file", built_in_names())]
    Unknown {
        /// What was asked for.
        name: String,
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
        faults: Vec<String>,
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
    side_layer: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StageFile {
    candidates: Vec<String>,
    layers: Vec<Layer>,
}

/// Largest side, channel count or number of layers a space may have: far beyond any phone's network, and small enough
/// that no product of shapes overflows.
const LIMIT: usize = 4096;

/// Longest file of a space, in bytes: enough for as many layers.
const FILE_LIMIT: usize = 1 << 20;

/// Faults after which reading ends.
const LISTED: usize = 100;

impl Space {
    /// The built-in space of that name, or else the file at that path.
    pub fn load(name_or_path: &str) -> Result<Self, SpaceError> {
        if let Some((name, text)) = BUILT_IN.iter().find(|(name, _)| *name == name_or_path) {
            return Self::parse(text, name);
        }
        let path = Path::new(name_or_path);
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
            return Err(failed(vec![format!("it is longer than {FILE_LIMIT} bytes")]));
        }
        let file: SpaceFile =
            toml::from_str(text).map_err(|source| SpaceError::Syntax { origin: origin.to_string(), source: Box::new(source) })?;
        let mut faults = Vec::new();
        let [c, h, w] = file.input;
        let input = Shape::new(c, h, w);
        if [c, h, w].iter().any(|n| !(1..=LIMIT).contains(n)) {
            faults.push(format!("input: {input} has a side outside 1..={LIMIT}"));
        }
        if file.name.is_empty() || !file.name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            faults.push(format!("name: {:?} is not made of letters, digits, '-', '_' and '.'", file.name));
        }
        let layers = read_layers(&file.stage, &mut faults);
        let mut trunk = None;
        if faults.is_empty() {
            let first = layers[0].layer.input();
            match &file.trunk {
                Some(t) => match Trunk::check(&t.kind, t.side_layer, input, &layers.iter().map(|l| l.layer).collect::<Vec<_>>()) {
                    Ok(t) => trunk = Some(t),
                    Err(fault) => faults.push(format!("trunk: {fault}")),
                },
                None if input != first => {
                    faults.push(format!("without a trunk the input {input} must be the first layer's, {first}"))
                }
                None => {}
            }
        }
        if faults.is_empty() { Ok(Self { name: file.name, input, layers, trunk }) } else { Err(failed(faults)) }
    }
}

/// Layers of all stages; appends what is wrong with them to `faults`.
fn read_layers(stages: &[StageFile], faults: &mut Vec<String>) -> Vec<SearchLayer> {
    let mut layers: Vec<SearchLayer> = Vec::new();
    // Output of the layer before; none where that makes no sense itself.
    let mut before = None;
    for (s, stage) in stages.iter().enumerate() {
        if stage.candidates.is_empty() || stage.layers.is_empty() {
            faults.push(format!("stage {}: has no candidates or no layers", s + 1));
        }
        let mut primitives = Vec::new();
        for name in &stage.candidates {
            if enough(faults) {
                return layers;
            }
            match Primitive::from_name(name) {
                None => faults.push(format!("stage {}: unknown primitive '{name}'{}", s + 1, suggestion(name))),
                Some(p) if primitives.contains(&p) => faults.push(format!("stage {}: '{name}' is listed twice", s + 1)),
                Some(p) => primitives.push(p),
            }
        }
        for layer in &stage.layers {
            if layers.len() == LIMIT {
                faults.push(format!("more than {LIMIT} layers"));
                return layers;
            }
            if enough(faults) {
                return layers;
            }
            let at = format!("layer {} (stage {})", layers.len() + 1, s + 1);
            let output_before = before.take();
            if [layer.c_in, layer.c_out, layer.h, layer.w].iter().any(|n| !(1..=LIMIT).contains(n)) {
                faults.push(format!("{at}: a channel count or side is outside 1..={LIMIT}"));
            } else if !(1..=2).contains(&layer.stride) {
                faults.push(format!("{at}: stride {} is neither 1 nor 2", layer.stride));
            } else {
                if let Some(before) = output_before.filter(|&s| s != layer.input()) {
                    faults.push(format!("{at}: its input {} is not the output {before} of the layer before it", layer.input()));
                }
                for p in &primitives {
                    if let Some(why) = p.misfit(layer) {
                        faults.push(format!("{at}: '{p}' {why}"));
                    }
                }
                before = Some(layer.output());
            }
            layers.push(SearchLayer { layer: *layer, primitives: primitives.clone(), stage: s });
        }
    }
    if layers.is_empty() && faults.is_empty() {
        faults.push("has no stages".to_string());
    }
    layers
}

/// Whether more faults are worth listing; says so once.
fn enough(faults: &mut Vec<String>) -> bool {
    let enough = faults.len() >= LISTED;
    if enough {
        faults.push(format!("and more; only the first {} are listed", faults.len()));
    }
    enough
}

/// `; did you mean …?` where a known primitive is near.
fn suggestion(name: &str) -> String {
    // Longer names are near none.
    let name: String = name.chars().take(64).collect();
    let distance = |p: &Primitive| strsim::levenshtein(p.name(), &name);
    match Primitive::all().min_by_key(distance) {
        Some(p) if distance(&p) <= 3 => format!("; did you mean '{p}'?"),
        _ => format!("; known are {}", Primitive::all().map(|p| p.name()).collect::<Vec<_>>().join(", ")),
    }
}
