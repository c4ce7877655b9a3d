//! `profiler lut merge`: tables of one device, engine and space joined into one.
//!
//! A row that one table has is taken over. A row that several have becomes their mean on a logarithmic scale, weighted by how sure
//! each is, with an interval that widens where they contradict each other (`effects`, `rows`). Times are first brought to one canary,
//! that of the tables' mean.

mod effects;
mod error;
mod rows;

use std::path::PathBuf;

use luts::{ClockBand, Fit, Header, Micros, Table, TemperatureBand};

use crate::devices::conditions::differences;
use crate::show::text;
pub use error::MergeError;
use rows::{Found, contradictions, join_rows, mean};

/// What a merged table's method says behind the number of tables.
const MERGED: &str = "tables merged (random effects of DerSimonian and Laird)";

/// A table and its file.
type Named = (PathBuf, Table);

/// What merging gives.
#[derive(Debug)]
pub struct Merged {
    /// Table
    pub table: Table,
    /// As text: which rows contradict each other; absent if all agree.
    pub contradictions: Option<String>,
}

/// Joins tables; each comes with its path, for messages.
///
/// # Errors
/// [`MergeError`]: they were made under different conditions, or of the same samples, or the result is no table.
pub fn merge(tables: &[Named]) -> Result<Merged, MergeError> {
    let [(first_path, first), rest @ ..] = tables else { return Err(MergeError::NoTables) };
    for (path, table) in rest {
        let unlike = differences(&first.header, &table.header);
        if !unlike.is_empty() {
            let differ: Vec<String> =
                unlike.iter().map(|d| format!("their {} differ ({}, {})", d.what, d.first, d.second)).collect();
            return Err(MergeError::Unlike { first: first_path.clone(), second: path.clone(), reason: differ.join("; ") });
        }
    }
    let made_of = tables.iter().map(sources).collect::<Result<Vec<_>, _>>()?;
    for (i, own) in made_of.iter().enumerate() {
        if let Some(k) = (i + 1..tables.len()).find(|&k| made_of[k].iter().any(|digest| own.contains(digest))) {
            return Err(MergeError::Same { first: tables[i].0.clone(), second: tables[k].0.clone() });
        }
    }
    let stated = |table: &Table| table.header.canary.as_ref().map_or(1.0, |canary| canary.stated_us.0);
    let mean = mean(tables.iter().map(|(_, table)| stated(table)));
    let mut keys: Vec<&str> = Vec::new();
    for row in tables.iter().flat_map(|(_, table)| table.rows()) {
        if !keys.contains(&row.key.as_str()) {
            keys.push(&row.key);
        }
    }
    let rows = keys.iter().map(|key| {
        let found = tables.iter().filter_map(|(path, table)| {
            let row = table.row(key)?;
            Some(Found { path, row, factor: mean / stated(table) })
        });
        let found: Vec<Found> = found.collect();
        Ok((join_rows(&found, first.header.source)?, found))
    });
    let rows = rows.collect::<Result<Vec<_>, MergeError>>()?;
    let contradictions = contradictions(&rows);
    let weight: f64 = rows.iter().map(|(joined, _)| joined.row.latency.0).sum();
    let between = rows.iter().map(|(joined, _)| joined.between * joined.row.latency.0 / weight).sum();
    let header = Header { merged_from: made_of.concat(), ..header(tables, mean, between) };
    let table = Table::new(header, rows.into_iter().map(|(joined, _)| joined.row).collect())
        .map_err(|faults| MergeError::Faults { faults })?;
    Ok(Merged { table, contradictions })
}

/// The rows' digests of the tables that a table was merged of; of another one its own.
fn sources((path, table): &Named) -> Result<Vec<String>, MergeError> {
    match &table.header.merged_from[..] {
        [] if table.header.method.contains(MERGED) => Err(MergeError::Unrecorded { path: path.clone() }),
        [] => Ok(vec![table.rows_digest()]),
        recorded => Ok(recorded.to_vec()),
    }
}

