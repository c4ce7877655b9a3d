//! Results on standard output.

use std::path::Path;

use files::FileError;
use terminal::{print_line, print_text};

use super::error::CommandError;

/// A result: as JSON, or as text.
pub(super) fn result(json: bool, value: &impl serde::Serialize, text: impl FnOnce() -> String) -> Result<(), CommandError> {
    if json {
        let text = serde_json::to_string_pretty(value)
            .map_err(|e| CommandError::Usage(format!("the result cannot be printed as JSON: {e}")))?;
        return print_line(text).map_err(CommandError::Output);
    }
    print_text(&text()).map_err(CommandError::Output)
}

/// The path of a file that was written.
pub(super) fn path(path: &Path) -> Result<(), CommandError> {
    print_line(path.display()).map_err(CommandError::Output)
}

/// Writes a file; one that is there is replaced once the new one is whole.
pub(super) fn replace_file(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    files::write(path, bytes, files::Overwrite::Yes).map_err(FileError::new("cannot write", path))
}
