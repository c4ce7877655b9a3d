//! `profiler lut`: tables, shown and checked.
//!
//! | module | what it holds |
//! |---|---|
//! | [`grid`] | a table laid out by layers and candidates |
//! | [`mislead`] | candidates that multiply-adds put in the wrong order |
//! | [`terminal`] | a table in the terminal |
//! | [`heatmap`], [`flops`] | a table as a picture |
//! | `explained` | where the time of a simulated table's rows goes |

#[cfg(not(target_os = "android"))]
pub mod explained;
pub mod flops;
pub mod grid;
pub mod heatmap;
pub mod mislead;
mod style;
pub mod terminal;

use luts::{Layout, ModelError, Simulator, Source, Table};
use serde::Serialize;

use super::picture::{Page, Section};
use super::text;
use grid::{Cell, Grid, Stage};
use mislead::Mislead;
pub use terminal::{ColourChoice, Palette};

/// Pairs of candidates listed in the terminal.
const LISTED: usize = 5;

/// A row as printed by `--json`.
#[derive(Serialize)]
struct JsonRow<'a> {
    key: &'a str,
    latency_us: f64,
    ci95_us: Option<[f64; 2]>,
    macs: Option<u64>,
    params: u64,
    samples: u64,
}

/// The table as JSON.
pub fn json(table: &Table, space: Option<&Layout>) -> serde_json::Value {
    let rows = table.rows().iter().map(|r| JsonRow {
        key: &r.key,
        latency_us: r.latency.0,
        ci95_us: r.interval.map(|i| [i.low.0, i.high.0]),
        macs: r.macs,
        params: r.params,
        samples: r.samples,
    });
    let rows: Vec<_> = rows.collect();
    let mislead = Mislead::of(&Grid::of(table, space));
    serde_json::json!({ "header": table.header, "rows": rows, "digest": table.digest(), "flops_mislead": mislead })
}

/// The table for people: layers × candidates with µs and MMAC, the trunk, where multiply-adds mislead, where it comes from.
pub fn show(table: &Table, space: Option<&Layout>, palette: Palette) -> String {
    let grid = Grid::of(table, space);
    format!("{}{}\n{}", terminal::show(&grid, palette), misled(&Mislead::of(&grid)), provenance(table))
}

/// The table as a picture.
pub fn page(table: &Table, space: Option<&Layout>) -> Page {
    let grid = Grid::of(table, space);
    let mislead = Mislead::of(&grid);
    let from = provenance(table).lines().map(String::from).collect();
    let section = |heading: &str, notes, rows| Section { heading: heading.to_string(), notes, rows };
    let mut sections: Vec<Section> = grid.stages.iter().map(stage).collect();
    if let Some(total) = grid.trunk_total() {
        let all = [("trunk total".to_string(), total)];
        let rows = grid.trunk.iter().chain(&all).map(|(key, figure)| vec![key.clone(), terminal::cell(&Cell::Time(*figure))]);
        let head = ["piece", "µs ± half the 95 % interval | MMAC"].map(String::from).to_vec();
        sections.push(section("Trunk", Vec::new(), std::iter::once(head).chain(rows).collect()));
    }
    sections.push(section("Where FLOPs mislead", vec![mislead.summary() + "."], mislead.rows(usize::MAX)));
    sections.push(section("Where it comes from", from, Vec::new()));
    Page { drawing: heatmap::draw(&grid, &mislead, &table.header), sections }
}

fn stage(stage: &Stage) -> Section {
    let head = std::iter::once("candidate".to_string()).chain(stage.columns.iter().map(|c| format!("{} ({})", c.name, c.shapes)));
    let lines =
        stage.lines.iter().map(|l| std::iter::once(l.primitive.clone()).chain(l.cells.iter().map(terminal::cell)).collect());
    let rows = std::iter::once(head.collect()).chain(lines).collect();
    Section { heading: stage.name.clone(), notes: vec!["µs in a network ± half the 95 % interval | MMAC".to_string()], rows }
}

