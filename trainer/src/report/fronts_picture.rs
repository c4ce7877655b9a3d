//! The searched networks' front and the random ones', with what lies between them.

use drawing::{Axis, Colour, Drawing, Font, Plot};

use super::reported::METRIC;
use crate::compare::{BetweenFronts, PointDifference};
use crate::cost;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 360.0;

/// Mean errors over the cost, of searched networks and of random ones at equal cost. A bar is the 95 % interval of one more random network.
pub(super) fn fronts_picture(fronts: &BetweenFronts, unit: &str) -> Drawing {
    let (shown_unit, scale) = cost::shown(unit);
    let random = |point: &PointDifference| point.nme - point.difference.value;
    // Where a random network may lie: the searched one's error less the difference.
    let bar = |point: &PointDifference| point.difference.interval.map(|[low, high]| [point.nme - high, point.nme - low]);
    let values =
        fronts.points.iter().flat_map(|point| [point.nme, random(point)].into_iter().chain(bar(point).into_iter().flatten()));
    let plot = Plot {
        corner: (64.0, 52.0),
        size: (WIDTH - 88.0, HEIGHT - 106.0),
        x: Axis::over(fronts.points.iter().map(|point| point.cost / scale), 6),
        y: Axis::over(values, 5),
    };
    let title = "Searched networks and random ones of equal cost, all seeds";
    let mut drawing = Drawing::new(WIDTH, HEIGHT, title);
    drawing.text((12.0, 20.0), title, Font::new(14.0).bold());
    plot.frame(&mut drawing, &format!("predicted cost, {shown_unit}"), &format!("{METRIC}, %"));
    let at = |point: &PointDifference, nme: f64| plot.at(point.cost / scale, nme);
    for point in &fronts.points {
        if let Some([low, high]) = bar(point) {
            drawing.line(&[at(point, low), at(point, high)], 3.0, Colour::PALE);
        }
    }
    let mut curve = |nme: &dyn Fn(&PointDifference) -> f64, colour: Colour, what: &str| {
        let places: Vec<(f64, f64)> = fronts.points.iter().map(|point| at(point, nme(point))).collect();
        drawing.line(&places, 1.6, colour);
        for (point, place) in std::iter::zip(&fronts.points, places) {
            drawing.named_dot(place, 4.5, colour, format!("{what}, {}: {:.3} %", point.name, nme(point)));
        }
    };
    curve(&random, Colour::GREY, "random");
    curve(&|point| point.nme, Colour::RED, "searched");
    drawing.text((WIDTH - 24.0, 20.0), "● searched", Font::new(12.0).colour(Colour::RED).end());
    drawing.text((WIDTH - 124.0, 20.0), "● random", Font::new(12.0).colour(Colour::GREY).end());
    drawing
}
