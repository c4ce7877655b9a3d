//! NNI's two forms of a table, and what their values are.

use std::path::Path;
use std::str::FromStr;

use super::error::NniError;

/// The two forms, told apart by a file's extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `lut.npy`.
    Npy,
    /// `lut.txt`.
    Text,
}

impl Form {
    /// The form that a file's name says.
    ///
    /// # Errors
    /// [`NniError::Extension`].
    pub fn of(path: &Path) -> Result<Self, NniError> {
        let forms = [(Self::Npy, "npy"), (Self::Text, "txt")];
        let form = forms.into_iter().find(|(_, ending)| files::has_ending(path, ending)).map(|(form, _)| form);
        form.ok_or_else(|| NniError::Extension { path: path.into() })
    }
}

/// What the values of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Microseconds.
    Micros,
    /// Milliseconds.
    Millis,
    /// Multiply-adds, which NNI calls flops: no time at all. One stands as 1 µs, so that a search is steered as NNI's is.
    Macs,
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "us" => Ok(Self::Micros),
            "ms" => Ok(Self::Millis),
            "macs" => Ok(Self::Macs),
            _ => Err("must be us, ms or macs".to_string()),
        }
    }
}

/// What to do with different values of one key: NNI measures layers of the same shapes one by one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeats {
    /// An error.
    Refuse,
    /// Their mean is taken.
    Mean,
}
