//! What a command prints.

use std::io::Write as _;
use std::path::Path;

use super::error::{Error, Result};
use crate::run::to_json;

/// Prints a result as JSON; `path` is the file that holds it too.
pub fn print_json(value: &impl serde::Serialize, path: &Path) -> Result<()> {
    print_line(format_args!("{}", to_json(value, path)?.trim_end()))
}

/// Prints a line.
pub fn print_line(line: std::fmt::Arguments<'_>) -> Result<()> {
    writeln!(std::io::stdout(), "{line}").map_err(Error::Output)
}

/// Prints an error and its causes, each once: some already contain the text of their cause.
pub fn print_chain(error: &dyn std::error::Error) {
    let mut shown = error.to_string();
    let mut chain = format!("error: {shown}");
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !shown.contains(&text) {
            chain = format!("{chain}: {text}");
            shown = text;
        }
        cause = error.source();
    }
    // Where nobody listens, the exit code still tells.
    let _ = writeln!(std::io::stderr(), "{}", files::plain(&chain));
}
