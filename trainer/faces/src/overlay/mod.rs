//! Pictures with points drawn on them, for people to look at.

mod canvas;
mod file;

pub use canvas::{Layer, PREDICTED, TRUTH, contact_sheet, overlay};
pub use file::save_png;
