//! `profiler lut export`: tables in the forms that other tools read.

mod ofa;

use std::iter::zip;

use luts::{Interval, Kind, LatencyModel, Layer, Layout, LookupError, Micros, Row, Table, trunk_piece};
use serde::{Serialize, Serializer};

pub use ofa::{OfaYaml, Written};

/// The forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// [`OfaYaml`].
    OfaYaml,
    /// [`json`].
    Json,
    /// [`csv_long`].
    CsvLong,
}

/// Why a table cannot be written in another form.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A row is missing.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// No candidate's name can be read.
    #[error("no candidate's name states kernel and expansion, as k3_e6 and 3x3_MBConv6 do")]
    NoNames,
    /// Two blocks with one entry.
    #[error("{first} and {second} would both be the entry {key}")]
    Twice {
        /// The entry.
        key: String,
        /// A row's key.
        first: String,
        /// Another one's.
        second: String,
    },
}

/// Entries in an order, written as a map.
struct Ordered<T>(Vec<(String, T)>);

impl<T: Serialize> Serialize for Ordered<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

/// `{layer: {candidate: µs}}` as JSON, in the space's order.
///
/// # Errors
/// [`ExportError::Lookup`].
pub fn json(table: &Table, space: &Layout) -> Result<String, ExportError> {
    let model = LatencyModel::new(table, space)?;
    let layer = |(layer, times): (&Layer, Vec<Micros>)| {
        let names = layer.candidates.iter().map(|candidate| candidate.name.clone());
        (layer.name.clone(), Ordered(zip(names, times.into_iter().map(Micros::value)).collect()))
    };
    let layers = Ordered(zip(&space.layers, model.layers()).map(layer).collect());
    Ok(serde_json::to_string_pretty(&layers).expect("names and numbers") + "\n")
}

/// A line of [`csv_long`].
#[derive(Serialize)]
struct Line<'a> {
    layer: &'a str,
    candidate: &'a str,
    us: f64,
    low: Option<f64>,
    high: Option<f64>,
}

impl<'a> Line<'a> {
    fn of(layer: &'a str, candidate: &'a str, row: &Row) -> Self {
        let exact = Interval { low: row.latency, high: row.latency };
        let interval = if row.kind == Kind::Identity { Some(exact) } else { row.interval };
        Self { layer, candidate, us: row.latency.0, low: interval.map(|i| i.low.0), high: interval.map(|i| i.high.0) }
    }
}

/// CSV with a line for each candidate of each layer: `layer,candidate,us,low,high`, the last two the 95 % interval, empty where it is not
/// known. Fixed pieces follow, whose layer is empty.
///
/// # Errors
/// [`ExportError::Lookup`].
pub fn csv_long(table: &Table, space: &Layout) -> Result<String, ExportError> {
    let mut lines = Vec::new();
    for layer in &space.layers {
        for candidate in &layer.candidates {
            lines.push(Line::of(&layer.name, &candidate.name, table.find(&candidate.key)?));
        }
    }
    for key in space.fixed.iter().filter(|_| table.has_trunk()) {
        lines.push(Line::of("", trunk_piece(key).unwrap_or(key), table.find(key)?));
    }
    let mut writer = csv::Writer::from_writer(Vec::new());
    lines.iter().for_each(|line| writer.serialize(line).expect("memory is written to, and a line is flat"));
    Ok(String::from_utf8(writer.into_inner().expect("memory is written to")).expect("texts and numbers"))
}
