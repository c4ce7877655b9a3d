//! A table as a picture: layers × candidates, the trunk, and where multiply-adds mislead.

use luts::{Header, Source};

use super::grid::{Cell, Figure, Grid, Stage};
use super::mislead::Mislead;
use super::style::HEADING;
use super::{flops, terminal};
use crate::show::picture::colour::heat;
use crate::show::picture::{Colour, Drawing, Font};

/// Room around everything.
const MARGIN: f64 = 32.0;
/// Width of the page, unless a stage needs more.
const WIDTH: f64 = 1180.0;
/// Room between things side by side.
const GAP: f64 = 36.0;
/// Least and largest width of a cell, and its height with the gap below.
const CELL: (f64, f64, f64) = (112.0, 190.0, 38.0);
/// Room for a stage's name, layers and shapes above its cells.
const STAGE_HEAD: f64 = 44.0;

/// Draws it.
pub fn draw(grid: &Grid, mislead: &Mislead, header: &Header) -> Drawing {
    let rows = flow(&grid.stages);
    let width = rows.iter().map(|row| row_width(row, CELL.0)).fold(WIDTH, f64::max);
    let title = format!("Latency of each block inside a network: {} on {}", header.space.name, header.device.model);
    let mut drawing = Drawing::new(width, 0.0, &title);
    let mut y = head(&mut drawing, &title, header);
    legend(&mut drawing, grid, y);
    y += 44.0;
    for row in &rows {
        y = stages(&mut drawing, row, terminal::range(grid), y) + GAP;
    }
    let third = (width - 2.0 * MARGIN - 2.0 * GAP) / 3.0;
    let ends = [
        trunk(&mut drawing, grid, (MARGIN, y), third),
        flops::scatter(&mut drawing, grid, mislead, (MARGIN + third + GAP, y), third),
        flops::list(&mut drawing, mislead, (MARGIN + 2.0 * (third + GAP), y), third),
    ];
    drawing.height = ends.into_iter().fold(y, f64::max) + MARGIN;
    drawing
}

/// Title, and where the figures come from; gives where it ends.
fn head(drawing: &mut Drawing, title: &str, header: &Header) -> f64 {
    let room = drawing.width - 2.0 * MARGIN;
    let font = Font::new(21.0).bold();
    drawing.text((MARGIN, 50.0), font.fitted(title, room), font);
    let font = Font::new(12.0).colour(Colour::GREY);
    let mut y = 74.0;
    if header.source != Source::Measured {
        let loud = Font::new(13.0).bold().colour(Colour::RED);
        drawing.text((MARGIN, y), format!("The latencies are {}: no device ran these blocks for this table.", header.source), loud);
        y += 20.0;
    }
    for line in subtitle(header) {
        drawing.text((MARGIN, y), font.fitted(&line, room), font);
        y += 18.0;
    }
    y
}

/// Engine, threads, CPUs, landmarks, date; and what is known of the table's own error.
fn subtitle(h: &Header) -> Vec<String> {
    let threads = if h.threads == 1 { "1 thread".to_string() } else { format!("{} threads", h.threads) };
    let cpus = if h.cpus.is_empty() { String::new() } else { format!(" on CPUs {:?}", h.cpus) };
    let mut lines = vec![format!(
        "{} · {} · {} {} · {threads}{cpus} · {}{}",
        h.source,
        h.device.arch,
        h.engine.name,
        h.engine.version,
        terminal::landmarks(h, " · "),
        h.made()
    )];
    let fit = h.fit.as_ref().map(|f| {
        let (n, error) = (f.architectures.len(), 100.0 * f.residual);
        format!("fitted to {n} whole networks; leave-one-out error {error:.2} % (rms)")
    });
    let checked = h.checked.as_ref().map(|c| {
        let (mape, bias) = (100.0 * c.mape, 100.0 * c.bias);
        format!("checked on {} other networks: mean absolute error {mape:.2} %, bias {bias:+.2} %", c.nets)
    });
    let error: Vec<_> = fit.into_iter().chain(checked).collect();
    if !error.is_empty() {
        lines.push(error.join(" · "));
    }
    lines
}

