//! A check as a picture: predicted against measured.

use luts::Header;

use crate::check::report::{Net, Report, WITHIN};
use crate::show::picture::{Axis, Colour, Drawing, Font, Plot};
use crate::show::text;

const MARGIN: f64 = 32.0;
const WIDTH: f64 = 1170.0;
/// Side of the square between the axes.
const SIDE: f64 = 520.0;
/// Where the words beside it begin.
const WORDS: f64 = 690.0;
const HEADING: Font = Font::new(14.0).bold();
const SMALL: Font = Font::new(11.5);

/// Draws it; the table's header says where it was measured.
pub fn draw(report: &Report, header: &Header) -> Drawing {
    let title =
        format!("Predicted and measured: {} networks of {} on {}", report.nets.len(), header.space.name, header.device.model);
    let mut drawing = Drawing::new(WIDTH, 742.0, &title);
    let room = WIDTH - 2.0 * MARGIN;
    let font = Font::new(20.0).bold();
    drawing.text((MARGIN, 48.0), font.fitted(&title, room), font);
    let font = Font::new(12.0).colour(Colour::GREY);
    let threads = if header.threads == 1 { "1 thread".to_string() } else { format!("{} threads", header.threads) };
    let from = format!(
        "table: {}, {} {}, {threads}, {}; none of these networks was used in fitting it",
        header.source,
        header.engine.name,
        header.engine.version,
        header.made()
    );
    drawing.text((MARGIN, 72.0), font.fitted(&from, room), font);
    points(&mut drawing, report);
    words(&mut drawing, report);
    drawing
}

fn points(drawing: &mut Drawing, report: &Report) {
    // One axis for both, so that the identity is the diagonal; it holds the bars' ends too.
    let ends = |n: &Net| {
        let predicted = n.predicted_ci95_us.unwrap_or([n.predicted_us; 2]);
        predicted.into_iter().chain(n.measured_ci95_us).chain([n.predicted_us, n.measured_us]).collect::<Vec<_>>()
    };
    let axis = Axis::over(report.nets.iter().flat_map(ends), 6);
    let plot = Plot { corner: (MARGIN + 46.0, 120.0), size: (SIDE, SIDE), x: axis.clone(), y: axis };
    band(drawing, &plot);
    plot.frame(drawing, "predicted by the table, µs", "measured, µs");
    let diagonal = |factor: f64| ends_of_line(&plot, factor).map(|(x, y)| plot.at(x, y));
    drawing.line(&diagonal(1.0), 1.4, Colour::INK);
    for factor in [1.0 - WITHIN, 1.0 + WITHIN] {
        drawing.dashes(&diagonal(factor), 1.0, Colour::GREY);
    }
    for net in &report.nets {
        let bars = Colour(160, 166, 176);
        if let Some([low, high]) = net.predicted_ci95_us {
            drawing.line(&[plot.at(low, net.measured_us), plot.at(high, net.measured_us)], 1.0, bars);
        }
        let [low, high] = net.measured_ci95_us;
        drawing.line(&[plot.at(net.predicted_us, low), plot.at(net.predicted_us, high)], 1.0, bars);
    }
    for net in &report.nets {
        let colour = if is_within(net) { Colour::BLUE } else { Colour::RED };
        drawing.dot(plot.at(net.predicted_us, net.measured_us), 5.0, colour);
    }
    for (i, net) in report.worst.iter().enumerate() {
        let (x, y) = plot.at(net.predicted_us, net.measured_us);
        // Away from the diagonal: what is predicted too long lies below it.
        let (dx, dy) = if net.error > 0.0 { (9.0, 15.0) } else { (-16.0, -8.0) };
        drawing.text((x + dx, y + dy), (i + 1).to_string(), Font::new(12.0).bold());
    }
    let mut x = plot.corner.0;
    let y = plot.corner.1 + SIDE + 56.0;
    let mut key = |drawing: &mut Drawing, colour, text: &str| {
        drawing.dot((x + 5.0, y - 4.0), 5.0, colour);
        drawing.text((x + 16.0, y), text, SMALL);
        x += 16.0 + SMALL.width(text) + 12.0;
    };
    key(drawing, Colour::BLUE, "within ±5 % of the measurement");
    key(drawing, Colour::RED, "beyond");
    drawing.text(
        (plot.corner.0, y + 20.0),
        "bars: 95 % intervals of prediction and measurement; numbers: the largest errors",
        SMALL.colour(Colour::GREY),
    );
}

fn is_within(net: &Net) -> bool {
    net.error.abs() <= WITHIN
}

