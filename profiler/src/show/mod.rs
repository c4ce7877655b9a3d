//! Results for people: terminal, SVG, PNG, HTML.
//!
//! | module | what it holds |
//! |---|---|
//! | [`text`] | figures and tables as text |
//! | [`picture`] | drawings, and their files: SVG, PNG, HTML |
//! | [`check`] | a check: text and picture |
//! | [`diff`] | two latency tables side by side |
//! | [`lut`] | a latency table as a heat map |
//! | `explain` | where simulated time goes |

pub mod check;
pub mod diff;
#[cfg(not(target_os = "android"))]
pub mod explain;
pub mod lut;
pub mod picture;
pub mod text;
