//! Procedural faces with exact points and pose, so that nothing has to be downloaded to try the product.
//!
//! A face is a form in space (outline, brows, eyes, nose, lips), turned, projected and painted; its 106 points lie on the
//! very curves that are painted.

mod brush;
mod draws;
mod face;
mod finish;
mod folder;
mod look;
mod paint;
mod pose;
mod shape;

pub use face::{SynthFace, synth_face};
pub use folder::{SynthOptions, write_synth};
