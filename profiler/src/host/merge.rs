//! `profiler lut merge`: tables of one device, engine and space joined into one.
//!
//! A row that one table has is taken over. A row that several have becomes their mean, weighted by how sure each is (the inverse
//! square of its interval); times are first brought to one canary, that of the tables' mean.

use std::path::PathBuf;

use luts::{Header, Interval, Kind, Micros, Row, Table};

use super::{HostError, text};

/// Joins tables; each comes with its path, for messages.
///
/// # Errors
/// [`HostError::Usage`] where they were made under unlike conditions; [`HostError::Faults`] where the result is no table.
pub fn merge(tables: &[(PathBuf, Table)]) -> Result<Table, HostError> {
    let [(first_path, first), rest @ ..] = tables else { return Err(HostError::Usage("merging needs tables".to_string())) };
    for (path, table) in rest {
        if let Some((what, a, b)) = unlike(&first.header, &table.header) {
            let (x, y) = (first_path.display(), path.display());
            return Err(HostError::Usage(format!("{x} and {y} cannot be merged: their {what} differ ({a}, {b})")));
        }
    }
    let stated = |table: &Table| table.header.canary.as_ref().map_or(1.0, |canary| canary.stated_us.0);
    let mean = tables.iter().map(|(_, table)| stated(table)).sum::<f64>() / tables.len() as f64;
    let mut keys: Vec<&str> = Vec::new();
    for row in tables.iter().flat_map(|(_, table)| table.rows()) {
        if !keys.contains(&row.key.as_str()) {
            keys.push(&row.key);
        }
    }
    let rows = keys.iter().map(|key| {
        let found = tables.iter().filter_map(|(_, table)| Some((table.row(key)?, mean / stated(table))));
        join(&found.collect::<Vec<_>>())
    });
    let rows = rows.collect();
    let mut header = first.header.clone();
    header.date = text::now();
    header.method = format!("{} tables merged; {}", tables.len(), first.header.method);
    header.checked = None;
    header.stopped_by = None;
    if let Some(canary) = &mut header.canary {
        canary.stated_us = Micros(mean);
    }
    if let Some(fit) = &mut header.fit {
        // They belong to one canary's stated time.
        fit.anchors.clear();
        for other in rest.iter().filter_map(|(_, table)| table.header.fit.as_ref()) {
            fit.residual = fit.residual.max(other.residual);
            let new: Vec<_> = other.architectures.iter().filter(|a| !fit.architectures.contains(a)).cloned().collect();
            fit.architectures.extend(new);
        }
    }
    Table::new(header, rows).map_err(|faults| HostError::Faults { faults, raw: first_path.clone() })
}

/// The first thing that keeps two tables apart: its name, and both sides of it.
fn unlike(a: &Header, b: &Header) -> Option<(&'static str, String, String)> {
    let kind = |h: &Header| h.canary.as_ref().map(|canary| canary.kind.clone()).unwrap_or_default();
    let sides = [
        ("search spaces", a.space.hash.clone(), b.space.hash.clone()),
        ("sources", a.source.to_string(), b.source.to_string()),
        ("devices", a.device.model.clone(), b.device.model.clone()),
        ("threads", a.threads.to_string(), b.threads.to_string()),
        ("landmarks", a.points.to_string(), b.points.to_string()),
        ("engines", format!("{} {}", a.engine.name, a.engine.version), format!("{} {}", b.engine.name, b.engine.version)),
        ("precisions", format!("{:?}", a.engine.precision), format!("{:?}", b.engine.precision)),
        ("engine libraries", format!("{:?}", a.engine.library_sha256), format!("{:?}", b.engine.library_sha256)),
        ("engine programs", format!("{:?}", a.engine.program_sha256), format!("{:?}", b.engine.program_sha256)),
        ("canaries", kind(a), kind(b)),
    ];
    sides.into_iter().find(|(_, a, b)| a != b)
}

/// One row of several, each with the factor that its times are taken with.
fn join(found: &[(&Row, f64)]) -> Row {
    let weight = |row: &Row| row.interval.map_or(1.0, |i| ((i.high - i.low).0 / row.latency.0).max(1e-6).powi(-2));
    let whole: f64 = found.iter().map(|(row, _)| weight(row)).sum();
    let (first, factor) = found[0];
    let mut joined = first.clone();
    if first.kind == Kind::Identity {
        return joined;
    }
    let mean = |value: &dyn Fn(&Row) -> f64| found.iter().map(|(row, f)| weight(row) / whole * f * value(row)).sum::<f64>();
    joined.latency = Micros(mean(&|row| row.latency.0));
    // Relative half-widths combine as independent errors do.
    joined.interval = found.iter().all(|(row, _)| row.interval.is_some()).then(|| {
        let half = joined.latency * whole.powf(-0.5) * 0.5;
        Interval { low: joined.latency - half, high: joined.latency + half }
    });
    joined.samples = found.iter().map(|(row, _)| row.samples).sum();
    for (row, _) in &found[1..] {
        joined.discarded.canary += row.discarded.canary;
        joined.discarded.moved += row.discarded.moved;
        joined.discarded.preempted += row.discarded.preempted;
        joined.discarded.temperature += row.discarded.temperature;
    }
    if found.len() > 1 {
        // The spread of single samples cannot be told from two tables' quantiles.
        joined.quantiles = None;
    }
    joined.cold = joined.cold.map(|us| us * factor);
    joined
}
