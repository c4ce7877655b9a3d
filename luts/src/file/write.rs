//! A table written.

use std::fmt::Write as _;
use std::io;
use std::path::Path;

use files::Overwrite;

use super::record::{Record, columns};
use super::{END, FORMAT, HeaderFile, SCHEMA, SCHEMA_OF_PRIMITIVES};
use crate::fault::TableError;
use crate::table::Table;

impl Table {
    /// The whole file.
    fn to_text(&self) -> String {
        let schema = if self.header.space.folder.is_some() { SCHEMA } else { SCHEMA_OF_PRIMITIVES };
        let file = HeaderFile { format: FORMAT.to_string(), schema, rows: self.rows().len() as u64, header: self.header.clone() };
        let header = toml::to_string_pretty(&file).expect("a header has no map keys but names");
        let mut text = String::new();
        for line in header.lines() {
            // Writing to a String cannot fail.
            let _ = if line.is_empty() { writeln!(text, "#") } else { writeln!(text, "# {line}") };
        }
        text + &self.rows_text() + END + "\n"
    }

    /// Writes the table, whole or not at all, so that no half table is ever there.
    ///
    /// # Errors
    /// [`TableError::Exists`] where a file is there and may not be replaced, [`TableError::Write`].
    pub fn write(&self, path: impl AsRef<Path>, overwrite: Overwrite) -> Result<(), TableError> {
        write_whole(path.as_ref(), self.to_text().as_bytes(), overwrite)
    }

    /// SHA-256, in hex, of the table's content without the `checked` entry, so that checking a table does not make it another.
    pub fn digest(&self) -> String {
        let mut unchecked = self.clone();
        unchecked.header.checked = None;
        files::sha256(unchecked.to_text())
    }

    /// SHA-256, in hex, of the table's rows alone: two tables with the same one hold the same samples, whatever their headers say.
    pub fn rows_digest(&self) -> String {
        files::sha256(self.rows_text())
    }

    /// The rows as they are written.
    fn rows_text(&self) -> String {
        rows(self).expect("memory is written to, and a record is flat")
    }
}

/// The columns' names and the rows.
fn rows(table: &Table) -> csv::Result<String> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(columns(SCHEMA))?;
    for row in table.rows() {
        writer.serialize(Record::from(row))?;
    }
    let bytes = writer.into_inner().map_err(|e| e.into_error())?;
    Ok(String::from_utf8(bytes).map_err(io::Error::other)?)
}

/// Writes a file whole or not at all.
///
/// # Errors
/// [`TableError::Exists`], [`TableError::Write`].
pub fn write_whole(path: &Path, bytes: &[u8], overwrite: Overwrite) -> Result<(), TableError> {
    files::write(path, bytes, overwrite).map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => TableError::Exists { path: path.into() },
        _ => TableError::Write { path: path.into(), source },
    })
}
