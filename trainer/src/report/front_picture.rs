//! The networks of a front as a picture.

use drawing::{Colour, Drawing, Font};

use super::network::{Net, Origin};
use super::reported::METRIC;
use crate::cost;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 36.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;
/// Texts except for the title.
const FONT: Font = Font::new(12.0);

impl Origin {
    fn colour(self) -> Colour {
        match self {
            Self::Searched => Colour::RED,
            Self::Sweep => Colour::BLUE,
            Self::Random => Colour::GREY,
            Self::Baseline => Colour::GREEN,
        }
    }
}

/// A part of the picture that is taken.
#[derive(Clone, Copy)]
struct Area {
    left: f64,
    right: f64,
    top: f64,
    bottom: f64,
}

impl Area {
    /// A point's.
    fn around(x: f64, y: f64) -> Self {
        Self { left: x - 6.0, right: x + 6.0, top: y - 6.0, bottom: y + 6.0 }
    }

    /// Where the name of a point stands: at its right or left, as near as there is room.
    fn label(x: f64, y: f64, name: &str, taken: &[Self]) -> Self {
        let width = 6.6 * name.chars().count() as f64;
        let sides = [x + 9.0, x - 9.0 - width];
        let at = |base: f64| sides.map(|left| Self { left, right: left + width, top: base - 11.0, bottom: base + 3.0 });
        let places = || [-7.0, 15.0, -21.0, 29.0, -35.0, 43.0].into_iter().flat_map(|shift| at(y + shift)).filter(Self::is_inside);
        let free = places().find(|place| taken.iter().all(|other| place.is_apart(other)));
        // Where all is full, it lies over another one.
        free.or_else(|| places().next()).unwrap_or(at(y)[0])
    }

    fn is_inside(&self) -> bool {
        self.left >= LEFT && self.right <= WIDTH && self.top >= TOP - 11.0 && self.bottom <= HEIGHT - BOTTOM
    }

    fn is_apart(&self, other: &Self) -> bool {
        self.right <= other.left || other.right <= self.left || self.bottom <= other.top || other.bottom <= self.top
    }
}

/// Where networks come from, with their colours.
fn legend(nets: &[Net], drawing: &mut Drawing) {
    let mut x = WIDTH - RIGHT;
    for (origin, label) in
        [(Origin::Baseline, "baseline"), (Origin::Random, "random"), (Origin::Sweep, "sweep"), (Origin::Searched, "searched")]
    {
        if nets.iter().any(|net| net.origin == origin) {
            drawing.text((x, 18.0), format!("● {label}"), FONT.colour(origin.colour()).end());
            x -= 8.0 * label.len() as f64 + 26.0;
        }
    }
}

/// Where cost and error lie on the page. Cost is on a logarithmic axis.
struct Axes {
    /// Logarithms of the costs at its ends.
    x: (f64, f64),
    /// Errors at its ends, per cent.
    y: (f64, f64),
}

impl Axes {
    fn over(nets: &[Net]) -> Self {
        // Widened by a part of what the values span, or of their size where that is next to nothing; a logarithm's is 1.
        let range = |values: &mut dyn Iterator<Item = f64>, size: Option<f64>| {
            let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
            let margin = (0.08 * (high - low)).max(0.02 * size.unwrap_or(high)).max(1e-9);
            (low - margin, high + margin)
        };
        let (low, high) = range(&mut nets.iter().map(|net| net.nme), None);
        Self { x: range(&mut nets.iter().map(|net| net.cost.ln()), Some(1.0)), y: (low.max(0.0), high) }
    }

    fn at(&self, cost: f64, nme: f64) -> (f64, f64) {
        let across = LEFT + (cost.ln() - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT);
        (across, HEIGHT - BOTTOM - (nme - self.y.0) / (self.y.1 - self.y.0) * (HEIGHT - TOP - BOTTOM))
    }

    /// Grid lines and their values.
    fn draw(&self, drawing: &mut Drawing, scale: f64) {
        for step in 0..=4 {
            let part = f64::from(step) / 4.0;
            let (nme, cost) = (self.y.0 + (self.y.1 - self.y.0) * part, (self.x.0 + (self.x.1 - self.x.0) * part).exp());
            let (x, y) = self.at(cost, nme);
            drawing.line(&[(LEFT, y), (WIDTH - RIGHT, y)], 1.0, Colour::PALE);
            drawing.text((LEFT - 6.0, y + 4.0), format!("{nme:.2}"), FONT.end());
            drawing.text((x, HEIGHT - BOTTOM + 18.0), format!("{:.1}", cost / scale), FONT.middle());
        }
    }
}

