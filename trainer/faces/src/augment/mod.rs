//! Random changes of a face and its labels, drawn from (seed, epoch, face) alone.

mod draw;
mod warp;

pub use draw::Change;
pub use warp::warp_planes;

use crate::error::{FacesError, Result};
use serde::{Deserialize, Serialize};

/// How strongly faces are changed in training. Every range is symmetric and drawn evenly.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Augment {
    /// Largest rotation in degrees.
    pub rotation: f32,
    /// Largest change of scale, as a fraction.
    pub scale: f32,
    /// Largest shift along each axis, in pixels of a 112-pixel input.
    pub shift: f32,
    /// Whether half of the faces are mirrored, where the landmark scheme has a mirror permutation.
    pub mirror: bool,
    /// Largest change of contrast, as a fraction.
    pub contrast: f32,
    /// Largest change of brightness, as a fraction of white.
    pub brightness: f32,
}

impl Augment {
    /// The presets' names.
    pub const PRESETS: [&str; 3] = ["none", "mild", "strong"];

    /// For crops that are already well aligned: ±8°, ±4 %, ±2 px.
    pub const MILD: Self = Self { rotation: 8.0, scale: 0.04, shift: 2.0, mirror: true, contrast: 0.15, brightness: 0.072 };
    /// ±20°, ±10 %, ±6 px.
    pub const STRONG: Self = Self { rotation: 20.0, scale: 0.10, shift: 6.0, mirror: true, contrast: 0.25, brightness: 0.12 };

    /// The preset `name`; `Ok(None)` is `none`.
    ///
    /// # Errors
    /// No preset has this name.
    pub fn preset(name: &str) -> Result<Option<Self>> {
        match name {
            "none" => Ok(None),
            "mild" => Ok(Some(Self::MILD)),
            "strong" => Ok(Some(Self::STRONG)),
            _ => {
                let known = Self::PRESETS.join(", ");
                Err(FacesError::Usage(format!("unknown augmentation {name:?}; use one of {known}")))
            }
        }
    }

    /// Checks that every range makes sense.
    ///
    /// # Errors
    /// The first that does not.
    pub fn validate(&self) -> Result<()> {
        let limits = [
            ("rotation", self.rotation, 180.0),
            ("scale", self.scale, 0.9),
            ("shift", self.shift, 112.0),
            ("contrast", self.contrast, 1.0),
            ("brightness", self.brightness, 1.0),
        ];
        match limits.into_iter().find(|(_, value, limit)| !(0.0..=*limit).contains(value)) {
            Some((name, value, limit)) => {
                Err(FacesError::Usage(format!("augmentation: {name} = {value} is not between 0 and {limit}")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_unknown_names_are_refused() {
        for name in Augment::PRESETS {
            if let Some(augment) = Augment::preset(name).unwrap() {
                augment.validate().unwrap();
            }
        }
        assert!(Augment::preset("wild").unwrap_err().to_string().contains("mild"));
        assert!(Augment { scale: 1.0, ..Augment::MILD }.validate().unwrap_err().to_string().contains("scale"));
        assert!(Augment { shift: f32::NAN, ..Augment::MILD }.validate().is_err());
    }
}
