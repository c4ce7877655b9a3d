//! Where simulated time goes, as a picture: a bar a model, a colour a cause.

use super::{Explanation, Share, table_rows};
use crate::show::picture::{Colour, Drawing, Font, Page, Section};

const MARGIN: f64 = 32.0;
const WIDTH: f64 = 1170.0;
/// Where bars begin.
const BARS: f64 = 320.0;
const BAR: f64 = 26.0;
const STEP: f64 = 40.0;
const TOP: f64 = 110.0;
/// Width of an entry of the key.
const ENTRY: f64 = 220.0;
const SMALL: Font = Font::new(11.5);

/// A colour for each cause, by its place among all of them: work in blue and green, waiting for results in yellow, for memory in red.
const COLOURS: [Colour; simulator::Cause::COUNT] = [
    Colour(34, 94, 168),
    Colour(90, 150, 208),
    Colour(65, 171, 140),
    Colour(254, 217, 118),
    Colour(240, 200, 90),
    Colour(220, 180, 70),
    Colour(254, 196, 79),
    Colour(254, 153, 41),
    Colour(200, 170, 110),
    Colour(252, 146, 114),
    Colour(203, 24, 29),
    Colour(153, 112, 171),
    Colour(239, 101, 72),
    Colour(215, 48, 80),
    Colour(153, 0, 13),
    Colour(122, 90, 60),
    Colour(120, 120, 130),
    Colour(170, 170, 180),
    Colour(210, 210, 216),
];

/// The models' names, and what is reported of each.
pub fn page(models: &[(String, &Explanation)], chip: &str) -> Page {
    let sections = models.iter().flat_map(|(name, explanation)| {
        let table = |what: &str, shares: &[Share], notes: Vec<String>| Section {
            heading: format!("{name}: {what}s"),
            notes,
            rows: table_rows(what, shares),
        };
        let notes = explanation.facts().lines().map(String::from).collect();
        [table("cause", &explanation.causes, notes), table("function", &explanation.functions, Vec::new())]
    });
    Page { drawing: draw(models, chip), sections: sections.collect() }
}

fn draw(models: &[(String, &Explanation)], chip: &str) -> Drawing {
    let title = format!("Where the time goes on {chip}, simulated");
    let entries = simulator::Cause::ALL.into_iter().zip(COLOURS).filter(|(cause, _)| {
        models.iter().any(|(_, explanation)| explanation.causes.iter().any(|share| share.name == cause.name()))
    });
    let entries: Vec<_> = entries.collect();
    let columns = ((WIDTH - 2.0 * MARGIN) / ENTRY) as usize;
    let key = TOP + STEP * models.len() as f64 + 24.0;
    let height = key + 20.0 * entries.len().div_ceil(columns) as f64 + MARGIN;
    let mut drawing = Drawing::new(WIDTH, height, &title);
    drawing.text((MARGIN, 48.0), title, Font::new(20.0).bold());
    let grey = Font::new(12.0).colour(Colour::GREY);
    drawing.text((MARGIN, 72.0), "shares of a model's cycles; left: its time", grey);
    for (k, (name, explanation)) in models.iter().enumerate() {
        let y = TOP + STEP * k as f64;
        let label = format!("{:.3} ms  {name}", explanation.us / 1e3);
        drawing.text((MARGIN, y + 17.0), SMALL.fitted(&label, BARS - MARGIN - 12.0), SMALL);
        let mut x = BARS;
        for share in &explanation.causes {
            let width = share.share * (WIDTH - MARGIN - BARS);
            let colour = simulator::Cause::ALL.iter().position(|cause| cause.name() == share.name).map(|at| COLOURS[at]);
            let colour = colour.unwrap_or(Colour::PALE);
            drawing.rect((x, y), (width, BAR), colour);
            let text = format!("{:.0} %", 100.0 * share.share);
            if SMALL.width(&text) + 6.0 < width {
                drawing.text((x + 0.5 * width, y + 17.0), text, SMALL.middle().colour(colour.readable()));
            }
            x += width;
        }
    }
    for (k, (cause, colour)) in entries.into_iter().enumerate() {
        let (x, y) = (MARGIN + ENTRY * (k % columns) as f64, key + 20.0 * (k / columns) as f64);
        drawing.rect((x, y - 10.0), (12.0, 12.0), colour);
        drawing.text((x + 18.0, y), cause.name(), SMALL);
    }
    drawing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::show::picture::svg;
    use emulator::Functions;
    use simulator::{Cause, Region};

    #[test]
    fn bars_have_the_width_of_their_shares_and_the_key_names_them() {
        let causes = [(Cause::IssuedTwo, 75), (Cause::Dram, 25)].into();
        let explanation = Explanation::of(&Region { cycles: 100, causes, ..Region::default() }, &Functions::default());
        let page = page(&[("net.onnx".to_string(), &explanation)], "sd625");
        let svg = svg::document(&page.drawing);
        let whole = WIDTH - MARGIN - BARS;
        let widths: Vec<f64> = page
            .drawing
            .shapes
            .iter()
            .filter_map(|shape| match shape {
                crate::show::picture::drawing::Shape::Rect { width, height: BAR, .. } => Some(*width),
                _ => None,
            })
            .collect();
        assert_eq!(widths, [0.75 * whole, 0.25 * whole]);
        assert!(svg.contains("issued two") && svg.contains("L2 miss") && !svg.contains("misprediction"));
        assert!(page.html().contains("net.onnx: causes"));
    }
}
