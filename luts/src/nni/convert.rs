//! Between NNI's values and a table.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use blocks::{Candidate, Layer, Primitive, Space};

use super::text::{DTYPE, Record};
use super::{Import, Imported, NniError, Repeats, Unit, npy};
use crate::table::short;
use crate::{Device, Discarded, EngineId, Fault, Header, Kind, LookupError, Micros, Row, Shapes, Source, SpaceId, Table};

/// Values by key, each with its line (0 where there are none), and how many entries belong to no key.
#[derive(Default)]
pub struct Values {
    by_key: HashMap<String, Vec<(u64, f64)>>,
    unused: usize,
}

/// Values of a `lut.npy`: layer by layer, as the space counts them.
pub fn values_of_layers(space: &Space, layers: Vec<npy::Layer>, path: &Path) -> Result<Values, NniError> {
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
pub fn values_of_records(space: &Space, records: Vec<Record>) -> Values {
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
pub fn table(import: &Import, values: Values, unit: Unit, bytes: &[u8], path: &Path) -> Result<Imported, NniError> {
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
    let is_macs = |row: &&Row| values.by_key[&row.key].iter().all(|&(_, value)| value == row.macs as f64);
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
    Row {
        key,
        kind: if identity { Kind::Identity } else { Kind::Block },
        primitive: candidate.primitive.name().to_string(),
        shapes: Shapes { c_in, c_out, stride, h, w },
        macs: graph.macs(),
        params: graph.parameter_count() as u64,
        latency: if identity { Micros(0.0) } else { in_micros(mean, unit) },
        interval: None,
        quantiles: None,
        samples: 0,
        discarded: Discarded::default(),
        cold: None,
        checksum: None,
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
        source: Source::Imported,
        date: Some(import.date.clone()),
        profiler: import.profiler.clone(),
        method: format!("imported from NNI's {name} (SHA-256 {}…), which holds {values}", short(&files::sha256(bytes))),
        // Points and threads are not known. Points matter to the trunk only, which is not there.
        points: 106,
        threads: 1,
        cpus: Vec::new(),
        stopped_by: None,
        space: SpaceId { name: import.space.name().to_string(), hash: import.space.hash() },
        device: Device { model: unknown(), arch: unknown(), ..Device::default() },
        engine: EngineId { name: unknown(), version: unknown(), ..EngineId::default() },
        simulator: None,
        canary: None,
        governor: None,
        clock: None,
        temperature: None,
        units: None,
        fit: None,
        checked: None,
    }
}

/// A table's values by layer, as `lut.npy` holds them.
pub fn layers(table: &Table, space: &Space) -> Result<Vec<npy::Layer>, LookupError> {
    let value = |candidate: Candidate| Ok((candidate.primitive.name().to_string(), table.latency(&candidate)?.0));
    space.layers().iter().map(|layer| layer.candidates().map(value).collect()).collect()
}

/// A table's values by key, as `lut.txt` holds them.
pub fn records(table: &Table, space: &Space) -> Result<Vec<Record>, LookupError> {
    let record = |candidate: &Candidate| {
        let latency = table.latency(candidate)?.0;
        let name = candidate.primitive.name().to_string();
        Ok(Record { line: 0, name, layer: candidate.layer, dtype: DTYPE.to_string(), latency })
    };
    space.unique_candidates().iter().map(record).collect()
}
