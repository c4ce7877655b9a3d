//! Pictures for people: drawn once, written as SVG, PNG or a page.
//!
//! | module | what it holds |
//! |---|---|
//! | [`drawing`], [`colour`], [`svg`] | shapes, axes, colours; a drawing as SVG |
//! | [`png`] | a drawing as pixels (not on android) |
//! | [`mod@file`] | a file to write a picture to |
//! | [`page`] | a drawing and tables on one HTML page |

pub mod file;
pub mod page;
#[cfg(not(target_os = "android"))]
pub mod png;

pub use drawing::{self, Axis, Colour, Drawing, Font, Plot, colour, svg};
pub use file::{NoFolder, PictureFile};
pub use page::{Page, Section};
