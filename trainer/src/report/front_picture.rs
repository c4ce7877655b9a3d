//! The networks of a front as an SVG picture.

use std::fmt::Write as _;

use super::network::{Net, Origin};
use crate::cost;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 24.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;

impl Origin {
    fn colour(self) -> &'static str {
        match self {
            Self::Searched => "#c0392b",
            Self::Sweep => "#1f5fa8",
            Self::Random => "#8a8a8a",
            Self::Baseline => "#2e8b57",
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
fn legend(nets: &[Net], draw: &mut impl FnMut(std::fmt::Arguments<'_>)) {
    let mut x = WIDTH - RIGHT;
    for (origin, label) in
        [(Origin::Baseline, "baseline"), (Origin::Random, "random"), (Origin::Sweep, "sweep"), (Origin::Searched, "searched")]
    {
        if nets.iter().any(|net| net.origin == origin) {
            draw(format_args!("<text x=\"{x}\" y=\"18\" text-anchor=\"end\" fill=\"{}\">● {label}</text>", origin.colour()));
            x -= 8.0 * label.len() as f64 + 26.0;
        }
    }
}

/// The networks as points, cost on a logarithmic axis, and the front as a line: an SVG file.
pub fn picture(nets: &[Net], unit: &str) -> String {
    // Widened by a part of what the values span, or of their size where that is next to nothing; a logarithm's is 1.
    let range = |values: &mut dyn Iterator<Item = f64>, size: Option<f64>| {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        let margin = (0.08 * (high - low)).max(0.02 * size.unwrap_or(high)).max(1e-9);
        (low - margin, high + margin)
    };
    let (x0, x1) = range(&mut nets.iter().map(|net| net.cost.ln()), Some(1.0));
    let (y0, y1) = range(&mut nets.iter().map(|net| net.nme), None);
    let y0 = y0.max(0.0);
    let across = |cost: f64| LEFT + (cost.ln() - x0) / (x1 - x0) * (WIDTH - LEFT - RIGHT);
    let up = |nme: f64| HEIGHT - BOTTOM - (nme - y0) / (y1 - y0) * (HEIGHT - TOP - BOTTOM);
    let (shown_unit, scale) = cost::shown(unit);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         font-family=\"system-ui,sans-serif\" font-size=\"12\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\
         <text x=\"{LEFT}\" y=\"18\" font-size=\"14\" font-weight=\"600\">NME, %, over {shown_unit}</text>"
    );
    let mut draw = |text: std::fmt::Arguments<'_>| {
        // Writing to a string cannot fail.
        let _ = svg.write_fmt(text);
    };
    for step in 0..=4 {
        let part = f64::from(step) / 4.0;
        let (nme, cost) = (y0 + (y1 - y0) * part, (x0 + (x1 - x0) * part).exp());
        let (x, y) = (across(cost), up(nme));
        draw(format_args!("<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>", WIDTH - RIGHT));
        draw(format_args!("<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{nme:.2}</text>", LEFT - 6.0, y + 4.0));
        draw(format_args!("<text x=\"{x:.1}\" y=\"{}\" text-anchor=\"middle\">{:.1}</text>", HEIGHT - BOTTOM + 18.0, cost / scale));
    }
    // A step: what lies between two networks of the front is not reached by either.
    let front: Vec<&Net> = nets.iter().filter(|net| net.on_front).collect();
    let mut path = String::new();
    for net in &front {
        let (x, y) = (across(net.cost), up(net.nme));
        let _ = if path.is_empty() { write!(path, "M{x:.1} {y:.1}") } else { write!(path, "H{x:.1}V{y:.1}") };
    }
    draw(format_args!("<path d=\"{path}\" fill=\"none\" stroke=\"#c8a000\" stroke-width=\"1.5\"/>"));
    let mut taken: Vec<Area> = nets.iter().map(|net| Area::around(across(net.cost), up(net.nme))).collect();
    for net in nets {
        let (x, y, colour) = (across(net.cost), up(net.nme), net.origin.colour());
        let radius = if net.origin == Origin::Random { 4.0 } else { 5.5 };
        let title = format!("{}: {:.1} {shown_unit}, {:.2} %", net.name, net.cost / scale, net.nme);
        draw(format_args!("<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" fill=\"{colour}\"><title>{title}</title></circle>"));
        if net.origin != Origin::Random {
            let label = Area::label(x, y, &net.name, &taken);
            let (x, y, name) = (label.left, label.bottom - 3.0, &net.name);
            draw(format_args!("<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{name}</text>"));
            taken.push(label);
        }
    }
    legend(nets, &mut draw);
    svg + "</svg>\n"
}

#[cfg(test)]
mod tests {
    use super::super::network::mark_front;
    use super::*;

    fn net(name: &str, cost: f64, nme: f64) -> Net {
        Net { name: name.to_string(), origin: Origin::Sweep, cost, nme, on_front: false }
    }

    #[test]
    fn the_picture_holds_each_network_inside_its_frame() {
        let mut nets = vec![net("a", 100.0, 2.5), net("b", 1000.0, 2.0)];
        mark_front(&mut nets);
        let svg = picture(&nets, cost::MICROS);
        assert_eq!(svg.matches("<circle").count(), 2);
        for attribute in svg.split("cx=\"").skip(1) {
            let x: f64 = attribute[..attribute.find('"').unwrap()].parse().unwrap();
            assert!((LEFT..=WIDTH - RIGHT).contains(&x), "{x}");
        }
        // One network alone has no extent.
        assert!(!picture(&nets[..1], cost::MICROS).contains("NaN"));
    }
    #[test]
    fn axes_hold_what_can_be() {
        let labels = |nets: &[Net]| -> Vec<f64> {
            let ends = picture(nets, cost::MICROS);
            let numbers = ends.split("</text>").filter_map(|part| part.rsplit('>').next());
            numbers.filter_map(|text| text.parse().ok()).collect()
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
