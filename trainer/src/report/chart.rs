//! Line charts over epochs.

use drawing::{Colour, Drawing, Font};

const WIDTH: f64 = 460.0;
const HEIGHT: f64 = 230.0;
const LEFT: f64 = 58.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 28.0;
const BOTTOM: f64 = 26.0;
const COLOURS: [Colour; 3] = [Colour::BLUE, Colour::RED, Colour::GREEN];
/// Texts except for the title.
const FONT: Font = Font::new(11.0);

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

/// Where the values of a chart lie.
struct Scale {
    x: (f64, f64),
    /// Logarithms on a logarithmic axis.
    y: (f64, f64),
    log: bool,
}

impl Scale {
    fn of(chart: &Chart) -> Self {
        let all = || chart.series.iter().flat_map(|s| &s.points).filter(|p| p.1.is_finite());
        let log = chart.log && all().all(|p| p.1 > 0.0);
        let (low, high) = chart.ends.unwrap_or_else(|| ends(all().map(|p| p.1), log));
        let y = if log { (low.log10(), high.log10()) } else { (low, high) };
        Self { x: ends(all().map(|p| p.0), false), y, log }
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let y = if self.log { y.log10() } else { y };
        let across = LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT);
        (across, HEIGHT - BOTTOM - (y - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - TOP - BOTTOM))
    }

    /// The value at a part of the y axis, from 0 to 1.
    fn value(&self, part: f64) -> f64 {
        let y = self.y.0 + (self.y.1 - self.y.0) * part;
        if self.log { 10f64.powf(y) } else { y }
    }
}

impl Chart {
    /// The picture.
    pub fn drawing(&self) -> Drawing {
        let scale = Scale::of(self);
        let mut drawing = Drawing::new(WIDTH, HEIGHT, &self.title);
        drawing.text((LEFT, 14.0), &self.title, Font::new(13.0).bold());
        for step in 0..=4 {
            let part = f64::from(step) / 4.0;
            let y = HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * part;
            drawing.line(&[(LEFT, y), (WIDTH - RIGHT, y)], 1.0, Colour::PALE);
            drawing.text((LEFT - 5.0, y + 4.0), short(scale.value(part)), FONT.end());
        }
        for (x, font) in [(scale.x.0, FONT), (scale.x.1, FONT.end())] {
            let (across, _) = scale.at((x, scale.value(0.0)));
            drawing.text((across, HEIGHT - 8.0), short(x), font);
        }
        self.lines(&scale, &mut drawing);
        drawing
    }

    /// The lines and their names.
    fn lines(&self, scale: &Scale, drawing: &mut Drawing) {
        let mut legend = WIDTH - RIGHT;
        let drawn = self.series.iter().zip(COLOURS).filter(|(s, _)| !s.points.is_empty());
        for (series, colour) in drawn {
            let points: Vec<_> = series.points.iter().filter(|p| p.1.is_finite()).map(|&p| scale.at(p)).collect();
            drawing.line(&points, 1.6, colour);
            if let [only] = points[..] {
                drawing.dot(only, 3.0, colour);
            }
            drawing.text((legend, 14.0), series.name, FONT.colour(colour).end());
            legend -= 8.0 * series.name.chars().count() as f64 + 8.0;
        }
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
    use drawing::Shape;

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
            let drawing = Chart { title: "NME, %".to_string(), log, ends: None, series }.drawing();
            let middle = ((LEFT + WIDTH - RIGHT) / 2.0, (TOP + HEIGHT - BOTTOM) / 2.0);
            let near = |x: f64, y: f64| (x - middle.0).abs() < 0.05 && (y - middle.1).abs() < 0.05;
            let dots = drawing.shapes.iter().filter(|shape| matches!(**shape, Shape::Dot { x, y, .. } if near(x, y)));
            assert_eq!(dots.count(), 1, "{drawing:?}");
            assert!(drawing.shapes.iter().any(|shape| matches!(shape, Shape::Text { text, .. } if text == "66")), "{drawing:?}");
        }
    }
}
