//! Scatter pictures of published and simulated times.

use drawing::{Axis, Colour, Drawing, Font, Plot, svg};

/// Points of one colour.
pub struct Group {
    /// What it is called in the legend.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Published and simulated seconds.
    pub points: Vec<(f64, f64)>,
}

const SIDE: f64 = 560.0;
const CORNER: (f64, f64) = (70.0, 50.0);
const FONT: Font = Font::new(13.0);

/// Published times to the right, simulated ones upwards, both logarithmic; the diagonal is equality, beside it ±10 %.
pub fn scatter(title: &str, groups: &[Group]) -> String {
    let micros = |group: &Group| group.points.iter().map(|(x, y)| (1e6 * x, 1e6 * y)).collect::<Vec<_>>();
    let axis = Axis::decades(groups.iter().flat_map(micros).flat_map(|(x, y)| [x, y]));
    let plot = Plot { corner: CORNER, size: (SIDE, SIDE), x: axis.clone(), y: axis };
    let mut drawing = Drawing::new(CORNER.0 + SIDE + 190.0, CORNER.1 + SIDE + 50.0, title);
    drawing.text((CORNER.0, 22.0), title, Font::new(17.0).bold());
    plot.frame(&mut drawing, "published, µs", "simulated, µs; dashed: ±10 %");
    let (least, most) = (plot.x.low(), plot.x.high());
    drawing.line(&[plot.at(least, least), plot.at(most, most)], 1.0, Colour::INK);
    for factor in [1.1, 1.0 / 1.1] {
        drawing.dashes(&[plot.at(least, least * factor), plot.at(most, most * factor)], 1.0, Colour::INK);
    }
    for (k, group) in groups.iter().enumerate() {
        drawing.cloud(micros(group).into_iter().map(|(x, y)| plot.at(x, y)).collect(), 2.0, group.colour);
        let y = CORNER.1 + 20.0 + 24.0 * k as f64;
        drawing.dot((CORNER.0 + SIDE + 20.0, y), 5.0, group.colour);
        drawing.text((CORNER.0 + SIDE + 32.0, y + 5.0), &group.name, FONT);
    }
    svg::document(&drawing)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_mark_for_each_point_and_names_of_groups() {
        let groups = [Group { name: "8x8".to_owned(), colour: Colour::RED, points: vec![(1e-6, 1.1e-6), (2e-3, 2e-3)] }];
        let svg = scatter("warm", &groups);
        assert_eq!(svg.matches("h0").count(), 2);
        assert!(svg.contains(">8x8<") && svg.contains(">1000<"));
    }
}
