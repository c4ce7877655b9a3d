//! `profiler lut`: tables, printed and checked.

use std::path::Path;

use blocks::{Candidate, Space};
use luts::{Kind, Source, Table};
use serde::Serialize;

use super::{HostError, text};

/// A row as printed by `--json`.
#[derive(Serialize)]
struct JsonRow<'a> {
    key: &'a str,
    latency_us: f64,
    ci95_us: Option<[f64; 2]>,
    macs: u64,
    params: u64,
    samples: u64,
}

/// The table as JSON.
pub fn json(table: &Table) -> serde_json::Value {
    let rows = table.rows().iter().map(|r| JsonRow {
        key: &r.key,
        latency_us: r.latency.0,
        ci95_us: r.interval.map(|i| [i.low.0, i.high.0]),
        macs: r.macs,
        params: r.params,
        samples: r.samples,
    });
    let rows: Vec<_> = rows.collect();
    serde_json::json!({ "header": table.header, "rows": rows, "digest": table.digest() })
}

/// The table for people: layers × candidates with µs and MMAC, then the trunk, then where it comes from.
pub fn show(table: &Table, space: Option<&Space>) -> String {
    let grid = match space {
        Some(space) => layers(table, space),
        None => rows(table),
    };
    format!("{grid}\n{}", provenance(table))
}

/// µs ± half the interval, and MMAC.
fn cell(row: &luts::Row) -> String {
    if row.kind == Kind::Identity {
        return "0 (identity)".to_string();
    }
    let half = row.interval.map(|i| format!(" ±{:.1}", 0.5 * (i.high - i.low).0)).unwrap_or_default();
    format!("{:.1}{half} | {:.2}", row.latency.0, row.macs as f64 * 1e-6)
}

fn layers(table: &Table, space: &Space) -> String {
    let mut text = String::from("µs in a network ± half the 95 % interval | MMAC\n");
    let mut at = 0;
    while at < space.layers().len() {
        let stage = space.layers()[at].stage;
        let layers: Vec<_> = space.layers().iter().enumerate().filter(|(_, l)| l.stage == stage).collect();
        let mut lines = vec![
            std::iter::once(format!("stage {}", stage + 1))
                .chain(layers.iter().map(|(i, l)| format!("layer {} ({}→{})", i + 1, l.layer.input(), l.layer.output())))
                .collect(),
        ];
        for &primitive in &layers[0].1.primitives {
            let cells = layers.iter().map(|(_, l)| {
                let key = Candidate { primitive, layer: l.layer }.key();
                table.row(&key).map_or("missing".to_string(), cell)
            });
            lines.push(std::iter::once(primitive.name().to_string()).chain(cells).collect::<Vec<_>>());
        }
        text += &format!("\n{}", text::columns(&lines));
        at += layers.len();
    }
    let trunk: Vec<_> = table.rows().iter().filter(|r| r.kind == Kind::Trunk).collect();
    if !trunk.is_empty() {
        let mut lines: Vec<_> = trunk.iter().map(|r| vec![r.key.clone(), cell(r)]).collect();
        let (us, macs) = (trunk.iter().map(|r| r.latency.0).sum::<f64>(), trunk.iter().map(|r| r.macs).sum::<u64>());
        lines.push(vec!["trunk in all".to_string(), format!("{us:.1} | {:.2}", macs as f64 * 1e-6)]);
        text += &format!("\n{}", text::columns(&lines));
    }
    text
}

fn rows(table: &Table) -> String {
    text::columns(&table.rows().iter().map(|r| vec![r.key.clone(), cell(r)]).collect::<Vec<_>>())
}

fn provenance(table: &Table) -> String {
    let h = &table.header;
    let mut lines = vec![
        format!("{}: {} ({}), {} {}", h.source, h.device.model, h.device.arch, h.engine.name, h.engine.version),
        format!("{} thread(s) on CPUs {:?}; {} landmarks; space {}; {}", h.threads, h.cpus, h.points, h.space.name, h.date),
    ];
    if h.source == Source::Imported {
        lines.push(h.method.clone());
    }
    if let Some(soc) = &h.device.soc {
        lines.push(soc.clone());
    }
    if let Some(canary) = &h.canary {
        lines.push(format!("canary {:.2} µs quiet, {:.2} µs in the median", canary.stated_us.0, canary.median_us.0));
    }
    if let Some(fit) = &h.fit {
        let (n, error) = (fit.architectures.len(), 100.0 * fit.residual);
        lines.push(format!("fitted to {n} whole networks; each, predicted from the others, is {error:.2} % off (rms)"));
    }
    if let Some(c) = &h.checked {
        let (mape, bias) = (100.0 * c.mape, 100.0 * c.bias);
        lines.push(format!("checked on {} other networks: mean absolute error {mape:.2} %, bias {bias:+.2} %", c.nets));
    }
    lines.push(format!("digest {}", table.digest()));
    lines.join("\n") + "\n"
}

/// Reads and checks a table; against a space too, where one is given.
///
/// # Errors
/// [`HostError::Table`] with everything that is wrong.
pub fn validate(path: &Path, space: Option<&Space>) -> Result<Table, HostError> {
    match space {
        Some(space) => Ok(Table::read_for(path, space)?),
        None => Ok(Table::read(path)?),
    }
}
