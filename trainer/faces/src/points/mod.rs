//! Landmark schemes: how many points, what their error is divided by, which point mirrors to which.

mod builtin;
mod file;

pub use builtin::{BUILT_IN, builtin};
pub use file::{known_counts, read_points_file, resolve_points};

use crate::error::{FacesError, Result};
use serde::{Deserialize, Serialize};

/// What the mean point distance is divided by to give the normalised mean error (NME).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Normaliser {
    /// The true distance between two points, usually the outer eye corners.
    Pair(usize, usize),
    /// A fixed length in pixels of the network's input.
    FixedPixels(f32),
}

/// A run of points that a line joins in drawings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Points in the order of the line.
    pub points: Vec<usize>,
    /// Whether a line also joins the last point to the first.
    #[serde(default)]
    pub closed: bool,
}

/// A landmark scheme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PointScheme {
    /// Number of points, N.
    pub count: usize,
    /// What the error is divided by.
    pub nme: Normaliser,
    /// In the mirrored picture, new point `i` is old point `mirror[i]`. `None`: faces of this scheme are not mirrored.
    pub mirror: Option<Vec<usize>>,
    /// Lines for drawings; empty where none are known.
    #[serde(default)]
    pub groups: Vec<Group>,
}

impl PointScheme {
    /// Checks ranges, and that the mirror permutation undoes itself.
    ///
    /// # Errors
    /// [`FacesError::Points`] with the first fault.
    pub fn validate(&self) -> Result<()> {
        let fault = |message: String| Err(FacesError::Points(message));
        let count = self.count;
        if count == 0 {
            return fault("a landmark scheme has at least 1 landmark".to_owned());
        }
        match self.nme {
            Normaliser::Pair(a, b) if a >= count || b >= count => {
                return fault(format!("nme_pair [{a}, {b}] is out of range: landmarks are 0 to {}", count - 1));
            }
            Normaliser::Pair(a, b) if a == b => return fault(format!("nme_pair [{a}, {b}] names one landmark twice")),
            Normaliser::FixedPixels(length) if !(length.is_finite() && length > 0.0) => {
                return fault(format!("nme_fixed_px {length} is not a positive length"));
            }
            _ => {}
        }
        if let Some(mirror) = &self.mirror {
            if mirror.len() != count {
                return fault(format!("mirror has {} entries for {count} landmarks", mirror.len()));
            }
            for (i, &j) in mirror.iter().enumerate() {
                if j >= count {
                    return fault(format!("mirror[{i}] = {j} is out of range: landmarks are 0 to {}", count - 1));
                }
                if mirror[j] != i {
                    return fault(format!("mirror must name pairs: mirror[{i}] = {j}, but mirror[{j}] = {}", mirror[j]));
                }
            }
        }
        match self.groups.iter().flat_map(|group| &group.points).find(|&&point| point >= count) {
            Some(point) => fault(format!("a group names landmark {point}: landmarks are 0 to {}", count - 1)),
            None => Ok(()),
        }
    }
}
