//! Export to ONNX, checked against ONNX Runtime before the file is left anywhere.

use std::path::{Path, PathBuf};

use blocks::onnx::{self, OnnxError, Options};
use faces::data::{Loader, LoaderOptions, Split};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::error::Result;
use crate::evaluate::{Candle, Network, Onnx};
use crate::finetune::Subnet;
use crate::pass::open_dataset;
use crate::run::write_atomically;

/// Largest difference between the model's landmarks and the ONNX file's, in fractions of the picture's side.
pub const TOLERANCE: f32 = 1e-4;
/// Pictures that are compared.
const CHECKED: usize = 16;

/// A file that cannot be left.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It cannot be written as ONNX.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// ONNX Runtime computes something else.
    #[error(
        "ONNX Runtime's landmarks differ from the model's by up to {difference:e} of the side (at most {TOLERANCE:e} is allowed) on \
         {inputs}; {} is not written", .path.display()
    )]
    Differs {
        /// Where it would have been written.
        path: PathBuf,
        /// The largest difference.
        difference: f32,
        /// What was compared on.
        inputs: &'static str,
    },
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
}

/// Writes the subnet to `path` once ONNX Runtime is known to compute the same.
///
/// # Errors
/// No engine, no data, or a difference: then nothing is written.
pub fn export(subnet: Subnet, path: &Path, check: &Check<'_>) -> Result<Exported> {
    let bytes = onnx::model(&subnet.graph, &subnet.weights, &Options::default()).map_err(ExportError::from)?;
    let side = subnet.graph.node(subnet.graph.inputs()[0]).shape.h;
    let (images, inputs) = match check.data {
        Some(data) => (pictures(data, check)?, "training pictures"),
        None => (noise(3 * side * side), "noise"),
    };
    let pictures = images.len() / (3 * side * side);
    let expected = Candle::new(subnet.graph, &subnet.weights)?.landmarks(&images, pictures)?;
    let found = Onnx::from_bytes(&bytes, path, check.library)?.landmarks(&images, pictures)?;
    // `max` would drop a NaN.
    let worst = |worst: f32, d: f32| if d.is_nan() || d > worst { d } else { worst };
    let difference = expected.iter().zip(&found).map(|(e, f)| (e - f).abs()).fold(0.0, worst);
    if found.len() != expected.len() || difference.is_nan() || difference > TOLERANCE {
        return Err(ExportError::Differs { path: path.to_owned(), difference, inputs }.into());
    }
    write_atomically(path, &bytes)?;
    Ok(Exported { bytes: bytes.len(), difference, pictures, inputs })
}

fn pictures(data: &Path, check: &Check<'_>) -> Result<Vec<f32>> {
    let dataset = open_dataset(data, Split::Train, check.list, check.points_file)?;
    let faces = (0..dataset.len().min(CHECKED)).collect();
    let loader = Loader::new(dataset, faces, LoaderOptions::eval(CHECKED))?;
    Ok(loader.epoch(0).next().transpose()?.map(|batch| batch.images).unwrap_or_default())
}

fn noise(pixels: usize) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(0);
    (0..CHECKED * pixels).map(|_| rng.random()).collect()
}