/// What the colours mean.
fn legend(drawing: &mut Drawing, grid: &Grid, top: f64) {
    let (fastest, slowest) = terminal::range(grid);
    let font = Font::new(11.0).colour(Colour::GREY);
    let (bar, step) = (220.0, 2.0);
    let mut x = MARGIN;
    if slowest > fastest {
        let label = format!("{fastest:.1} µs");
        drawing.text((x, top + 18.0), &label, font);
        x += font.width(&label) + 6.0;
        for i in 0..(bar / step) as usize {
            let at = i as f64 * step;
            drawing.rect((x + at, top + 8.0), (step + 0.5, 13.0), heat(at / bar));
        }
        x += bar + 8.0;
        let label = format!("{slowest:.1} µs");
        drawing.text((x, top + 18.0), &label, font);
        x += font.width(&label) + 24.0;
    }
    let holds = |wanted: Cell| grid.stages.iter().flat_map(|s| &s.lines).any(|l| l.cells.contains(&wanted));
    for (name, cell) in [("identity: takes no time", Cell::Identity), ("missing in the table", Cell::Missing)] {
        if holds(cell) {
            ground(drawing, &cell, (x, top + 8.0), (22.0, 13.0), (0.0, 1.0));
            drawing.text((x + 28.0, top + 18.0), name, font);
            x += 28.0 + font.width(name) + 24.0;
        }
    }
    let note = "time ± half its 95 % interval; MMAC: million multiply-adds";
    drawing.text((drawing.width - MARGIN, top + 18.0), note, font.end());
}

fn names_width(stage: &Stage) -> f64 {
    let font = Font::new(12.0);
    stage.lines.iter().map(|l| font.width(&l.primitive)).fold(font.width(&stage.name), f64::max) + 10.0
}

fn row_width(stages: &[&Stage], cell: f64) -> f64 {
    let each = |s: &&Stage| names_width(s) + s.columns.len() as f64 * cell;
    stages.iter().map(each).sum::<f64>() + GAP * (stages.len() - 1) as f64 + 2.0 * MARGIN
}

/// Stages side by side as long as they fit the page.
fn flow(stages: &[Stage]) -> Vec<Vec<&Stage>> {
    let mut rows: Vec<Vec<&Stage>> = Vec::new();
    for stage in stages {
        match rows.last_mut() {
            Some(row) if row_width(&[row.as_slice(), &[stage]].concat(), CELL.0) <= WIDTH => row.push(stage),
            _ => rows.push(vec![stage]),
        }
    }
    rows
}

/// Stages side by side; gives where they end.
fn stages(drawing: &mut Drawing, row: &[&Stage], range: (f64, f64), top: f64) -> f64 {
    let columns: usize = row.iter().map(|s| s.columns.len()).sum();
    let cell = ((drawing.width - row_width(row, 0.0)) / columns.max(1) as f64).clamp(CELL.0, CELL.1);
    let mut x = MARGIN;
    for stage in row {
        let left = x + names_width(stage);
        drawing.text((x, top + 14.0), &stage.name, HEADING);
        for (i, column) in stage.columns.iter().enumerate() {
            let middle = left + (i as f64 + 0.5) * cell;
            let shapes = column.shapes.replace('x', "×").replace('→', " → ");
            let [normal, small] = [10.0, 8.5].map(|size| Font::new(size).colour(Colour::GREY).middle());
            let font = if normal.width(&shapes) <= cell { normal } else { small };
            drawing.text((middle, top + 14.0), &column.name, Font::new(12.5).bold().middle());
            drawing.text((middle, top + 31.0), font.fitted(&shapes, cell + 12.0), font);
        }
        for (j, line) in stage.lines.iter().enumerate() {
            let y = top + STAGE_HEAD + j as f64 * CELL.2;
            drawing.text((left - 10.0, y + 0.5 * CELL.2 + 3.0), &line.primitive, Font::new(12.0).end());
            for (i, shown) in line.cells.iter().enumerate() {
                let corner = (left + i as f64 * cell, y);
                let size = (cell - 2.0, CELL.2 - 2.0);
                let fill = ground(drawing, shown, corner, size, range);
                label(drawing, shown, (corner.0 + 0.5 * size.0, y), fill.readable());
            }
        }
        x = left + stage.columns.len() as f64 * cell + GAP;
    }
    let lines = row.iter().map(|s| s.lines.len()).max().unwrap_or(0);
    top + STAGE_HEAD + lines as f64 * CELL.2
}

