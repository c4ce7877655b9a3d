//! Face data for landmark networks: lists, pictures, augmentation, batches, point schemes, errors and synthetic faces.
//!
//! A data folder has NNI's layout: `train_data/{imgs,list.txt}` and `test_data/{imgs,list.txt}`, where a list's line is
//! `path`, 2·N coordinates in 0..1, pitch, yaw and roll in degrees.

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
