//! The command from outside.

#![allow(clippy::unwrap_used)]

mod beside;
mod common;
mod import;
mod refusals;
mod resume;
mod variants;
mod whole_path;
