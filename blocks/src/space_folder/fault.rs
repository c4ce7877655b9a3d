//! What may be wrong with a space folder.

use std::fmt;
use std::path::PathBuf;

use crate::onnx::block::BlockFault;

/// Most slots of a space.
pub const SLOTS: usize = 256;
/// Most candidates of a layer.
pub const CANDIDATES: usize = 64;
/// Longest `space.toml`, in bytes.
pub const MANIFEST_LIMIT: u64 = 1 << 20;
/// Most bytes of all files together, their weights included: 512 MiB.
pub const SIZE_LIMIT: u64 = 512 << 20;

/// Why a folder is no search space.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// A folder without `space.toml`.
    #[error(
        "the folder {} is not a search space: it has no space.toml. A folder of ONNX files must contain space.toml, which lists the layers \
         and the ONNX file of each candidate, and these files (docs/src/spaces.md; `export_space` of the Python package writes both)",
        .path.display()
    )]
    NoManifest {
        /// The folder.
        path: PathBuf,
    },
    /// `space.toml` cannot be read.
    #[error("cannot read {}", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something else, as downloads leave it.
    #[error("search space {} {impostor}", .path.display())]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        impostor: files::Impostor,
    },
    /// Longer than any space's.
    #[error("{} is longer than {MANIFEST_LIMIT} bytes", .path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
    },
    /// Not TOML, or not the fields of a space.
    #[error("{} is not valid:\n{source}", .path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: Box<toml::de::Error>,
    },
    /// Read, but it cannot be measured; all faults at once.
    #[error("search space {} is not valid:{}", .path.display(), .faults.iter().map(|f| format!("\n  {f}")).collect::<String>())]
    Faults {
        /// The file.
        path: PathBuf,
        /// One line a fault.
        faults: Vec<FolderFault>,
    },
}

/// A fault and its place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {kind}")]
pub struct FolderFault {
    /// Where.
    pub place: Place,
    /// What.
    pub kind: FaultKind,
}

/// A place in a space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The head of `space.toml`.
    Space,
    /// A slot.
    Slot(String),
    /// A candidate of a layer.
    Candidate {
        /// The layer.
        layer: String,
        /// Its name.
        name: String,
    },
}

impl Place {
    /// Adds what is wrong here.
    pub fn fault(&self, kind: FaultKind) -> FolderFault {
        FolderFault { place: self.clone(), kind }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Space => f.write_str("space.toml"),
            Self::Slot(name) => write!(f, "slot '{name}'"),
            Self::Candidate { layer, name } => write!(f, "layer '{layer}', '{name}'"),
        }
    }
}

/// What is wrong at a place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultKind {
    /// Another format, schema or kind.
    #[error("{key} is {found}; this program reads {expected}")]
    Format {
        /// Which entry.
        key: &'static str,
        /// What stands there.
        found: String,
        /// What must.
        expected: &'static str,
    },
    /// A name that cannot stand in a table.
    #[error("the name {0:?} is not allowed: use up to 64 letters, digits, '-', '_' and '.'; 'input' is the network's input")]
    Name(String),
    /// A name that is there already.
    #[error("the name '{0}' is used twice")]
    Repeated(String),
    /// An input that is no feature map.
    #[error("the input '{0}' has an invalid shape")]
    Input(String),
    /// No slots or candidates, or too many.
    #[error("has {found} {what}; there must be 1 to {most}")]
    Count {
        /// Of what.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// Neither or both of two entries.
    #[error("needs either {0} or {1}, not both")]
    Either(&'static str, &'static str),
    /// A source that is no slot before, or has no such output.
    #[error(
        "there is no source '{0}' before it; a source is 'input', an earlier slot, or 'slot:N', the N-th output of an earlier slot, from 0"
    )]
    Source(String),
    /// Absolute, or with `..`.
    #[error("the file '{0}' may be outside the folder and is not read: move it into the folder")]
    Path(String),
    /// It cannot be read, or weights that it names cannot.
    #[error("{0}")]
    File(String),
    /// More bytes than a space has.
    #[error("with {0}, the files are larger than 512 MiB together, too large for a phone")]
    Size(String),
    /// No block.
    #[error("{file}: {fault}")]
    Block {
        /// The file.
        file: String,
        /// What is wrong.
        fault: BlockFault,
    },
    /// Another version of the operators than most have.
    #[error("{file}: has opset {opset}, the others {others}; export all with the same opset_version")]
    Opset {
        /// The file.
        file: String,
        /// Its version.
        opset: i64,
        /// Theirs.
        others: i64,
    },
    /// Another number of inputs than are wired.
    #[error("takes {takes} inputs, but {wired} are connected")]
    Inputs {
        /// How many its file has.
        takes: usize,
        /// How many sources its slot has.
        wired: usize,
    },
    /// An input that its source does not give.
    #[error("its input is {takes}, but '{source_name}' outputs {gives}")]
    Chain {
        /// Shape of the file's input.
        takes: String,
        /// The source.
        source_name: String,
        /// Shape of the source.
        gives: String,
    },
    /// Candidates of one layer that differ.
    #[error("outputs {given}, but '{first}' outputs {expected}; all candidates of a layer must have the same outputs")]
    Outputs {
        /// What this one gives.
        given: String,
        /// The first one.
        first: String,
        /// What that gives.
        expected: String,
    },
    /// Nothing where shapes change.
    #[error("an identity is not possible here: {given} in, {expected} out")]
    Nothing {
        /// What goes in.
        given: String,
        /// What must come out.
        expected: String,
    },
    /// Engines remove what is not used, so that its time would be wrong.
    #[error("{0} is not used")]
    Unused(String),
    /// The engine takes no such block.
    #[error("the engine {engine} refuses {file}: {said}")]
    Refused {
        /// Its name.
        engine: String,
        /// The block's file.
        file: String,
        /// Its words.
        said: String,
    },
    /// Weights of a training that went astray.
    #[error("its outputs are not finite; check its weights")]
    NotFinite,
    /// Nothing could be compared with such outputs.
    #[error("its outputs are all equal; check its weights")]
    Flat,
    /// Two blocks of one key.
    #[error("has the key {key} of another block, '{other}'; rename one")]
    Collision {
        /// The key.
        key: String,
        /// The other one.
        other: String,
    },
}
