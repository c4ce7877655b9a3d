//! The part of the picture that sets latency against multiply-adds.

use super::grid::{Cell, Grid, Stage};
use super::mislead::{Mislead, Pair, Side, groups as layers_of};
use super::style::HEADING;
use crate::show::picture::{Axis, Colour, Drawing, Font, Plot};

/// Pairs listed and drawn.
const SHOWN: usize = 6;
/// Colours of the shapes, in the order of the layers; more shapes share the last.
const COLOURS: [Colour; 6] =
    [Colour::BLUE, Colour(230, 126, 34), Colour(39, 142, 96), Colour(128, 79, 178), Colour(86, 180, 200), Colour(120, 126, 138)];

/// A dot for each candidate: multiply-adds to the right, time upwards; lines join the worst pairs. Gives where it ends.
pub fn scatter(drawing: &mut Drawing, grid: &Grid, mislead: &Mislead, (left, top): (f64, f64), width: f64) -> f64 {
    drawing.text((left, top + 14.0), "Latency against multiply-adds", HEADING);
    let groups = groups(grid);
    let small = Font::new(10.5);
    let (mut x, mut y) = (left, top + 36.0);
    for (i, (name, _)) in groups.iter().enumerate() {
        let needed = 14.0 + small.width(name) + 8.0;
        if x > left && x + needed > left + width {
            (x, y) = (left, y + 17.0);
        }
        drawing.dot((x + 5.0, y - 4.0), 4.5, colour(i));
        drawing.text((x + 14.0, y), name, small);
        x += needed;
    }
    let all = || groups.iter().flat_map(|g| &g.1);
    let plot = Plot {
        corner: (left + 30.0, y + 32.0),
        size: (width - 40.0, 190.0),
        x: Axis::over(all().map(|p| p.0).chain([0.0]), 5),
        y: Axis::over(all().map(|p| p.1).chain([0.0]), 5),
    };
    plot.frame(drawing, "MMAC", "µs");
    for Pair { slower, faster, certain, .. } in mislead.worst.iter().take(SHOWN) {
        let place = |side: &Side| plot.at(side.macs as f64 * 1e-6, side.latency_us);
        drawing.line(&[place(slower), place(faster)], 1.5, ink(*certain));
    }
    for (i, (_, points)) in groups.iter().enumerate() {
        for &(mmac, us) in points {
            drawing.dot(plot.at(mmac, us), 4.5, colour(i));
        }
    }
    plot.corner.1 + plot.size.1 + 34.0
}

/// The worst pairs in words; gives where they end.
pub fn list(drawing: &mut Drawing, mislead: &Mislead, (left, top): (f64, f64), width: f64) -> f64 {
    drawing.text((left, top + 14.0), "Where FLOPs mislead", HEADING);
    let font = Font::new(11.0).colour(Colour::GREY);
    let Mislead { pairs, changed, certain, worst } = mislead;
    let words = [
        format!("{changed} of {pairs} pairs of candidates change order"),
        format!("when sorted by latency; {certain} of them with certainty."),
        "Above the line: fewer multiply-adds, but slower.".to_string(),
    ];
    let mut y = top + 20.0;
    for line in words.iter().take(if worst.is_empty() { 2 } else { 3 }) {
        y += 16.0;
        drawing.text((left, y), line, font);
    }
    y += 10.0;
    let (name, figure) = (Font::new(11.5), Font::new(11.5).end());
    let (us, mmac) = (left + width, left + width - 64.0);
    for pair in worst.iter().take(SHOWN) {
        let ink = ink(pair.certain);
        drawing.text((left, y + 19.0), format!("{:.2}×", pair.slowdown()), Font::new(14.0).bold().colour(ink));
        let remark = if pair.certain { "certain" } else { "unsure" };
        drawing.text((left, y + 33.0), remark, Font::new(9.5).colour(ink));
        for (side, down) in [(&pair.slower, 14.0), (&pair.faster, 30.0)] {
            let shown = format!("{:.2} MMAC", side.macs as f64 * 1e-6);
            let room = width - 58.0 - 64.0 - figure.width(&shown);
            drawing.text((left + 58.0, y + down), name.fitted(&side.primitive, room), name);
            drawing.text((mmac, y + down), shown, figure);
            drawing.text((us, y + down), format!("{:.1} µs", side.latency_us), figure);
        }
        drawing.line(&[(left, y + 39.0), (left + width, y + 39.0)], 1.0, Colour::PALE);
        y += 42.0;
    }
    y
}

fn ink(certain: bool) -> Colour {
    if certain { Colour::RED } else { Colour(160, 166, 176) }
}

fn colour(group: usize) -> Colour {
    COLOURS[group.min(COLOURS.len() - 1)]
}

/// The candidates' MMAC and µs, by layers; layers of the same shapes once.
fn groups(grid: &Grid) -> Vec<(String, Vec<(f64, f64)>)> {
    let of = |stage: &Stage, (name, column): (String, usize)| {
        let timed = stage.lines.iter().filter_map(|line| match &line.cells[column] {
            Cell::Time(figure) => Some((figure.mmac()?, figure.us)),
            Cell::Missing | Cell::Identity => None,
        });
        let name = if stage.columns[column].name.starts_with("layer ") { format!("layer {name}") } else { name.replace('x', "×") };
        (name, timed.collect())
    };
    grid.stages.iter().flat_map(|stage| layers_of(stage).into_iter().map(move |group| of(stage, group))).collect()
}
