//! A search space as data: its layers, the candidates of each, and the keys that are measured.
//!
//! Written in TOML; `spaces/pfld.toml` and `spaces/pfld26.toml` are built in and the examples to copy. A space is checked whole when it is
//! read: unknown primitives, primitives that cannot stand at a layer, and shapes that do not chain are errors that name the place.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

use crate::graph::{Builder, Graph};
use crate::layer::Layer;
use crate::primitive::Primitive;
use crate::shape::Shape;
use crate::trunk::Trunk;

/// Names and texts of the spaces that need no file.
const BUILT_IN: [(&str, &str); 2] =
    [("pfld", include_str!("../spaces/pfld.toml")), ("pfld26", include_str!("../spaces/pfld26.toml"))];

/// One primitive at the shapes of one layer. Equal candidates at different positions are one measurement: one [key](Self::key).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Candidate {
    /// The block family.
    pub primitive: Primitive,
    /// The shapes.
    pub layer: Layer,
}

impl Candidate {
    /// What makes two candidates the same measurement: `mb_k3_res@32x14x14-s1-32`.
    pub fn key(&self) -> String {
        let Layer { c_in, c_out, stride, h, w } = self.layer;
        format!("{}@{c_in}x{h}x{w}-s{stride}-{c_out}", self.primitive)
    }

    /// The block alone, as a graph with input `x`, output `y` and weights called `op.…`.
    pub fn graph(&self) -> Graph {
        let mut g = Builder::new(self.key());
        let x = g.input("x", self.layer.input());
        let y = self.primitive.build(&mut g, "op", x, &self.layer);
        g.finish(&[("y", y)])
    }
}

/// A searched layer and its candidates.
#[derive(Clone, Debug, PartialEq)]
pub struct SearchLayer {
    /// Its shapes.
    pub layer: Layer,
    /// What may stand there, in the order of the architecture weights.
    pub primitives: Vec<Primitive>,
    /// The stage it belongs to, counted from 0.
    pub stage: usize,
}

impl SearchLayer {
    /// Its candidates, in order.
    pub fn candidates(&self) -> impl Iterator<Item = Candidate> + '_ {
        self.primitives.iter().map(|&primitive| Candidate { primitive, layer: self.layer })
    }
}

/// A checked search space.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    name: String,
    input: Shape,
    layers: Vec<SearchLayer>,
    trunk: Option<Trunk>,
}

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
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(FILE_LIMIT as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
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

    /// Its name, as tables and checkpoints state it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Shape of the network's input.
    pub fn input(&self) -> Shape {
        self.input
    }

    /// The searched layers, in order.
    pub fn layers(&self) -> &[SearchLayer] {
        &self.layers
    }

    /// The fixed part around the searched layers, if there is one.
    pub fn trunk(&self) -> Option<&Trunk> {
        self.trunk.as_ref()
    }

    /// All candidates with their layer's index (from 0), in order; equal ones are repeated.
    pub fn candidates(&self) -> impl Iterator<Item = (usize, Candidate)> + '_ {
        self.layers.iter().enumerate().flat_map(|(i, l)| l.candidates().map(move |c| (i, c)))
    }

    /// The different candidates, in order of first appearance: what is measured.
    pub fn unique_candidates(&self) -> Vec<Candidate> {
        let mut seen = BTreeSet::new();
        self.candidates().map(|(_, c)| c).filter(|c| seen.insert(c.key())).collect()
    }

    /// Reads a choice of one primitive a layer, by names.
    pub fn choice<S: AsRef<str>>(&self, names: &[S]) -> Result<Vec<Primitive>, String> {
        if names.len() != self.layers.len() {
            return Err(format!("{} names for the {} layers of space {}", names.len(), self.layers.len(), self.name));
        }
        std::iter::zip(names, &self.layers)
            .enumerate()
            .map(|(i, (name, layer))| {
                let name = name.as_ref();
                layer.primitives.iter().copied().find(|p| p.name() == name).ok_or_else(|| {
                    let known: Vec<_> = layer.primitives.iter().map(|p| p.name()).collect();
                    format!("layer {}: '{name}' is not among its candidates ({})", i + 1, known.join(", "))
                })
            })
            .collect()
    }

    /// SHA-256, in hex, of everything that decides what is measured: input, trunk, layers and candidates. The space's
    /// name, and the number of landmarks (which is not part of a space), are left out.
    pub fn hash(&self) -> String {
        let mut text = format!("input {}\n", self.input);
        if let Some(trunk) = &self.trunk {
            text += &format!("trunk {trunk}\n");
        }
        for layer in &self.layers {
            text += &format!("stage {}", layer.stage);
            for candidate in layer.candidates() {
                text += &format!(" {}", candidate.key());
            }
            text.push('\n');
        }
        files::sha256(text)
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
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
    let distance = |p: &Primitive| edit_distance(p.name(), name);
    match Primitive::all().min_by_key(distance) {
        Some(p) if distance(&p) <= 3 => format!("; did you mean '{p}'?"),
        _ => format!("; known are {}", Primitive::all().map(|p| p.name()).collect::<Vec<_>>().join(", ")),
    }
}

/// Levenshtein's distance, for names of a few letters.
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(64).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(row[j + 1] + 1);
        }
    }
    row[b.len()]
}
