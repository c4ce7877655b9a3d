//! Line charts as inline SVG.

use std::fmt::Write as _;

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 26.0;
const COLOURS: [&str; 3] = ["#1f5fa8", "#c0392b", "#2e8b57"];

/// A line.
pub struct Series {
    /// In the legend.
    pub name: &'static str,
    /// (x, y).
    pub points: Vec<(f64, f64)>,
}

/// Lines over epochs.
pub struct Chart {
    /// Above it.
    pub title: String,
    /// Logarithmic y axis, where all values are above 0.
    pub log: bool,
    /// Ends of the y axis, where they do not depend on the values.
    pub ends: Option<(f64, f64)>,
    /// The lines; at most three colours.
    pub series: Vec<Series>,
}

impl Chart {
    /// The `<svg>` element.
    pub fn svg(&self) -> String {
        let all = || self.series.iter().flat_map(|s| &s.points).filter(|p| p.1.is_finite());
        let log = self.log && all().all(|p| p.1 > 0.0);
        let scale = |y: f64| if log { y.log10() } else { y };
        let (x0, x1) = ends(all().map(|p| p.0), false);
        let (y0, y1) = self.ends.unwrap_or_else(|| ends(all().map(|p| p.1), log));
        let (y0, y1) = (scale(y0), scale(y1));
        let at = |(x, y): (f64, f64)| {
            let across = LEFT + (x - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
            (across, HEIGHT - BOTTOM - (scale(y) - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM))
        };
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" font-family=\"system-ui,sans-serif\" font-size=\"11\">\
             <text x=\"{LEFT}\" y=\"14\" font-size=\"13\" font-weight=\"600\">{}</text>",
            self.title
        );
        for step in 0..=4 {
            let value = y0 + (y1 - y0) * f64::from(step) / 4.0;
            let shown = if log { 10f64.powf(value) } else { value };
            let y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * f64::from(step) / 4.0;
            let _ = write!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 5.0,
                y + 4.0,
                short(shown)
            );
        }
        for (x, anchor) in [(x0, "start"), (x1, "end")] {
            let (across, _) = at((x, if log { 10f64.powf(y0) } else { y0 }));
            let _ = write!(svg, "<text x=\"{across:.1}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>", HEIGHT - 8.0, short(x));
        }
        let mut legend = WIDTH - RIGHT;
        let drawn = self.series.iter().zip(COLOURS).filter(|(s, _)| !s.points.is_empty());
        for (series, colour) in drawn {
            let path: Vec<String> =
                series.points.iter().filter(|p| p.1.is_finite()).map(|&p| at(p)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = write!(svg, "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.6\"/>", path.join(" "));
            if let [only] = path.as_slice() {
                let _ = write!(
                    svg,
                    "<circle cx=\"{}\" cy=\"{}\" r=\"3\" fill=\"{colour}\"/>",
                    &only[..only.find(',').unwrap_or(0)],
                    &only[only.find(',').map_or(0, |i| i + 1)..]
                );
            }
            let _ = write!(svg, "<text x=\"{legend}\" y=\"14\" text-anchor=\"end\" fill=\"{colour}\">{}</text>", series.name);
            legend -= 8.0 * series.name.chars().count() as f64 + 8.0;
        }
        svg + "</svg>"
    }
}

/// The ends of an axis: the least and the greatest value. Where these are one, it lies in the middle of an axis that does not leave its
/// side of 0, or begins there.
fn ends(values: impl Iterator<Item = f64>, log: bool) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
    if low != high {
        (low, high)
    } else if low == 0.0 {
        (0.0, 1.0)
    } else if log {
        (low / 2.0, 2.0 * low)
    } else {
        ((2.0 * low).min(0.0), (2.0 * low).max(0.0))
    }
}

/// A number in few characters.
fn short(value: f64) -> String {
    match value.abs() {
        0.0 => "0".to_string(),
        a if !(1e-3..1e5).contains(&a) => format!("{value:.1e}"),
        a if a >= 100.0 => format!("{value:.0}"),
        a if a >= 10.0 => format!("{value:.1}").trim_end_matches(".0").to_string(),
        a if a >= 1.0 => format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_string(),
        _ => format!("{value:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_axis_keeps_to_its_values_side_of_0() {
        let of = |values: &[f64], log| ends(values.iter().copied(), log);
        assert_eq!(of(&[3.0, 0.2, 1.0], false), (0.2, 3.0));
        assert_eq!(of(&[1e-4], false), (0.0, 2e-4));
        assert_eq!(of(&[-2.0, -2.0], false), (-4.0, 0.0));
        assert_eq!(of(&[0.0, 0.0], false), (0.0, 1.0));
        assert_eq!(of(&[66.0], true), (33.0, 132.0));
    }

    #[test]
    fn a_value_alone_stands_in_the_middle() {
        for log in [false, true] {
            let series = vec![Series { name: "NME", points: vec![(1.0, 66.0)] }];
            let svg = Chart { title: "NME, %".to_string(), log, ends: None, series }.svg();
            let (x, y) = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
            assert!(svg.contains(&format!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\"")) && svg.contains(">66<"), "{svg}");
        }
    }
}
