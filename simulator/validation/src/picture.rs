//! Scatter pictures, as small SVG files.

use std::fmt::Write;

/// Points of one colour.
pub struct Group {
    /// What it is called in the legend.
    pub name: String,
    /// A colour of SVG.
    pub colour: &'static str,
    /// Published and simulated seconds.
    pub points: Vec<(f64, f64)>,
}

const SIDE: f64 = 560.0;
const LEFT: f64 = 70.0;
const TOP: f64 = 50.0;

/// Published times to the right, simulated ones upwards, both logarithmic; the diagonal is equality, beside it ±10 %.
pub fn scatter(title: &str, groups: &[Group]) -> String {
    let all = || groups.iter().flat_map(|group| &group.points).flat_map(|(x, y)| [*x, *y]);
    let low = all().fold(f64::MAX, f64::min).log10().floor();
    let high = all().fold(f64::MIN, f64::max).log10().ceil().max(low + 1.0);
    let scale = SIDE / (high - low);
    let x = |seconds: f64| LEFT + (seconds.log10() - low) * scale;
    let y = |seconds: f64| TOP + SIDE - (seconds.log10() - low) * scale;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {:.0} {:.0}\" font-family=\"sans-serif\" font-size=\"15\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"28\" font-size=\"18\">{title}</text>\n",
        LEFT + SIDE + 190.0,
        TOP + SIDE + 60.0
    );
    for decade in low as i32..=high as i32 {
        let at = 10f64.powi(decade);
        let _ = writeln!(
            svg,
            "<path d=\"M{0:.0} {TOP}v{SIDE}M{LEFT} {1:.0}h{SIDE}\" stroke=\"#ccc\"/>\
             <text x=\"{0:.0}\" y=\"{2:.0}\" text-anchor=\"middle\">{3}</text><text x=\"{4:.0}\" y=\"{5:.0}\" text-anchor=\"end\">{3}</text>",
            x(at),
            y(at),
            TOP + SIDE + 22.0,
            time(decade),
            LEFT - 8.0,
            y(at) + 5.0
        );
    }
    let (least, most) = (10f64.powf(low), 10f64.powf(high));
    for (factor, dash) in [(1.0, ""), (1.1, "4 4"), (1.0 / 1.1, "4 4")] {
        let _ = writeln!(
            svg,
            "<path d=\"M{:.1} {:.1}L{:.1} {:.1}\" stroke=\"black\" stroke-dasharray=\"{dash}\"/>",
            x(least),
            y(least * factor),
            x(most),
            y(most * factor)
        );
    }
    for (k, group) in groups.iter().enumerate() {
        let mut path = String::new();
        for (published, simulated) in &group.points {
            let _ = write!(path, "M{:.1} {:.1}h0", x(*published), y(*simulated));
        }
        let _ = writeln!(
            svg,
            "<path d=\"{path}\" stroke=\"{0}\" stroke-width=\"4\" stroke-linecap=\"round\" stroke-opacity=\"0.5\"/>\
             <circle cx=\"{1:.0}\" cy=\"{2:.0}\" r=\"5\" fill=\"{0}\"/><text x=\"{3:.0}\" y=\"{4:.0}\">{5}</text>",
            group.colour,
            LEFT + SIDE + 20.0,
            TOP + 20.0 + 24.0 * k as f64,
            LEFT + SIDE + 32.0,
            TOP + 25.0 + 24.0 * k as f64,
            group.name
        );
    }
    let _ = writeln!(
        svg,
        "<text x=\"{0:.0}\" y=\"{1:.0}\" text-anchor=\"middle\">published</text>\
         <text transform=\"translate(18 {2:.0}) rotate(-90)\" text-anchor=\"middle\">simulated; dashed: ±10 %</text>\n</svg>",
        LEFT + SIDE / 2.0,
        TOP + SIDE + 48.0,
        TOP + SIDE / 2.0
    );
    svg
}

/// The time of a decade in words.
fn time(decade: i32) -> String {
    let (unit, shift) = match decade {
        ..=-7 => ("ns", 9),
        -6..=-4 => ("µs", 6),
        -3..=-1 => ("ms", 3),
        _ => ("s", 0),
    };
    format!("{} {unit}", 10f64.powi(decade + shift))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_has_a_mark_for_each_point_and_names_of_groups() {
        let groups = [Group { name: "8x8".to_owned(), colour: "red", points: vec![(1e-6, 1.1e-6), (2e-3, 2e-3)] }];
        let svg = scatter("warm", &groups);
        assert_eq!(svg.matches("h0").count(), 2);
        assert!(svg.contains(">8x8<") && svg.contains("10 µs") && svg.ends_with("</svg>\n"));
    }
}