/// The front as a line of steps: what lies between two of its networks is not reached by either.
fn steps(nets: &[Net], axes: &Axes) -> Vec<(f64, f64)> {
    let mut points: Vec<(f64, f64)> = Vec::new();
    for net in nets.iter().filter(|net| net.on_front) {
        let (x, y) = axes.at(net.cost, net.nme);
        if let Some(&(_, before)) = points.last() {
            points.push((x, before));
        }
        points.push((x, y));
    }
    points
}

/// The networks as points, cost on a logarithmic axis, and the front as a line.
pub fn picture(nets: &[Net], unit: &str) -> Drawing {
    let axes = Axes::over(nets);
    let (shown_unit, scale) = cost::shown(unit);
    let title = format!("{METRIC}, %, over {shown_unit}");
    let mut drawing = Drawing::new(WIDTH, HEIGHT, &title);
    drawing.text((LEFT, 18.0), title, Font::new(14.0).bold());
    axes.draw(&mut drawing, scale);
    drawing.line(&steps(nets, &axes), 1.5, Colour::GOLD);
    let place = |net: &Net| axes.at(net.cost, net.nme);
    let mut taken: Vec<Area> = nets.iter().map(place).map(|(x, y)| Area::around(x, y)).collect();
    for net in nets {
        let ((x, y), colour) = (place(net), net.origin.colour());
        let radius = if net.origin == Origin::Random { 4.0 } else { 5.5 };
        let title = format!("{}: {:.1} {shown_unit}, {:.2} %", net.name, net.cost / scale, net.nme);
        drawing.named_dot((x, y), radius, colour, title);
        if net.origin != Origin::Random {
            let label = Area::label(x, y, &net.name, &taken);
            drawing.text((label.left, label.bottom - 3.0), &net.name, FONT.colour(colour));
            taken.push(label);
        }
    }
    legend(nets, &mut drawing);
    drawing
}

#[cfg(test)]
mod tests {
    use super::super::network::mark_front;
    use super::*;
    use drawing::Shape;

    fn net(name: &str, cost: f64, nme: f64) -> Net {
        Net { name: name.to_string(), origin: Origin::Sweep, cost, nme, on_front: false }
    }

    #[test]
    fn the_picture_holds_each_network_inside_its_frame() {
        let mut nets = vec![net("a", 100.0, 2.5), net("b", 1000.0, 2.0)];
        mark_front(&mut nets);
        let across = |nets: &[Net]| -> Vec<f64> {
            let shapes = picture(nets, cost::MICROS).shapes;
            shapes.iter().filter_map(|shape| if let Shape::Dot { x, .. } = shape { Some(*x) } else { None }).collect()
        };
        let dots = across(&nets);
        assert!(dots.len() == 2 && dots.iter().all(|x| (LEFT..=WIDTH - RIGHT).contains(x)), "{dots:?}");
        // One network alone has no extent.
        assert!(across(&nets[..1])[0].is_finite());
    }

    #[test]
    fn axes_hold_what_can_be() {
        let labels = |nets: &[Net]| -> Vec<f64> {
            let shapes = picture(nets, cost::MICROS).shapes;
            let texts = shapes.iter().filter_map(|shape| if let Shape::Text { text, .. } = shape { Some(text) } else { None });
            texts.filter_map(|text| text.parse().ok()).collect()
        };
        let apart = labels(&[net("a", 100.0, 0.1), net("b", 1000.0, 10.0)]);
        assert!(apart.len() == 10 && apart.iter().all(|&label| label >= 0.0), "{apart:?}");
        let same = labels(&[net("a", 150.0, 2.5), net("b", 150.0, 2.5)]);
        assert!(same[0] > 2.4 && same[0] < 2.5 && same[8] > 2.5, "{same:?}");
        assert!(same[1] > 145.0 && same[1] < 150.0 && same[9] > 150.0, "{same:?}");
    }

    #[test]
    fn names_of_close_points_lie_apart() {
        let points = [(300.0, 200.0), (303.0, 204.0), (308.0, 199.0), (WIDTH - RIGHT, TOP)];
        let mut taken: Vec<Area> = points.iter().map(|&(x, y)| Area::around(x, y)).collect();
        for (x, y) in points {
            let label = Area::label(x, y, "target-1500us", &taken);
            assert!(label.is_inside() && taken.iter().all(|other| label.is_apart(other)), "{x} {y}");
            taken.push(label);
        }
    }
}
