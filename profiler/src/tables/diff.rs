//! `profiler lut diff`: two tables side by side, and what their difference would change in a search.
//!
//! That one device is slower throughout changes no search. What does is a pair of candidates of one layer of which one device
//! prefers the one and the other device the other.

use luts::{Header, Interval, Kind, Layout, Micros, Row, Table};
use serde::Serialize;

use crate::devices::identity::{Comparison, Identity};
use crate::stats::quantile;

/// Which times of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Caches {
    /// A block's share inside a network: what the search uses.
    Warm,
    /// A block's first run with cold caches, alone.
    Cold,
}

/// One of the two tables.
pub struct Side<'a> {
    /// Its name for people.
    pub name: &'a str,
    /// Table
    pub table: &'a Table,
    /// Which of its times.
    pub caches: Caches,
}

/// A time and how sure it is.
#[derive(Clone, Copy)]
struct Time {
    us: f64,
    interval: Option<Interval>,
}

impl Side<'_> {
    fn time(&self, key: &str) -> Option<Time> {
        let row: &Row = self.table.row(key)?;
        match self.caches {
            Caches::Warm => Some(Time { us: row.latency.0, interval: row.interval }),
            Caches::Cold => row.cold.map(|Micros(us)| Time { us, interval: None }),
        }
    }
}

/// What differs.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// Device and engine: in what they are not the same.
    pub measured: Comparison,
    /// Median over the rows of second / first.
    pub median_ratio: f64,
    /// Rows that both have.
    pub rows: Vec<RowDiff>,
    /// Layers whose candidates change places.
    pub layers: Vec<LayerDiff>,
    /// Median over the rows of |second / first / median ratio − 1|.
    pub median_change: f64,
    /// The largest of these.
    pub largest_change: f64,
}

/// One row in both tables.
#[derive(Clone, Debug, Serialize)]
pub struct RowDiff {
    /// The key.
    pub key: String,
    /// In the first table, µs.
    pub first_us: f64,
    /// In the second table, µs.
    pub second_us: f64,
    /// Second / first / the median ratio − 1: how much more the second device minds this block than others.
    pub change: f64,
}

/// Layers with the same candidates.
#[derive(Clone, Debug, Serialize)]
pub struct LayerDiff {
    /// Their numbers, from 1.
    pub layers: Vec<usize>,
    /// The fastest candidate of the first table and of the second (identities left out).
    pub fastest: [String; 2],
    /// Pairs that change places.
    pub swaps: Vec<Swap>,
}

/// Two candidates of which each table prefers another one.
#[derive(Clone, Debug, Serialize)]
pub struct Swap {
    /// The one that is faster in the first table.
    pub first_prefers: String,
    /// The one that is faster in the second table.
    pub second_prefers: String,
    /// Their times in the first table, µs.
    pub first_us: [f64; 2],
    /// Their times in the second table, µs.
    pub second_us: [f64; 2],
    /// Whether in both tables the intervals are apart.
    pub certain: bool,
}

/// Why two tables cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// They were measured under different conditions.
    #[error("{first} and {second} were measured under different conditions: {}. Use --force to compare them anyway", .differences.join("; "))]
    Unlike {
        /// A table.
        first: String,
        /// Another one.
        second: String,
        /// In what they differ.
        differences: Vec<String>,
    },
    /// They have no row in common.
    #[error("{first} and {second} have no row in common")]
    NothingInCommon {
        /// A table.
        first: String,
        /// Another one.
        second: String,
    },
}

