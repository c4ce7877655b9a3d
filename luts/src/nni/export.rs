//! A table's values written for NNI.

use std::path::Path;

use blocks::{Candidate, Space};

use super::error::NniError;
use super::form::Form;
use super::npy;
use super::text::{self, DTYPE, Record};
use crate::file::write_whole;
use crate::{LookupError, Overwrite, Table};

/// Writes a table's candidates for NNI, in the form that the extension of `path` says. The trunk is left out: NNI has no place for it.
///
/// # Errors
/// [`NniError::Extension`]; [`NniError::Lookup`] where a candidate has no row; [`NniError::Table`] where the file cannot be written.
pub fn export(table: &Table, space: &Space, path: &Path, overwrite: Overwrite) -> Result<(), NniError> {
    let form = Form::of(path)?;
    let bytes = match form {
        Form::Npy => npy::write(&layers(table, space)?),
        Form::Text => text::write(&records(table, space)?).into_bytes(),
    };
    Ok(write_whole(path, &bytes, overwrite)?)
}

/// A table's values by layer, as `lut.npy` holds them.
fn layers(table: &Table, space: &Space) -> Result<Vec<npy::Layer>, LookupError> {
    let value = |candidate: Candidate| Ok((candidate.primitive.name().to_string(), table.latency(&candidate)?.0));
    space.layers().iter().map(|layer| layer.candidates().map(value).collect()).collect()
}

/// A table's values by key, as `lut.txt` holds them.
fn records(table: &Table, space: &Space) -> Result<Vec<Record>, LookupError> {
    let record = |candidate: &Candidate| {
        let latency = table.latency(candidate)?.0;
        let name = candidate.primitive.name().to_string();
        Ok(Record { line: 0, name, layer: candidate.layer, dtype: DTYPE.to_string(), latency })
    };
    space.unique_candidates().iter().map(record).collect()
}
