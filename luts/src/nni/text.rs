//! `lut.txt`: a Python dict a line.

use std::fmt::Write as _;

use blocks::Layer;

use super::literal::{Literal, LiteralError};

/// Longest line.
const LINE_LIMIT: usize = 4096;

/// What NNI calls the values' type; it looks up no other.
pub const DTYPE: &str = "float";

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Where it stands, from 1; 0 for one that is to be written.
    pub line: u64,
    /// The primitive's name.
    pub name: String,
    /// Its shapes.
    pub layer: Layer,
    /// Type of its values.
    pub dtype: String,
    /// Its value.
    pub latency: f64,
}

/// Where a `lut.txt` is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {fault}")]
pub struct TextError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub fault: TextFault,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextFault {
    /// Bytes that are no text.
    #[error("is not UTF-8 text")]
    NotText,
    /// Beyond reason.
    #[error("is longer than {LINE_LIMIT} bytes")]
    TooLong,
    /// Not Python's.
    #[error("is not a Python literal: {0}")]
    Literal(#[from] LiteralError),
    /// An entry that is missing, or is something else.
    #[error("'{entry}' is missing or is not {expected}")]
    Entry {
        /// Its name.
        entry: &'static str,
        /// What it must be.
        expected: &'static str,
    },
}

/// Reads a file's content.
///
/// # Errors
/// [`TextError`].
pub fn read(bytes: &[u8]) -> Result<Vec<Record>, TextError> {
    let lines = files::without_mark(bytes).split(|&b| b == b'\n').enumerate().filter(|(_, line)| !line.trim_ascii().is_empty());
    lines
        .map(|(i, bytes)| {
            let line = i as u64 + 1;
            record(line, bytes).map_err(|fault| TextError { line, fault })
        })
        .collect()
}

fn record(line: u64, bytes: &[u8]) -> Result<Record, TextFault> {
    if bytes.len() > LINE_LIMIT {
        return Err(TextFault::TooLong);
    }
    let dict = Literal::parse(std::str::from_utf8(bytes).map_err(|_| TextFault::NotText)?)?;
    let text = |entry| match dict.get(entry) {
        Some(Literal::Text(text)) => Ok(text.to_string()),
        _ => Err(TextFault::Entry { entry, expected: "a string" }),
    };
    let latency = dict.get("op_latency").and_then(Literal::number);
    Ok(Record {
        line,
        name: text("op_name")?,
        layer: shape(&dict).ok_or(TextFault::Entry { entry: "op_data_shape", expected: "five whole numbers" })?,
        dtype: text("op_dtype")?,
        latency: latency.ok_or(TextFault::Entry { entry: "op_latency", expected: "a number" })?,
    })
}

fn shape(dict: &Literal) -> Option<Layer> {
    let Literal::Sequence(items) = dict.get("op_data_shape")? else { return None };
    let sides = items.iter().map(|item| match *item {
        Literal::Int(n) => usize::try_from(n).ok(),
        _ => None,
    });
    match sides.collect::<Option<Vec<_>>>()?[..] {
        [w, h, c_in, c_out, stride] => Some(Layer { c_in, c_out, stride, h, w }),
        _ => None,
    }
}

/// The file of these records.
pub fn write(records: &[Record]) -> String {
    let mut text = String::new();
    for Record { name, layer: Layer { c_in, c_out, stride, h, w }, dtype, latency, .. } in records {
        // Writing to a String cannot fail. `{:?}` keeps the point of a whole number, as Python does.
        let _ = writeln!(
            text,
            "{{'op_name': '{name}', 'op_data_shape': ({w}, {h}, {c_in}, {c_out}, {stride}), 'op_dtype': '{dtype}', 'op_latency': {latency:?}}}"
        );
    }
    text
}
