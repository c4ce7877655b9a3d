//! `profiler lut merge`: tables of one device, engine and space joined into one.
//!
//! A row that one table has is taken over. A row that several have becomes their mean on a logarithmic scale, weighted by how sure
//! each is, with an interval that widens where they contradict each other (`effects`). Times are first brought to one canary, that
//! of the tables' mean.

mod effects;

use std::path::{Path, PathBuf};

use luts::{ClockBand, Discarded, Fit, Header, Interval, Kind, Micros, Quantiles, Row, Source, Table, TemperatureBand};

use crate::devices::conditions::differences;
use crate::show::text;
use effects::{BOTH_SIDES, Estimate, join};

/// Why tables cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// None was given.
    #[error("give the tables to merge")]
    NoTables,
    /// Two that do not belong together.
    #[error("cannot merge {first} and {second}: {reason}")]
    Unlike {
        /// A table.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
        /// In what they differ.
        reason: String,
    },
    /// Two of the very same samples.
    #[error("cannot merge {first} and {second}: both hold the same samples, which would count twice")]
    Same {
        /// A table.
        first: PathBuf,
        /// The same one, or a copy.
        second: PathBuf,
    },
    /// What comes of them is no table.
    #[error("the merged table is not valid:{}", .faults.iter().map(|f| format!("\n  {f}")).collect::<String>())]
    Faults {
        /// What is wrong.
        faults: Vec<luts::Fault>,
    },
}

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

/// A row in one of the tables.
struct Found<'a> {
    path: &'a Path,
    row: &'a Row,
    /// What its times are taken with.
    factor: f64,
}

/// A row of the new table.
struct Joined {
    row: Row,
    /// Variance between the tables, as a share of the time squared; 0 where they agree.
    between: f64,
    contradict: bool,
}

/// Joins tables; each comes with its path, for messages.
///
/// # Errors
/// [`MergeError`]: they were made under different conditions, or the result is no table.
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
    let mut pairs = tables.iter().enumerate().flat_map(|(i, other)| tables[i + 1..].iter().map(move |second| (other, second)));
    // Times without noise may well be the same; then nothing is gained, but nothing is wrong either.
    let same = |((_, a), (_, b)): &(&Named, &Named)| a.header.source != Source::Simulated && a.rows() == b.rows();
    if let Some(((first, _), (second, _))) = pairs.find(same) {
        return Err(MergeError::Same { first: first.clone(), second: second.clone() });
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
        Ok((join_rows(&found)?, found))
    });
    let rows = rows.collect::<Result<Vec<_>, MergeError>>()?;
    let contradictions = contradictions(&rows);
    let weight: f64 = rows.iter().map(|(joined, _)| joined.row.latency.0).sum();
    let between = rows.iter().map(|(joined, _)| joined.between * joined.row.latency.0 / weight).sum();
    let header = header(tables, mean, between);
    let table = Table::new(header, rows.into_iter().map(|(joined, _)| joined.row).collect())
        .map_err(|faults| MergeError::Faults { faults })?;
    Ok(Merged { table, contradictions })
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// The new table's header; `canary` is its canary's stated time, `between` the variance between the tables, as a share squared, of what
/// takes most time.
fn header(tables: &[Named], canary: f64, between: f64) -> Header {
    let headers: Vec<&Header> = tables.iter().map(|(_, table)| &table.header).collect();
    let mut header = headers[0].clone();
    header.date = header.date.map(|_| text::now());
    header.method = format!("{} tables merged (random effects of DerSimonian and Laird); {}", tables.len(), headers[0].method);
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

/// A text on rows that contradict each other.
fn contradictions(rows: &[(Joined, Vec<Found>)]) -> Option<String> {
    let apart = || rows.iter().filter(|(joined, _)| joined.contradict);
    let (worst, found) = apart().max_by(|(a, _), (b, _)| a.between.total_cmp(&b.between))?;
    let sides: Vec<String> =
        found.iter().map(|f| format!("{:.1} µs in {}", f.row.latency.0 * f.factor, f.path.display())).collect();
    Some(format!(
        "{} of {} rows disagree more than their intervals allow; their intervals were widened. Largest: {}: {}. \
         A condition that the headers do not record was different: measure again on the idle device",
        apart().count(),
        rows.len(),
        worst.row.key,
        sides.join(", ")
    ))
}

/// One row of several.
fn join_rows(found: &[Found]) -> Result<Joined, MergeError> {
    let first = found[0].row;
    if let Some(other) = found.iter().find(|f| f.row.kind != first.kind || f.row.macs != first.macs || f.row.shapes != first.shapes)
    {
        let (first_path, second) = (found[0].path.to_path_buf(), other.path.to_path_buf());
        let reason = format!("rows {} describe different blocks", first.key);
        return Err(MergeError::Unlike { first: first_path, second, reason });
    }
    let mut row = first.clone();
    if first.kind == Kind::Identity {
        return Ok(Joined { row, between: 0.0, contradict: false });
    }
    let estimates: Option<Vec<Estimate>> = found.iter().map(estimate).collect();
    let (mut between, mut contradict) = (0.0, false);
    match &estimates {
        // As it was: on the logarithmic scale it would come back with rounding in its last digits.
        _ if found.len() == 1 => {
            let factor = found[0].factor;
            row.latency = row.latency * factor;
            row.interval = row.interval.map(|i| Interval { low: i.low * factor, high: i.high * factor });
        }
        Some(estimates) => {
            let joined = join(estimates);
            row.latency = Micros(joined.value.exp());
            row.interval = Some(Interval { low: Micros(joined.low.exp()), high: Micros(joined.high.exp()) });
            (between, contradict) = (joined.between, joined.contradict);
        }
        None => {
            row.latency = Micros(mean(found.iter().map(|f| (f.row.latency.0 * f.factor).ln())).exp());
            row.interval = None;
        }
    }
    row.samples = found.iter().map(|f| f.row.samples).sum();
    row.discarded = found.iter().map(|f| f.row.discarded).fold(Discarded::default(), |a, b| Discarded {
        canary: a.canary + b.canary,
        moved: a.moved + b.moved,
        preempted: a.preempted + b.preempted,
        temperature: a.temperature + b.temperature,
        unsteady: a.unsteady + b.unsteady,
        loud: a.loud + b.loud,
    });
    let factor = found[0].factor;
    let scaled = |q: Quantiles| Quantiles {
        p0: q.p0 * factor,
        p10: q.p10 * factor,
        p50: q.p50 * factor,
        p90: q.p90 * factor,
        p100: q.p100 * factor,
    };
    // The spread of single samples cannot be told from two tables' quantiles.
    row.quantiles = row.quantiles.filter(|_| found.len() == 1).map(scaled);
    let cold: Option<Vec<f64>> = found.iter().map(|f| f.row.cold.map(|us| us.0 * f.factor)).collect();
    row.cold = cold.map(|cold| Micros(mean(cold.into_iter())));
    Ok(Joined { row, between, contradict })
}

/// A row's time on the logarithmic scale, on which its interval is a share; absent where it has no interval.
fn estimate(found: &Found) -> Option<Estimate> {
    let Interval { low, high } = found.row.interval?;
    let error = (high.0 / low.0).ln() / (2.0 * BOTH_SIDES);
    Some(Estimate { value: (found.row.latency.0 * found.factor).ln(), error })
}

#[cfg(test)]
mod tests {
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
}
