//! One row of several.

use std::path::Path;

use luts::{Discarded, Interval, Kind, Micros, Quantiles, Row, Source};

use super::effects::{self, BOTH_SIDES, Estimate, join, join_alike, join_without_errors};
use super::error::MergeError;

/// How far apart the times of a row may be where one of them has no interval: more contradicts. A share.
const APART: f64 = 0.05;

/// A row in one of the tables.
pub struct Found<'a> {
    /// The table's file.
    pub path: &'a Path,
    /// The row.
    pub row: &'a Row,
    /// What its times are taken with.
    pub factor: f64,
}

/// A row of the new table.
pub struct Joined {
    /// The row.
    pub row: Row,
    /// Variance between the tables, as a share of the time squared; 0 where they agree.
    pub between: f64,
    /// Whether the tables contradict each other.
    pub contradict: bool,
}

/// A text on rows that contradict each other.
pub fn contradictions(rows: &[(Joined, Vec<Found>)]) -> Option<String> {
    let apart = || rows.iter().filter(|(joined, _)| joined.contradict);
    let (worst, found) = apart().max_by(|(a, _), (b, _)| a.between.total_cmp(&b.between))?;
    let sides: Vec<String> =
        found.iter().map(|f| format!("{:.1} µs in {}", f.row.latency.0 * f.factor, f.path.display())).collect();
    Some(format!(
        "{} of {} rows disagree more than their intervals allow, or by more than {:.0} % where they have none; their intervals \
         now contain all values. Largest: {}: {}. \
         A condition that the headers do not record was different: measure again on the idle device",
        apart().count(),
        rows.len(),
        100.0 * APART,
        worst.row.key,
        sides.join(", ")
    ))
}

/// One row of several, of tables whose times come from this source.
///
/// # Errors
/// [`MergeError::Unlike`]: they describe different blocks.
pub fn join_rows(found: &[Found], source: Source) -> Result<Joined, MergeError> {
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
    let (mut between, mut contradict) = (0.0, false);
    if let [Found { factor, .. }] = found {
        // As it was: on the logarithmic scale it would come back with rounding in its last digits.
        row.latency = row.latency * *factor;
        row.interval = row.interval.map(|i| Interval { low: i.low * *factor, high: i.high * *factor });
    } else {
        let estimates: Option<Vec<Estimate>> = found.iter().map(estimate).collect();
        let joined = match &estimates {
            // One simulation, whose runs are the same in all tables: another fit of them tells little that is new.
            Some(estimates) if source == Source::Simulated => join_alike(estimates),
            Some(estimates) => join(estimates),
            None => without_errors(found),
        };
        row.latency = Micros(joined.value.exp());
        let interval = Interval { low: Micros(joined.low.exp()), high: Micros(joined.high.exp()) };
        // Of values that agree, but do not all say how sure they are, nobody knows how sure their mean is.
        row.interval = (estimates.is_some() || joined.contradict).then_some(interval);
        (between, contradict) = (joined.between, joined.contradict);
    }
    count(&mut row, found, source);
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

/// The mean of values, at least one.
pub fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}

/// How many samples the row is made of. Simulated runs are the same in all tables.
fn count(row: &mut Row, found: &[Found], source: Source) {
    let samples = found.iter().map(|f| f.row.samples);
    row.samples = if source == Source::Simulated { samples.max().unwrap_or_default() } else { samples.sum() };
    row.discarded = found.iter().map(|f| f.row.discarded).fold(Discarded::default(), |a, b| Discarded {
        canary: a.canary + b.canary,
        moved: a.moved + b.moved,
        preempted: a.preempted + b.preempted,
        temperature: a.temperature + b.temperature,
        unsteady: a.unsteady + b.unsteady,
        loud: a.loud + b.loud,
    });
}

/// A row's time on the logarithmic scale, on which its interval is a share; absent where it has no interval.
fn estimate(found: &Found) -> Option<Estimate> {
    let Interval { low, high } = found.row.interval?;
    let error = (high.0 / low.0).ln() / (2.0 * BOTH_SIDES);
    Some(Estimate { value: (found.row.latency.0 * found.factor).ln(), error })
}

/// Joins several rows of which not all have an interval: their plain mean, and what contains all that they say.
fn without_errors(found: &[Found]) -> effects::Joined {
    let values: Vec<f64> = found.iter().map(|f| (f.row.latency.0 * f.factor).ln()).collect();
    let joined = join_without_errors(&values, APART.ln_1p());
    let stated = found.iter().filter_map(|f| Some((f.row.interval?, f.factor)));
    let (low, high) = stated.fold((joined.low, joined.high), |(low, high), (interval, factor)| {
        (low.min((interval.low.0 * factor).ln()), high.max((interval.high.0 * factor).ln()))
    });
    effects::Joined { low, high, ..joined }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(us: f64, interval: Option<(f64, f64)>) -> Row {
        let interval = interval.map(|(low, high)| Interval { low: Micros(low), high: Micros(high) });
        Row {
            latency: Micros(us),
            interval,
            samples: 7,
            ..Row::unmeasured("x@1".into(), Kind::Block, "x".into(), luts::Shapes::default())
        }
    }

    fn joined(source: Source, rows: &[Row]) -> Joined {
        let found: Vec<Found> = rows.iter().map(|row| Found { path: Path::new("t"), row, factor: 1.0 }).collect();
        join_rows(&found, source).unwrap()
    }

    #[test]
    fn rows_without_intervals_that_differ_get_one_that_contains_them() {
        let apart = joined(Source::Imported, &[row(6.78, None), row(20.35, None)]);
        let Interval { low, high } = apart.row.interval.expect("an interval");
        assert!(apart.contradict && apart.between > 0.5 && low.0 < 6.7801 && high.0 > 20.3499, "{low} to {high}");
        // What one of them says of itself stays within.
        let half = joined(Source::Imported, &[row(6.0, Some((5.0, 7.0))), row(8.0, None)]);
        let Interval { low, high } = half.row.interval.expect("an interval");
        assert!(half.contradict && low.0 < 5.001 && high.0 > 7.999, "{low} to {high}");
        let near = joined(Source::Imported, &[row(6.0, None), row(6.2, None)]);
        assert!(!near.contradict && near.between == 0.0 && near.row.interval.is_none());
        assert!((near.row.latency.0 - (6.0f64 * 6.2).sqrt()).abs() < 1e-9, "{}", near.row.latency);
    }

    /// Two fits of one simulation are no two measurements.
    #[test]
    fn simulated_rows_do_not_become_surer() {
        let rows = [row(10.0, Some((9.8, 10.2))), row(10.1, Some((9.898, 10.302)))];
        let width = |joined: &Joined| joined.row.interval.expect("an interval").relative_half_width(joined.row.latency);
        let (simulated, measured) = (joined(Source::Simulated, &rows), joined(Source::Measured, &rows));
        assert!((width(&simulated) - 0.02).abs() < 1e-4 && width(&measured) < 0.0145, "{} {}", width(&simulated), width(&measured));
        assert_eq!((simulated.row.samples, measured.row.samples), (7, 14));
        assert!(!simulated.contradict);
    }
}