/// A cell's area; gives its colour.
fn ground(drawing: &mut Drawing, cell: &Cell, corner: (f64, f64), size: (f64, f64), (fastest, slowest): (f64, f64)) -> Colour {
    let fill = match cell {
        Cell::Time(figure) if slowest > fastest => heat((figure.us - fastest) / (slowest - fastest)),
        Cell::Time(_) => heat(0.0),
        Cell::Identity => Colour::SKY,
        Cell::Missing => Colour::MIST,
    };
    drawing.rect(corner, size, fill);
    if *cell == Cell::Missing {
        let ((x, y), (width, height)) = (corner, size);
        drawing.dashes(&[(x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y)], 1.0, Colour::GREY);
    }
    fill
}

fn label(drawing: &mut Drawing, cell: &Cell, (middle, top): (f64, f64), ink: Colour) {
    let font = Font::new(12.5).bold().middle().colour(ink);
    let small = Font::new(10.0).middle().colour(ink);
    match cell {
        Cell::Time(figure) => {
            drawing.text((middle, top + 16.0), time(figure), font);
            drawing.text((middle, top + 30.0), format!("{} MMAC", figure.shown_mmac()), small);
        }
        Cell::Identity => {
            drawing.text((middle, top + 16.0), "0 µs", font);
            drawing.text((middle, top + 30.0), "identity", small);
        }
        Cell::Missing => drawing.text((middle, top + 23.0), "missing", small.colour(Colour::GREY)),
    }
}

fn time(figure: &Figure) -> String {
    let half = figure.half_us().map(|h| format!(" ±{h:.1}")).unwrap_or_default();
    format!("{:.1}{half} µs", figure.us)
}

/// The trunk's pieces as bars; gives where they end.
fn trunk(drawing: &mut Drawing, grid: &Grid, (left, top): (f64, f64), width: f64) -> f64 {
    let Some(total) = grid.trunk_total() else {
        drawing.text((left, top + 14.0), "No trunk in this table", HEADING);
        return top + 14.0;
    };
    let heading = format!("Trunk: {:.1} µs, {} MMAC in all", total.us, total.shown_mmac());
    drawing.text((left, top + 14.0), heading, HEADING);
    let (name, small) = (Font::new(12.0).end(), Font::new(11.0));
    let names: Vec<&str> = grid.trunk.iter().map(|(key, _)| luts::trunk_piece(key).unwrap_or(key)).collect();
    let bars = left + names.iter().map(|n| name.width(n)).fold(0.0, f64::max) + 8.0;
    let longest = grid.trunk.iter().map(|(_, f)| f.us).fold(0.0, f64::max);
    let room = width - (bars - left) - small.width("00.0 ±0.0 µs · 0.00 MMAC");
    let mut y = top + 34.0;
    for (shown, (_, figure)) in std::iter::zip(names, &grid.trunk) {
        let length = (room * figure.us / longest).max(2.0);
        drawing.text((bars - 8.0, y + 14.0), shown, name);
        drawing.rect((bars, y + 2.0), (length, 17.0), Colour::BLUE);
        drawing.text((bars + length + 8.0, y + 14.5), format!("{} · {} MMAC", time(figure), figure.shown_mmac()), small);
        y += 25.0;
    }
    y
}
