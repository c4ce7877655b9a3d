//! One face.

use std::path::PathBuf;

/// A face of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct Face {
    /// The picture, relative to the data folder, as the list gives it.
    pub path: PathBuf,
    /// Line in the list, counted from 1.
    pub line: usize,
    /// `[2·N]`: x0 y0 x1 y1 …, as fractions of the picture's width and height.
    pub landmarks: Box<[f32]>,
    /// Pitch, yaw and roll in degrees.
    pub angles: [f32; 3],
}
