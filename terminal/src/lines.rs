//! Messages on standard error, results on standard output.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

use crate::program;

/// A line for people. A closed terminal ends no measurement and no training. The line may quote a device or a file: what would control a
/// terminal is taken out of it. Commands in it have the names under which the programs are installed.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", program::named(&files::plain(&line.to_string())));
}

/// Text for people that has its line ends.
pub fn note_text(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A line of a result.
///
/// # Errors
/// As [`print_text`].
pub fn print_line(line: impl Display) -> io::Result<()> {
    print_text(&format!("{line}\n"))
}

/// A result's text that has its line ends.
///
/// # Errors
/// It cannot be written. A reader that stops after the beginning, as `head` does, is no error.
pub fn print_text(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
