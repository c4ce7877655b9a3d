//! Tables of NNI's FBNet, read and written: `lut.npy` and `lut.txt`.
//!
//! | form | what it is | unit |
//! |---|---|---|
//! | `lut.npy` | an array of Python objects: a dict a layer, primitive's name → value; a pickle inside | not stated: multiply-adds or µs |
//! | `lut.txt` | a Python dict a line: `op_name`, `op_data_shape` (width, height, input channels, output channels, stride), `op_dtype`, `op_latency` | µs |
//!
//! NNI reads the first as `MODEL_DIR/lut/lut.npy` (`lut_load_format="numpy"`) and the second as `lut.txt` in the working folder
//! (`"json"`), both with `lut_load=True`. Neither holds a trunk or says what device it is from, so that an imported table
//! has no trunk rows and its source is [`Imported`](crate::Source::Imported).
//!
//! A pickle is a program. It is never run: the crate [`pickle`] knows the few opcodes that such an array needs, and refuses all
//! others.
//!
//! | module | what it holds |
//! |---|---|
//! | [`npy`] | the frame around the pickle, and the layers in it |
//! | [`text`] | the lines of `lut.txt` |
//! | [`literal`] | Python's literals, which both forms use |
//! | [`error`] | what can be wrong |

mod convert;
pub mod error;
pub mod literal;
pub mod npy;
pub mod text;

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::str::FromStr;

use blocks::Space;

pub use error::NniError;

use crate::file::write_whole;
use crate::{Overwrite, Table, TableError};

/// Most bytes of a file; a space of thousands of layers needs fewer.
const FILE_LIMIT: u64 = 16 << 20;

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

/// How to import.
#[derive(Clone, Debug)]
pub struct Import<'a> {
    /// The space that the table is for.
    pub space: &'a Space,
    /// What the values are; needed for [`Form::Npy`], µs without for [`Form::Text`].
    pub unit: Option<Unit>,
    /// Different values of one key.
    pub repeats: Repeats,
    /// When: RFC 3339, UTC.
    pub date: String,
    /// Version of the importing program.
    pub profiler: String,
}

/// A table read from NNI's.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The table; without trunk.
    pub table: Table,
    /// Entries that belong to no candidate of the space and were passed over, as NNI does.
    pub unused: usize,
}

impl Import<'_> {
    /// Imports a file, in the form that its extension says.
    ///
    /// # Errors
    /// [`NniError`]: every key that has no value or a bad one is named.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<Imported, NniError> {
        let path = path.as_ref();
        let form = Form::of(path)?;
        let failed = |source| TableError::Read { path: path.into(), source };
        let mut bytes = Vec::new();
        File::open(path).map_err(failed)?.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
        self.read_from(&bytes, form, path)
    }

    /// [`Import::read`] of a file's content; `path` stands in the errors and in the table's header.
    ///
    /// # Errors
    /// As [`Import::read`].
    pub fn read_from(&self, bytes: &[u8], form: Form, path: &Path) -> Result<Imported, NniError> {
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(NniError::TooLong { path: path.into(), limit: FILE_LIMIT });
        }
        let unit = match (self.unit, form) {
            (Some(unit), _) => unit,
            (None, Form::Text) => Unit::Micros,
            (None, Form::Npy) => return Err(NniError::NoUnit { path: path.into() }),
        };
        if let Some(impostor) = files::impostor(bytes) {
            return Err(NniError::Impostor { path: path.into(), impostor });
        }
        let values = match form {
            Form::Npy => {
                let layers = npy::read(bytes).map_err(|source| NniError::Npy { path: path.into(), source })?;
                convert::values_of_layers(self.space, layers, path)?
            }
            Form::Text => {
                let records = text::read(bytes).map_err(|source| NniError::Text { path: path.into(), source })?;
                convert::values_of_records(self.space, records)
            }
        };
        convert::table(self, values, unit, bytes, path)
    }
}

/// Writes a table's candidates for NNI, in the form that the extension of `path` says. The trunk is left out: NNI has no place for it.
///
/// # Errors
/// [`NniError::Extension`]; [`NniError::Lookup`] where a candidate has no row; [`NniError::Table`] where the file cannot be written.
pub fn export(table: &Table, space: &Space, path: &Path, overwrite: Overwrite) -> Result<(), NniError> {
    let form = Form::of(path)?;
    let bytes = match form {
        Form::Npy => npy::write(&convert::layers(table, space)?),
        Form::Text => text::write(&convert::records(table, space)?).into_bytes(),
    };
    Ok(write_whole(path, &bytes, overwrite)?)
}