/// Compares two tables of a space.
///
/// # Errors
/// [`DiffError::Unlike`] where they were measured under different conditions (threads, caches, spaces) and `force` is not given;
/// [`DiffError::NothingInCommon`].
pub fn diff(a: &Side, b: &Side, space: Option<&Layout>, force: bool) -> Result<Diff, DiffError> {
    let unlike = unlike(a, b);
    if !force && !unlike.is_empty() {
        return Err(DiffError::Unlike { first: a.name.to_string(), second: b.name.to_string(), differences: unlike });
    }
    let keys = a.table.rows().iter().filter(|row| row.kind != Kind::Identity).map(|row| row.key.as_str());
    let common: Vec<(&str, f64, f64)> = keys.filter_map(|key| Some((key, a.time(key)?.us, b.time(key)?.us))).collect();
    if common.is_empty() {
        return Err(DiffError::NothingInCommon { first: a.name.to_string(), second: b.name.to_string() });
    }
    let mut ratios: Vec<f64> = common.iter().map(|(_, a, b)| b / a).collect();
    ratios.sort_by(f64::total_cmp);
    let median_ratio = quantile(&ratios, 0.5);
    let row = |&(key, first_us, second_us): &(&str, f64, f64)| RowDiff {
        key: key.to_string(),
        first_us,
        second_us,
        change: second_us / first_us / median_ratio - 1.0,
    };
    let rows: Vec<_> = common.iter().map(row).collect();
    let mut changes: Vec<f64> = rows.iter().map(|row| row.change.abs()).collect();
    changes.sort_by(f64::total_cmp);
    let [first, second] = [a, b].map(|side| Identity::of_table(&side.table.header));
    Ok(Diff {
        measured: first.compare(&second),
        median_ratio,
        layers: space.map(|space| layers(a, b, space)).unwrap_or_default(),
        median_change: quantile(&changes, 0.5),
        largest_change: quantile(&changes, 1.0),
        rows,
    })
}

/// In what the two must not differ.
fn unlike(a: &Side, b: &Side) -> Vec<String> {
    let (x, y): (&Header, &Header) = (&a.table.header, &b.table.header);
    let mut unlike = Vec::new();
    if x.threads != y.threads {
        unlike.push(format!("{} and {} threads", x.threads, y.threads));
    }
    if a.caches != b.caches {
        unlike.push("warm and cold caches".to_string());
    }
    if x.space.hash != y.space.hash {
        unlike.push(format!("the spaces '{}' and '{}'", x.space.name, y.space.name));
    }
    unlike
}

fn layers(a: &Side, b: &Side, space: &Layout) -> Vec<LayerDiff> {
    let mut found: Vec<(Vec<String>, LayerDiff)> = Vec::new();
    for (i, layer) in space.layers.iter().enumerate() {
        let keys: Vec<String> = layer.candidates.iter().map(|candidate| candidate.key.clone()).collect();
        if let Some((_, same)) = found.iter_mut().find(|(k, _)| *k == keys) {
            same.layers.push(i + 1);
            continue;
        }
        let times: Vec<(&str, [Time; 2])> = layer
            .candidates
            .iter()
            .filter(|candidate| !candidate.is_identity)
            .filter_map(|candidate| Some((candidate.name.as_str(), [a.time(&candidate.key)?, b.time(&candidate.key)?])))
            .collect();
        let fastest = [0, 1].map(|side| {
            let fastest = times.iter().min_by(|(_, p), (_, q)| p[side].us.total_cmp(&q[side].us));
            fastest.map(|(name, _)| name.to_string()).unwrap_or_default()
        });
        let mut swaps = Vec::new();
        for (k, p) in times.iter().enumerate() {
            for q in &times[k + 1..] {
                let ((name, [a, b]), (other, [other_a, other_b])) = if p.1[0].us < q.1[0].us { (p, q) } else { (q, p) };
                if a.us < other_a.us && b.us > other_b.us {
                    swaps.push(Swap {
                        first_prefers: name.to_string(),
                        second_prefers: other.to_string(),
                        first_us: [a.us, other_a.us],
                        second_us: [b.us, other_b.us],
                        certain: are_apart(a.interval, other_a.interval) && are_apart(other_b.interval, b.interval),
                    });
                }
            }
        }
        // What matters most first: the pair that the second table tells apart most clearly.
        let weight = |s: &Swap| (s.second_us[0] / s.second_us[1]) * (s.first_us[1] / s.first_us[0]);
        swaps.sort_by(|s, t| t.certain.cmp(&s.certain).then(weight(t).total_cmp(&weight(s))));
        found.push((keys, LayerDiff { layers: vec![i + 1], fastest, swaps }));
    }
    found.into_iter().map(|(_, layer)| layer).collect()
}

/// Whether the faster one's interval ends before the slower one's begins.
fn are_apart(faster: Option<Interval>, slower: Option<Interval>) -> bool {
    matches!((faster, slower), (Some(f), Some(s)) if f.high < s.low)
}
