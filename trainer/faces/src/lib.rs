//! Face data for landmark networks: lists, pictures, augmentation, batches, landmark schemes, errors and synthetic faces.
//!
//! A data folder has NNI's layout: `train_data/{imgs,list.txt}` and `test_data/{imgs,list.txt}`, where a list's line is
//! `path`, 2·N coordinates in 0..1, pitch, yaw and roll in degrees.
//!
//! ```
//! use std::sync::Arc;
//!
//! use faces::augment::Augment;
//! use faces::data::{Dataset, DatasetOptions, Loader, LoaderOptions, Split};
//! use faces::synth::{SynthOptions, write_synth};
//!
//! # let folder = tempfile::tempdir()?;
//! # let root = folder.path().join("faces");
//! // let root = Path::new("faces");
//! write_synth(&root, &SynthOptions { train: 6, test: 1, points: 106, seed: 1, overwrite: false }, || {})?;
//! let dataset = Arc::new(Dataset::open(&root, Split::Train, &DatasetOptions::default())?);
//! let loader = Loader::all(dataset, LoaderOptions::train(4, 1, Some(Augment::MILD)))?;
//! for batch in loader.epoch(0) {
//!     let batch = batch?;
//!     assert_eq!((batch.len(), batch.landmarks.len()), (4, 4 * 2 * 106));
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod augment;
pub mod data;
mod error;
#[cfg(test)]
mod fuzz;
pub mod list;
pub mod metrics;
pub mod overlay;
pub mod picture;
pub mod points;
mod random;
pub mod synth;
mod text;

pub use error::{FacesError, Result};
