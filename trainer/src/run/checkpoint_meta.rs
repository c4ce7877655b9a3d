//! What a checkpoint says of itself, and why one cannot be used.

use std::path::PathBuf;

use blocks::SpaceError;
use files::FileError;
use serde::{Deserialize, Serialize};

use super::trained_on::TrainedOn;

/// Version of the files that this code writes and reads.
pub(super) const FORMAT: u32 = 1;
/// The one key of safetensors' own metadata: several would be written in random order, and equal runs must give equal bytes.
pub(super) const META_KEY: &str = "blocktime";

/// Most epochs of a training: no run has as many, and its steps can still be counted.
pub const EPOCHS: usize = 1_000_000;

/// What was trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// All candidates, and the architecture's weights.
    Supernet,
    /// One choice.
    Subnet,
    /// [`blocks::baseline`].
    Baseline,
}

/// What a checkpoint says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meta {
    /// Version of the file's form.
    pub format: u32,
    /// What was trained.
    pub kind: Kind,
    /// The search space: a built-in name, or the file that was given.
    pub space: String,
    /// Its [`blocks::Space::hash`].
    pub space_hash: String,
    /// Number of landmarks.
    pub points: usize,
    /// A subnet's primitives, a name a layer; a supernet's, where another program's file named them.
    #[serde(default)]
    pub choice: Option<Vec<String>>,
    /// Epochs done; the next one starts with its shuffle at position 0.
    pub epoch: usize,
    /// The run's seed. With the epoch it gives every generator's state: all draws are addressed by (seed, purpose, epoch, step).
    pub seed: u64,
    /// Temperature of the next epoch's masks.
    #[serde(default)]
    pub temperature: Option<f64>,
    /// Digest of the configuration that the run must go on with.
    pub config: String,
    /// Validation NME (per cent) of this epoch, and the lowest so far.
    #[serde(default)]
    pub nme: Option<f64>,
    /// Lowest so far.
    #[serde(default)]
    pub best_nme: Option<f64>,
    /// The faces that the weights were trained on; nothing is known of imported ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trained_on: Option<TrainedOn>,
}

impl Meta {
    /// Of this version, with nothing else said.
    pub fn blank() -> Self {
        Self {
            format: FORMAT,
            kind: Kind::Supernet,
            space: String::new(),
            space_hash: String::new(),
            points: 0,
            choice: None,
            epoch: 0,
            seed: 0,
            temperature: None,
            config: String::new(),
            nme: None,
            best_nme: None,
            trained_on: None,
        }
    }
}

/// A checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// It cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Something else was saved under its name.
    #[error("{} {impostor}", .path.display())]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        impostor: files::Impostor,
    },
    /// It would hold what no file that is read may hold.
    #[error("{} was not written: '{tensor}' holds values that are not finite numbers", .path.display())]
    NotFinite {
        /// The file.
        path: PathBuf,
        /// The tensor's name.
        tensor: String,
    },
    /// Its bytes are no whole safetensors file of finite f32.
    #[error("{} is not a usable safetensors file: {reason}", .path.display())]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// A safetensors file from somewhere else.
    #[error("{} was not written by this version of the trainer: its header has no '{META_KEY}' of this version", .path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// Numbers that no network and no run has.
    #[error("{} states {points} landmarks and {epoch} epochs, which is not possible: it is damaged, or another program wrote it", .path.display())]
    Numbers {
        /// The file.
        path: PathBuf,
        /// Landmarks.
        points: usize,
        /// Epochs.
        epoch: usize,
    },
    /// Supernet where a subnet is needed, or the reverse.
    #[error("{} is a {found:?} checkpoint; {needed}", .path.display())]
    Kind {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: Kind,
        /// What is needed, with the fix.
        needed: &'static str,
    },
    /// Another search space.
    #[error(
        "{} was trained on search space '{name}' with hash {found:.12}…; the space given here has {expected:.12}…. \
         Give the space it was trained on (--space)", .path.display()
    )]
    Space {
        /// The file.
        path: PathBuf,
        /// The space's name in the file.
        name: String,
        /// Hash in the file.
        found: String,
        /// Hash of the space given.
        expected: String,
    },
    /// Another number of points than the list has.
    #[error("{} was trained for {found} landmarks, the list has {list}; give a list with {found} landmarks (--list)", .path.display())]
    Points {
        /// The file.
        path: PathBuf,
        /// Points of its network.
        found: usize,
        /// Points of the list.
        list: usize,
    },
    /// The space cannot be loaded.
    #[error(transparent)]
    LoadSpace(#[from] SpaceError),
    /// A tensor is missing or has another size.
    #[error("{}: tensor '{name}' is missing or has another size", .path.display())]
    Tensor {
        /// The file.
        path: PathBuf,
        /// Its name.
        name: String,
    },
    /// The run would not go on as it began.
    #[error(
        "{} belongs to a run with other settings, another table or other data; give the options with which the run was started", .path.display()
    )]
    Configuration {
        /// The file.
        path: PathBuf,
    },
    /// The choice does not fit the space.
    #[error("{}: {reason}", .path.display())]
    Choice {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}
