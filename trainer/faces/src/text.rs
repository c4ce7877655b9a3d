//! Text files that people write: encodings, byte-order marks.

use crate::error::{FacesError, Result};
use std::path::Path;

/// The text of a file that people write or download, without a byte-order mark; `what` was tried, as "cannot read the list".
///
/// # Errors
/// The file cannot be read, is something else, or is not UTF-8.
pub fn read_text(what: &'static str, path: &Path) -> Result<String> {
    let bytes = std::fs::read(path).map_err(FacesError::io(what, path))?;
    if let Some(impostor) = files::impostor(&bytes) {
        return Err(FacesError::Impostor { path: path.to_owned(), impostor });
    }
    match std::str::from_utf8(files::without_mark(&bytes)) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()].iter().filter(|&&byte| byte == b'\n').count();
            Err(FacesError::NotUtf8 { path: path.to_owned(), line })
        }
    }
}