/// Where predicted = measured · factor enters and leaves the square between the axes.
fn ends_of_line(plot: &Plot, factor: f64) -> [(f64, f64); 2] {
    let (low, high) = (plot.x.low(), plot.x.high());
    let at = |y: f64| {
        let x = (y * factor).clamp(low, high);
        (x, x / factor)
    };
    [at((low / factor).max(low)), at((high / factor).min(high))]
}

/// Where the error is at most 5 %.
fn band(drawing: &mut Drawing, plot: &Plot) {
    let (low, high) = (plot.x.low(), plot.x.high());
    let [over, under] = [1.0 + WITHIN, 1.0 - WITHIN].map(|factor| ends_of_line(plot, factor));
    let corners = [(low, low), over[0], over[1], (high, high), under[1], under[0]];
    drawing.polygon(&corners.map(|(x, y)| plot.at(x, y)), Colour::SKY);
}

/// Sums, the worst networks, and what they share.
fn words(drawing: &mut Drawing, report: &Report) {
    let right = WIDTH - MARGIN;
    let mut y = 124.0;
    let percent = |share: f64| format!("{:.0} %", 100.0 * share);
    let sums = [
        ("mean absolute error", format!("{:.2} %", 100.0 * report.mape)),
        ("bias (predicted − measured)", format!("{:+.2} %", 100.0 * report.bias)),
        ("within ±5 %", percent(report.within_5)),
        ("within ±10 %", percent(report.within_10)),
        ("Kendall tau", format!("{:.3}", report.kendall_tau)),
        ("within the predicted 95 % interval", percent(report.covered)),
        ("standard error of a measured figure", format!("{:.2} %", 100.0 * report.noise)),
    ];
    for (name, value) in sums {
        drawing.text((WORDS, y), name, SMALL);
        drawing.text((right, y), value, SMALL.bold().end());
        drawing.line(&[(WORDS, y + 6.0), (right, y + 6.0)], 1.0, Colour::PALE);
        y += 23.0;
    }
    y += 20.0;
    drawing.text((WORDS, y), "Largest errors", HEADING);
    y += 24.0;
    for (i, net) in report.worst.iter().enumerate() {
        let colour = if is_within(net) { Colour::BLUE } else { Colour::RED };
        drawing.text((WORDS, y), (i + 1).to_string(), SMALL.bold());
        let figures = format!("{:.1} µs predicted, {:.1} µs measured", net.predicted_us, net.measured_us);
        drawing.text((WORDS + 18.0, y), figures, SMALL);
        drawing.text((right, y), text::percent(net.error), SMALL.bold().end().colour(colour));
        let small = Font::new(9.0).colour(Colour::GREY);
        drawing.text((WORDS + 18.0, y + 15.0), small.fitted(&net.architecture, right - WORDS - 18.0), small);
        y += 37.0;
    }
    y += 16.0;
    drawing.text((WORDS, y), "Candidates common to the worst networks", HEADING);
    let Some(chance) = report.suspects.by_chance else {
        drawing.text((WORDS, y + 22.0), "Nothing: no candidate occurs in more than one network.", SMALL.colour(Colour::GREY));
        return;
    };
    y += 22.0;
    for shared in report.suspects.candidates.iter().take(3) {
        let name = format!("{} at layer {}", shared.candidate, shared.layer);
        drawing.text((WORDS, y), name, SMALL);
        let figures =
            format!("{} ±{:.1} % in {} nets", text::percent(shared.mean_residual), 100.0 * shared.standard_error, shared.nets);
        drawing.text((right, y), figures, SMALL.end());
        y += 19.0;
    }
    let note = format!("A mean as large as the first occurs by chance in {:.0} % of cases.", 100.0 * chance);
    drawing.text((WORDS, y + 2.0), note, Font::new(10.5).colour(Colour::GREY));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bands_lines_stay_between_the_axes() {
        let axis = Axis::over([100.0, 200.0], 5);
        let plot = Plot { corner: (0.0, 0.0), size: (100.0, 100.0), x: axis.clone(), y: axis };
        for factor in [0.95, 1.0, 1.05] {
            let ends = ends_of_line(&plot, factor);
            for (x, y) in ends {
                assert!((100.0..=200.0).contains(&x) && (99.999..=200.001).contains(&y), "{factor}: ({x}, {y})");
                assert!((x / y - factor).abs() < 1e-12);
            }
            assert!(ends[0].0 == 100.0 || ends[0].1 == 100.0);
            assert!(ends[1].0 == 200.0 || ends[1].1 == 200.0);
        }
    }
}
