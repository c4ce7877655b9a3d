//! Export to ONNX, checked with ONNX Runtime, and from there to MNN, checked with MNN. A file that fails its check is not written.

use std::path::{Path, PathBuf};

use blocks::Shape;
use blocks::onnx::{self, OnnxError, Options};
use engines::ConvertError;
use engines::mnn::FORMAT;
use engines::mnn::python::{self, PythonError};
use faces::data::{Loader, LoaderOptions, Split};
use files::FileError;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::data::open_dataset;
use super::error::FaceError;
use super::evaluate::{Candle, Network};
use super::network_file::{Subnet, TRAINED_ON};
use super::onnx::Onnx;
use crate::run::write_atomically;

/// Largest difference between the model's landmarks and the ONNX file's, and between that one's and the MNN file's, in fractions of
/// the picture's side.
pub const TOLERANCE: f32 = 1e-4;
/// Pictures that are compared.
const CHECKED: usize = 16;

/// Why a file is not written.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The pictures that it is checked on, or an engine.
    #[error(transparent)]
    Face(Box<FaceError>),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// It cannot be written as ONNX.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// It cannot be made into MNN's.
    #[error(transparent)]
    Convert(#[from] ConvertError),
    /// MNN does not run it.
    #[error(transparent)]
    Mnn(#[from] PythonError),
    /// An engine computes something else.
    #[error(
        "the landmarks of {engine} differ from {other} by up to {difference:e} of the side on {inputs}, more than {TOLERANCE:e}; {} is not \
         written", .path.display()
    )]
    Differs {
        /// The engine.
        engine: &'static str,
        /// What it is compared with.
        other: &'static str,
        /// Where the file would have been written.
        path: PathBuf,
        /// The largest difference.
        difference: f32,
        /// What was compared on.
        inputs: &'static str,
    },
}

impl From<FaceError> for ExportError {
    fn from(error: FaceError) -> Self {
        Self::Face(Box::new(error))
    }
}

/// A file that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// Its size in bytes.
    pub bytes: usize,
    /// Largest difference found, in fractions of the side.
    pub difference: f32,
    /// Pictures compared.
    pub pictures: usize,
    /// What was compared on.
    pub inputs: &'static str,
    /// The file for MNN beside it, where asked for.
    pub mnn: Option<Converted>,
}

/// A file for MNN that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Converted {
    /// Where.
    pub path: PathBuf,
    /// Its size in bytes.
    pub bytes: usize,
    /// Largest difference to ONNX Runtime's landmarks, in fractions of the side.
    pub difference: f32,
}

/// What an export is checked on, and by.
pub struct Check<'a> {
    /// A data folder whose training pictures are compared on; without, seeded noise.
    pub data: Option<&'a Path>,
    /// File name of its list.
    pub list: &'a str,
    /// Of its points.
    pub points_file: Option<&'a Path>,
    /// ONNX Runtime's library, where the usual places do not have it.
    pub library: Option<&'a Path>,
    /// Whether a file for MNN is made, too.
    pub mnn: bool,
}

/// Writes the subnet to `path` once ONNX Runtime is known to compute the same, and with `check.mnn` a file for MNN beside it, once
/// MNN is.
///
/// # Errors
/// No engine, no converter, no data, or a difference: then nothing is written.
pub fn export(subnet: Subnet, path: &Path, check: &Check<'_>) -> Result<Exported, ExportError> {
    let mut bytes = onnx::model(&subnet.graph, &subnet.weights, &Options::default())?;
    if let Some(trained_on) = &subnet.trained_on {
        let note =
            serde_json::to_string(trained_on).map_err(std::io::Error::other).map_err(FileError::new("cannot write", path))?;
        bytes = onnx::with_note(bytes, TRAINED_ON, &note);
    }
    let input = subnet.input();
    let side = input.h;
    let (images, inputs) = match check.data {
        Some(data) => (pictures(data, check, input)?, "training pictures"),
        None => (noise(3 * side * side), "noise"),
    };
    let pictures = images.len() / (3 * side * side);
    let output = subnet.graph.outputs()[0].0.clone();
    let expected = Candle::new(subnet.graph, &subnet.weights)?.landmarks(&images, pictures)?;
    let found = Onnx::from_bytes(&bytes, path, check.library)?.landmarks(&images, pictures)?;
    let differs = |engine, other, path: &Path, difference| {
        let path = path.to_owned();
        ExportError::Differs { engine, other, path, difference, inputs }
    };
    let difference = within(&expected, &found).map_err(|d| differs("ONNX Runtime", "the model's", path, d))?;
    let mnn = if check.mnn {
        let beside = path.with_extension("mnn");
        let (converted, by_mnn) = convert(&bytes, &output, &images, side)?;
        let difference = within(&found, &by_mnn).map_err(|d| differs("MNN", "ONNX Runtime's", &beside, d))?;
        write_atomically(&beside, &converted)?;
        Some(Converted { path: beside, bytes: converted.len(), difference })
    } else {
        None
    };
    write_atomically(path, &bytes)?;
    Ok(Exported { bytes: bytes.len(), difference, pictures, inputs, mnn })
}

/// The largest difference; as an error where it is more than [`TOLERANCE`], or where the numbers of values differ.
fn within(expected: &[f32], found: &[f32]) -> Result<f32, f32> {
    // `max` would drop a NaN.
    let worst = |worst: f32, d: f32| if d.is_nan() || d > worst { d } else { worst };
    let difference = expected.iter().zip(found).map(|(e, f)| (e - f).abs()).fold(0.0, worst);
    if found.len() != expected.len() || difference.is_nan() || difference > TOLERANCE { Err(difference) } else { Ok(difference) }
}

/// An ONNX file as one for MNN, and the landmarks that MNN finds on the pictures.
fn convert(onnx: &[u8], output: &str, images: &[f32], side: usize) -> Result<(Vec<u8>, Vec<f32>), ExportError> {
    let converter = FORMAT.converter()?;
    let at = std::env::temp_dir();
    let folder = tempfile::tempdir().map_err(FileError::new("cannot make a folder in", &at))?;
    let (from, to) = (folder.path().join("subnet.onnx"), folder.path().join("subnet.mnn"));
    write_atomically(&from, onnx)?;
    converter.convert(&from, &to)?;
    let landmarks = python::run(&to, output, images, &[3, side, side])?;
    Ok((std::fs::read(&to).map_err(FileError::new("cannot read", &to))?, landmarks))
}

fn pictures(data: &Path, check: &Check<'_>, input: Shape) -> Result<Vec<f32>, FaceError> {
    let dataset = open_dataset(data, Split::Train, check.list, check.points_file, input)?;
    let faces = (0..dataset.len().min(CHECKED)).collect();
    let loader = Loader::new(dataset, faces, LoaderOptions::eval(CHECKED))?;
    Ok(loader.epoch(0).next().transpose()?.map(|batch| batch.images).unwrap_or_default())
}

fn noise(pixels: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (0..CHECKED * pixels).map(|_| rng.random()).collect()
}
