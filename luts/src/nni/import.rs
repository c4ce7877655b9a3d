//! NNI's values made into a table.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use blocks::{Candidate, Layer, Primitive, Space};

use super::error::NniError;
use super::form::{Form, Repeats, Unit};
use super::npy;
use super::text::{self, DTYPE, Record};
use crate::table::short;
use crate::{Device, EngineId, Fault, Header, Kind, Micros, Row, Shapes, Source, SpaceId, Table, TableError};

/// Most bytes of a file; a space of thousands of layers needs fewer.
const FILE_LIMIT: u64 = 16 << 20;

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
        let bytes = files::read_start(path, FILE_LIMIT + 1).map_err(failed)?;
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
                values_of_layers(self.space, layers, path)?
            }
            Form::Text => {
                let records = text::read(bytes).map_err(|source| NniError::Text { path: path.into(), source })?;
                values_of_records(self.space, records)
            }
        };
        table(self, values, unit, bytes, path)
    }
}

/// Values by key, each with its line (0 where there are none), and how many entries belong to no key.
#[derive(Default)]
struct Values {
    by_key: HashMap<String, Vec<(u64, f64)>>,
    unused: usize,
}

/// Values of a `lut.npy`: layer by layer, as the space counts them.
fn values_of_layers(space: &Space, layers: Vec<npy::Layer>, path: &Path) -> Result<Values, NniError> {
    let (expected, found) = (space.layers().len(), layers.len());
    if expected != found {
        return Err(NniError::Layers { path: path.into(), space: space.name().to_string(), expected, found });
    }
    let mut values = Values::default();
    for (layer, entries) in std::iter::zip(space.layers(), layers) {
        let keys: HashMap<&str, String> = layer.candidates().map(|c| (c.primitive.name(), c.key())).collect();
        for (name, value) in entries {
            match keys.get(name.as_str()) {
                Some(key) => values.by_key.entry(key.clone()).or_default().push((0, value)),
                None => values.unused += 1,
            }
        }
    }
    Ok(values)
}

/// Values of a `lut.txt`, by primitive and shapes.
fn values_of_records(space: &Space, records: Vec<Record>) -> Values {
    let keys: BTreeSet<String> = space.unique_candidates().iter().map(Candidate::key).collect();
    let mut values = Values::default();
    for record in records {
        let primitive = Primitive::from_name(&record.name).filter(|_| record.dtype == DTYPE);
        match primitive.map(|primitive| Candidate { primitive, layer: record.layer }.key()).filter(|key| keys.contains(key)) {
            Some(key) => values.by_key.entry(key).or_default().push((record.line, record.latency)),
            None => values.unused += 1,
        }
    }
    values
}

/// The table of these values; `bytes` are the file's.
fn table(import: &Import, values: Values, unit: Unit, bytes: &[u8], path: &Path) -> Result<Imported, NniError> {
    let space = import.space;
    let mut faults = Vec::new();
    let mut rows = Vec::new();
    for candidate in space.unique_candidates() {
        let key = candidate.key();
        match values.by_key.get(&key) {
            Some(found) => rows.push(row(&candidate, key, found, unit, import.repeats, &mut faults)),
            None => faults.push(Fault::Missing { key }),
        }
    }
    let failed = |faults| NniError::Faults { path: path.into(), space: space.name().to_string(), faults };
    if !faults.is_empty() {
        return Err(failed(Fault::listed(faults)));
    }
    let blocks: Vec<&Row> = rows.iter().filter(|row| row.kind == Kind::Block).collect();
    let is_macs = |row: &&Row| values.by_key[&row.key].iter().all(|&(_, value)| row.macs.is_some_and(|macs| value == macs as f64));
    if unit != Unit::Macs && !blocks.is_empty() && blocks.iter().all(is_macs) {
        return Err(NniError::Macs { path: path.into() });
    }
    let table = Table::new(header(import, unit, bytes, path), rows).map_err(failed)?;
    Ok(Imported { table, unused: values.unused })
}

/// The row of a candidate for which these values were found; appends what is wrong with them to `faults`.
fn row(candidate: &Candidate, key: String, found: &[(u64, f64)], unit: Unit, repeats: Repeats, faults: &mut Vec<Fault>) -> Row {
    let graph = candidate.graph();
    // NNI gives a block that does nothing a thousandth, or what a dropout takes; in a table it takes 0.
    let identity = candidate.primitive.is_identity(&candidate.layer);
    let (first_line, first) = found[0];
    for &(line, value) in found {
        let (key, latency) = (key.clone(), in_micros(value, unit));
        if !latency.0.is_finite() {
            faults.push(Fault::NotANumber { line, key, field: "its value" });
        } else if latency.0 < 0.0 || (latency.0 == 0.0 && !identity) {
            faults.push(Fault::NotPositive { line, key, latency });
        } else if value != first && repeats == Repeats::Refuse && !identity {
            faults.push(Fault::Duplicate { key, first: first_line, line });
        }
    }
    // Written so that equal values have exactly themselves as their mean.
    let mean = first + found.iter().map(|&(_, value)| (value - first) / found.len() as f64).sum::<f64>();
    let Layer { c_in, c_out, stride, h, w } = candidate.layer;
    let kind = if identity { Kind::Identity } else { Kind::Block };
    let primitive = candidate.primitive.name().to_string();
    Row {
        macs: Some(graph.macs()),
        params: graph.parameter_count() as u64,
        latency: if identity { Micros(0.0) } else { in_micros(mean, unit) },
        ..Row::unmeasured(key, kind, primitive, Shapes { c_in, c_out, stride, h, w })
    }
}

fn in_micros(value: f64, unit: Unit) -> Micros {
    Micros(if unit == Unit::Millis { 1000.0 * value } else { value })
}

fn header(import: &Import, unit: Unit, bytes: &[u8], path: &Path) -> Header {
    let name = path.file_name().unwrap_or_default().display();
    let values = match unit {
        Unit::Micros => "microseconds",
        Unit::Millis => "milliseconds",
        Unit::Macs => "multiply-adds, not times: 1 multiply-add stands as 1 µs",
    };
    let unknown = || "unknown".to_string();
    Header {
        date: Some(import.date.clone()),
        profiler: import.profiler.clone(),
        method: format!("imported from NNI's {name} (SHA-256 {}…), which holds {values}", short(&files::sha256(bytes))),
        // They are not known, and matter to the trunk only, which is not there.
        points: Some(106),
        device: Device { model: unknown(), arch: unknown(), ..Device::default() },
        engine: EngineId { name: unknown(), version: unknown(), ..EngineId::default() },
        ..Header::unmeasured(Source::Imported, SpaceId::from(import.space))
    }
}
