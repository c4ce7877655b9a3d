//! The command from outside.

mod common;
mod refusals;
mod resume;
mod whole_path;
