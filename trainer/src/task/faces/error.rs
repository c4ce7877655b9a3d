//! What can go wrong between a face and its landmarks.

use std::path::PathBuf;

use blocks::Shape;
use files::FileError;

use crate::model::{ArchitectureError, ModelError, SubnetError};
use crate::run::CheckpointError;
use crate::task::TaskError;

/// Why faces cannot be read, or a network cannot be run on them.
#[derive(Debug, thiserror::Error)]
pub enum FaceError {
    /// Pictures and lists.
    #[error(transparent)]
    Data(#[from] faces::FacesError),
    /// A model.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Tensor arithmetic.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
    /// A checkpoint.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A network's definition.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A subnet of a supernet.
    #[error(transparent)]
    Subnet(#[from] SubnetError),
    /// An ONNX file that cannot be read.
    #[error(transparent)]
    Onnx(#[from] blocks::onnx::FileError),
    /// An inference engine that cannot be opened.
    #[error(transparent)]
    Engine(#[from] engines::EngineError),
    /// A network that reads something else than square pictures of three planes.
    #[error("the network reads [{}, {}, {}] (planes, height, width); pictures of faces are square and have 3 planes", .0.c, .0.h, .0.w)]
    NoPicture(Shape),
    /// More landmarks than networks have.
    #[error("the list {list} of {} has {points} landmarks per face; a network has at most {most}", .data.display())]
    TooManyPoints {
        /// The list's name.
        list: String,
        /// The data folder.
        data: PathBuf,
        /// Its points.
        points: usize,
        /// The most that a network has.
        most: usize,
    },
    /// Network and list do not belong together.
    #[error("the network has {network} landmarks, the list has {list}; give a list with {network} landmarks (--list)")]
    OtherPoints {
        /// The network's.
        network: usize,
        /// The list's.
        list: usize,
    },
    /// An engine refuses a file, or cannot run it.
    #[error("{path}: {source}")]
    Run {
        /// The file.
        path: String,
        /// The engine's reason.
        source: Box<engines::EngineError>,
    },
    /// An ONNX file of something else.
    #[error("{path} is not a landmark network: {reason}")]
    NoLandmarks {
        /// The file.
        path: String,
        /// What is needed, and what it has.
        reason: String,
    },
    /// Outputs that do not follow the batch.
    #[error(
        "{path} gave {found} numbers for {pictures} pictures instead of {wanted} each: the size of its output does not depend on the batch"
    )]
    Outputs {
        /// The file.
        path: String,
        /// Numbers that came out.
        found: usize,
        /// Pictures that went in.
        pictures: usize,
        /// Numbers that a picture needs.
        wanted: usize,
    },
    /// A file of another kind.
    #[error("{} is neither an .onnx nor a .safetensors file", .0.display())]
    UnknownFile(PathBuf),
    /// The record in an ONNX file of the faces that its network was trained on.
    #[error("{}: its record of the training faces ('{name}') cannot be read ({reason}); export the network again", .path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// The record's name.
        name: &'static str,
        /// Why not.
        reason: String,
    },
}

impl From<FaceError> for TaskError {
    fn from(error: FaceError) -> Self {
        Self::new(error)
    }
}
