//! Pictures for people: drawn once, written as SVG, PNG or a page.
//!
//! | module | what it holds |
//! |---|---|
//! | [`drawing`] | shapes and text on a page |
//! | [`colour`] | colours, and the scale from fast to slow |
//! | [`axis`] | round numbers along an axis |
//! | [`plot`] | the frame of a scatter plot |
//! | [`svg`] | a drawing as SVG |
//! | [`png`] | a drawing as pixels (not on android) |
//! | `markup` | text in SVG and HTML |
//! | [`mod@file`] | a file to write a picture to |
//! | [`page`] | a drawing and tables on one HTML page |

pub mod axis;
pub mod colour;
pub mod drawing;
pub mod file;
mod markup;
pub mod page;
pub mod plot;
#[cfg(not(target_os = "android"))]
pub mod png;
pub mod svg;

pub use axis::Axis;
pub use colour::Colour;
pub use drawing::{Drawing, Font};
pub use file::{NoFolder, PictureFile};
pub use page::{Page, Section};
pub use plot::Plot;