/// The new table's header; `canary` is its canary's stated time, `between` the variance between the tables, as a share squared, of what
/// takes most time.
fn header(tables: &[Named], canary: f64, between: f64) -> Header {
    let headers: Vec<&Header> = tables.iter().map(|(_, table)| &table.header).collect();
    let mut header = headers[0].clone();
    header.date = header.date.map(|_| text::now());
    header.method = format!("{} {MERGED}; {}", tables.len(), headers[0].method);
    header.checked = None;
    header.stopped_by = None;
    header.cpus = headers.iter().flat_map(|h| h.cpus.clone()).collect();
    header.cpus.sort_unstable();
    header.cpus.dedup();
    if let Some(new) = &mut header.canary {
        new.stated_us = Micros(canary);
        new.median_us = Micros(mean(headers.iter().map(|h| h.canary.as_ref().map_or(canary, |c| c.median_us.0))));
    }
    header.clock = headers.iter().filter_map(|h| h.clock).reduce(|a, b| ClockBand {
        min_mhz: if b.min_mhz < a.min_mhz { b.min_mhz } else { a.min_mhz },
        max_mhz: if b.max_mhz > a.max_mhz { b.max_mhz } else { a.max_mhz },
        ..a
    });
    header.temperature = headers.iter().filter_map(|h| h.temperature).reduce(|a, b| TemperatureBand {
        min_c: if b.min_c < a.min_c { b.min_c } else { a.min_c },
        max_c: if b.max_c > a.max_c { b.max_c } else { a.max_c },
        ..a
    });
    let fits: Vec<&Fit> = headers.iter().filter_map(|h| h.fit.as_ref()).collect();
    header.fit = (!fits.is_empty()).then(|| {
        let residual = fits.iter().map(|fit| fit.residual).fold(0.0, f64::max);
        let mut architectures: Vec<String> = Vec::new();
        for architecture in fits.iter().flat_map(|fit| &fit.architectures) {
            if !architectures.contains(architecture) {
                architectures.push(architecture.clone());
            }
        }
        // A network's prediction is uncertain by what is between the tables too: once for the mean's own, once for what a network
        // meets that is measured later. That all rows may be off together is the worst case.
        let between = between * (1.0 + 1.0 / tables.len() as f64);
        // Anchors belong to one canary's stated time.
        Fit { residual: residual.hypot(between.sqrt()), noise: None, architectures, anchors: Vec::new() }
    });
    header
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use luts::{Interval, Kind, Row, Source};

    use super::*;
    use crate::tables::examples;

    fn table(us: f64) -> Table {
        let canary = luts::Canary { kind: "loop".into(), stated_us: Micros(2.0), median_us: Micros(2.0) };
        let header = Header { date: Some("2026".into()), canary: Some(canary), ..examples::header(Source::Measured) };
        let row = Row {
            latency: Micros(us),
            interval: Some(Interval { low: Micros(0.98 * us), high: Micros(1.02 * us) }),
            samples: 30,
            ..Row::unmeasured("x@1".into(), Kind::Block, "x".into(), luts::Shapes::default())
        };
        Table::new(header, vec![row]).unwrap()
    }

    /// A copy adds nothing, but would make all intervals narrower by the root of two.
    #[test]
    fn the_same_samples_do_not_count_twice() {
        let named = |name: &str, us| (PathBuf::from(name), table(us));
        let mut copy = table(4.0);
        copy.header.profiler = String::new();
        copy.header.method = "said in other words".into();
        let twice = merge(&[named("a", 4.0), named("b", 4.04), ("c".into(), copy)]);
        assert!(matches!(twice, Err(MergeError::Same { first, second }) if first == Path::new("a") && second == Path::new("c")));
        let merged = merge(&[named("a", 4.0), named("b", 4.04)]).unwrap();
        assert!((merged.table.rows()[0].latency.0 - 4.02).abs() < 1e-3 && merged.table.rows()[0].samples == 60);
    }

    /// A table counts twice, too, where it has been merged into another one before.
    #[test]
    fn a_merged_table_is_not_merged_with_what_it_is_made_of() {
        let named = |name: &str, us| (PathBuf::from(name), table(us));
        let (a, b, c) = (named("a", 4.0), named("b", 4.04), named("c", 4.02));
        let both = |tables: &[Named]| (PathBuf::from("m"), merge(tables).unwrap().table);
        let ab = both(&[a.clone(), b.clone()]);
        assert_eq!(ab.1.header.merged_from, [a.1.rows_digest(), b.1.rows_digest()]);
        for twice in [&a, &b, &ab] {
            assert!(matches!(merge(&[ab.clone(), twice.clone()]), Err(MergeError::Same { .. })));
        }
        // Through two merges, and two merged tables with a common part.
        let abc = both(&[ab.clone(), c.clone()]);
        assert_eq!((abc.1.header.merged_from.len(), abc.1.rows()[0].samples), (3, 90));
        assert!(matches!(merge(&[a.clone(), abc]), Err(MergeError::Same { .. })));
        assert!(matches!(merge(&[ab.clone(), both(&[b, c.clone()])]), Err(MergeError::Same { .. })));
        // One of before does not say what it is made of.
        let mut old = ab;
        old.1.header.merged_from.clear();
        assert!(matches!(merge(&[old, c]), Err(MergeError::Unrecorded { path }) if path == Path::new("m")));
    }
}