/// The pairs of candidates that multiply-adds put in the wrong order.
fn misled(mislead: &Mislead) -> String {
    let summary = format!("\nwhere FLOPs mislead: {}\n", mislead.summary());
    if mislead.changed == 0 {
        return summary;
    }
    format!("{summary}\n{}", text::columns(&mislead.rows(LISTED)))
}

fn provenance(table: &Table) -> String {
    let h = &table.header;
    let mut lines = vec![
        format!("{}: {} ({}), {} {}", h.source, h.device.model, h.device.arch, h.engine.name, h.engine.version),
        format!(
            "{} thread(s) on CPUs {:?}; {}space {}; {}",
            h.threads,
            h.cpus,
            terminal::landmarks(h, "; "),
            h.space.name,
            h.made()
        ),
    ];
    if h.source == Source::Imported {
        lines.push(h.method.clone());
    }
    if let Some(soc) = &h.device.soc {
        lines.push(soc.clone());
    }
    if let Some(simulator) = &h.simulator {
        lines.push(simulated(simulator));
        lines.extend(simulator.errors.iter().map(model_error));
    }
    if let Some(canary) = &h.canary {
        lines.push(format!("reference kernel (canary) {:.2} µs idle, median {:.2} µs", canary.stated_us.0, canary.median_us.0));
    }
    if let Some(clock) = &h.clock {
        let governor = h.governor.as_ref().map(|name| format!(", governor {name}")).unwrap_or_default();
        let (low, middle, high) = (clock.min_mhz, clock.median_mhz, clock.max_mhz);
        lines.push(format!("clock {low:.0} to {high:.0}, median {middle:.0}{governor}"));
    }
    if let Some(band) = &h.temperature {
        lines.push(format!("{:.1} at the start, {:.1} to {:.1} while measuring", band.start_c, band.min_c, band.max_c));
    }
    if let Some(units) = &h.units {
        let spread = units.median_spread.map(|s| format!(", median difference {:.1} %", 100.0 * s)).unwrap_or_default();
        lines.push(format!("{} devices of this model ({}){spread}", units.count, units.mode));
    }
    if let Some(fit) = &h.fit {
        let (n, error) = (fit.architectures.len(), 100.0 * fit.residual);
        lines.push(format!("fitted to {n} whole networks; leave-one-out error {error:.2} % (rms)"));
    }
    if let Some(c) = &h.checked {
        let (mape, bias) = (100.0 * c.mape, 100.0 * c.bias);
        lines.push(format!("checked on {} other networks: mean absolute error {mape:.2} %, bias {bias:+.2} %", c.nets));
    }
    lines.push(format!("digest {}", table.digest()));
    lines.join("\n") + "\n"
}

/// What simulated the device.
fn simulated(simulator: &Simulator) -> String {
    let Simulator { chip, chip_sha256, model, qemu, qemu_sha256, agent_sha256, errors: _ } = simulator;
    format!(
        "simulated chip {chip} (SHA-256 {chip_sha256:.12}), model {model}, QEMU {qemu} (SHA-256 {qemu_sha256:.12}), agent {agent_sha256:.12}"
    )
}

/// How near the simulator came to a real chip.
fn model_error(error: &ModelError) -> String {
    let ModelError { what, count, mape, bias, largest, kendall_tau } = error;
    let largest = largest.map(|largest| format!(", at most {:.1} %", 100.0 * largest)).unwrap_or_default();
    let tau = kendall_tau.map(|tau| format!(", Kendall tau {tau:.3}")).unwrap_or_default();
    let (mape, bias) = (100.0 * mape, 100.0 * bias);
    format!(
        "error of the simulator on real chips, {what} ({count} times): mean absolute error {mape:.1} %, bias {bias:+.1} %{largest}{tau}"
    )
}
