//! The command from outside.

#![allow(clippy::unwrap_used)]

mod beside;
mod common;
mod refusals;
mod resume;
mod whole_path;
