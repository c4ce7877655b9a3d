//! Messages on standard error, results on standard output.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write as _};

/// A line for people. Where nobody listens any more, that ends no measurement. It may quote a device or a file: what would steer a terminal
/// is taken out of it.
pub fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", files::plain(&line.to_string()));
}

/// Does work that may leave notices for the user, and prints them, also where it fails.
pub fn with_notices<N: Display, T>(work: impl FnOnce(&mut Vec<N>) -> T) -> T {
    let mut notices = Vec::new();
    let done = work(&mut notices);
    notices.iter().for_each(note);
    done
}

/// Text for people that has its line ends.
pub fn note_text(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// A line of a result.
pub fn print_line(line: impl Display) -> io::Result<()> {
    print_text(&format!("{line}\n"))
}

/// A result's text that has its line ends. Whoever reads only its beginning, as `head` does, has seen enough.
pub fn print_text(text: &str) -> io::Result<()> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}
