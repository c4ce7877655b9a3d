//! Pictures of figures: shapes and text on a page, axes, colours. What is drawn is written as SVG here; `profiler` writes it as PNG too.
//!
//! ```
//! use drawing::{Colour, Drawing, Font, svg};
//!
//! let mut page = Drawing::new(120.0, 40.0, "one bar");
//! page.rect((10.0, 10.0), (80.0, 12.0), Colour::BLUE);
//! page.text((10.0, 36.0), "80 µs", Font::new(11.0));
//! assert!(svg::element(&page).starts_with("<svg"));
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`shapes`] | shapes and text on a page |
//! | [`colour`] | colours, and the scale from fast to slow |
//! | [`axis`] | round numbers along an axis, linear or logarithmic |
//! | [`plot`] | the frame of a scatter plot |
//! | [`svg`] | a drawing as SVG |
//! | [`markup`] | text in SVG and HTML |

pub mod axis;
pub mod colour;
pub mod markup;
pub mod plot;
pub mod shapes;
pub mod svg;

pub use axis::Axis;
pub use colour::Colour;
pub use markup::escape;
pub use plot::Plot;
pub use shapes::{Anchor, Drawing, Font, Shape};
