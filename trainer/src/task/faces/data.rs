//! Lists of faces, opened, and their batches as tensors.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use blocks::Shape;
use blocks::network::POINTS;
use candle_core::{Device, Tensor};
use faces::data::{Batch, Dataset, DatasetOptions, Loader};
use files::FileError;

use super::error::FaceError;
use crate::console::note;
use crate::run::sha256_of_file;
use crate::task::{self, Data, TaskError};

/// A batch of n faces as tensors.
pub struct FaceBatch {
    /// `[n, 3, side, side]`, 0 to 1.
    pub images: Tensor,
    /// `[n, 2N]`, fractions of the side.
    pub landmarks: Tensor,
    /// `[n, 3]`, degrees.
    pub angles: Tensor,
}

impl FaceBatch {
    /// The batch as tensors; its vectors are copied, so that the loader can have them back.
    ///
    /// # Errors
    /// candle fails.
    pub fn new(batch: &Batch, side: usize) -> candle_core::Result<Self> {
        let n = batch.len();
        Ok(Self {
            images: Tensor::from_slice(&batch.images, (n, 3, side, side), &Device::Cpu)?,
            landmarks: Tensor::from_slice(&batch.landmarks, (n, batch.landmarks.len() / n.max(1)), &Device::Cpu)?,
            angles: Tensor::from_slice(&batch.angles, (n, 3), &Device::Cpu)?,
        })
    }
}

/// Opens a list of a data folder for networks whose input has the shape `input`, and prints its notes.
///
/// # Errors
/// As [`Dataset::open`]; the input is no square picture of three planes, or the faces have more points than networks have.
pub fn open_dataset(
    data: &Path,
    split: faces::data::Split,
    list: &str,
    points_file: Option<&Path>,
    input: Shape,
) -> Result<Arc<Dataset>, FaceError> {
    if input.c != 3 || input.h != input.w {
        return Err(FaceError::NoPicture(input));
    }
    let points_file = points_file.map(Into::into);
    let options = DatasetOptions { list: list.to_string(), points_file, side: input.h, ..DatasetOptions::default() };
    let dataset = Dataset::open(data, split, &options)?;
    let points = dataset.scheme().count;
    if !POINTS.contains(&points) {
        return Err(FaceError::TooManyPoints { list: list.to_string(), data: data.to_owned(), points, most: *POINTS.end() });
    }
    dataset.notes().iter().for_each(note);
    Ok(Arc::new(dataset))
}

/// SHA-256 of the file with the landmark scheme: the one given, or the data folder's; empty if the scheme is built in.
///
/// # Errors
/// It cannot be read.
pub fn scheme_sha256(data: &Path, given: Option<&Path>) -> Result<String, FileError> {
    let own = data.join("points.toml");
    let file = given.or_else(|| own.is_file().then_some(own.as_path()));
    Ok(file.map(sha256_of_file).transpose()?.unwrap_or_default())
}

impl Data for Arc<Dataset> {
    fn count(&self) -> usize {
        self.len()
    }

    fn points(&self) -> usize {
        self.scheme().count
    }

    fn sha256(&self) -> Result<String, TaskError> {
        Ok(sha256_of_file(self.list_path()).map_err(FaceError::from)?)
    }

    fn divide(&self, held_back: f64, seed: u64) -> Result<(Vec<usize>, Vec<usize>), TaskError> {
        Ok(Dataset::split(self, held_back, seed).map_err(FaceError::from)?)
    }
}

impl task::Loader for Loader {
    type Batch = FaceBatch;

    fn batches(&self) -> usize {
        self.batches()
    }

    fn examples(&self) -> usize {
        self.faces()
    }

    fn epoch(&self, epoch: u64) -> Box<dyn task::Batches<FaceBatch> + '_> {
        Box::new(AsTensors { batches: self.epoch(epoch), side: self.dataset().side() })
    }

    fn note(&self) -> Option<String> {
        self.dataset().cut_note()
    }
}

/// The batches of an epoch as tensors.
struct AsTensors {
    batches: faces::data::Batches,
    side: usize,
}

impl AsTensors {
    fn tensors(&self, batch: Batch) -> Result<(FaceBatch, usize), FaceError> {
        let tensors = FaceBatch::new(&batch, self.side)?;
        let faces = batch.len();
        self.batches.recycle(batch);
        Ok((tensors, faces))
    }
}

impl Iterator for AsTensors {
    type Item = Result<(FaceBatch, usize), TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        let batch = self.batches.next()?.map_err(FaceError::from);
        Some(batch.and_then(|batch| self.tensors(batch)).map_err(TaskError::from))
    }
}

impl task::Batches<FaceBatch> for AsTensors {
    fn waited(&self) -> Duration {
        self.batches.waited()
    }
}
