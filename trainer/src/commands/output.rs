//! What a command prints.

use std::fmt::Display;
use std::path::Path;

use super::error::{Error, Result};
use crate::run::to_json;

/// Prints a result as JSON; `path` is the file that holds it too.
pub fn print_json(value: &impl serde::Serialize, path: &Path) -> Result<()> {
    print_line(to_json(value, path)?.trim_end())
}

/// Prints a line.
pub fn print_line(line: impl Display) -> Result<()> {
    terminal::print_line(line).map_err(Error::Output)
}
