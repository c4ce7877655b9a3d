//! A drawing as SVG.

use std::fmt::Write as _;

use crate::markup::escape;
use crate::shapes::{Anchor, Drawing, Shape};

/// The file.
pub fn document(drawing: &Drawing) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", element(drawing))
}

/// The `<svg>` element, as it stands in a page.
pub fn element(drawing: &Drawing) -> String {
    let Drawing { width, height, title, shapes } = drawing;
    // DejaVu Sans is what the PNG is written with; wide letters, so that others take less room.
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         font-family=\"'DejaVu Sans',Verdana,system-ui,sans-serif\">\n<title>{}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>\n",
        escape(title)
    );
    for shape in shapes {
        // Writing to a string cannot fail.
        let _ = write(&mut svg, shape);
    }
    svg + "</svg>\n"
}

fn write(svg: &mut String, shape: &Shape) -> std::fmt::Result {
    match shape {
        Shape::Rect { x, y, width, height, radius, fill } => writeln!(
            svg,
            "<rect x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\" rx=\"{radius:.1}\" fill=\"{fill}\"/>"
        ),
        Shape::Line { points, width, colour, dashed } => {
            let dashes = if *dashed { " stroke-dasharray=\"5 4\"" } else { "" };
            let points = places(points);
            writeln!(svg, "<polyline points=\"{points}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\"{dashes}/>")
        }
        Shape::Polygon { points, fill } => writeln!(svg, "<polygon points=\"{}\" fill=\"{fill}\"/>", places(points)),
        Shape::Dot { x, y, radius, fill, title } => {
            write!(svg, "<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{radius}\" fill=\"{fill}\" stroke=\"#ffffff\"")?;
            if title.is_empty() { writeln!(svg, "/>") } else { writeln!(svg, "><title>{}</title></circle>", escape(title)) }
        }
        // Lines without a length, with round ends: one element for thousands of dots.
        Shape::Cloud { points, radius, fill } => {
            let path: String = points.iter().map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect();
            let (width, round) = (2.0 * radius, "stroke-linecap=\"round\" stroke-opacity=\"0.5\"");
            writeln!(svg, "<path d=\"{path}\" fill=\"none\" stroke=\"{fill}\" stroke-width=\"{width}\" {round}/>")
        }
        Shape::Text { x, y, text, font } => {
            let anchor = match font.anchor {
                Anchor::Start => "",
                Anchor::Middle => " text-anchor=\"middle\"",
                Anchor::End => " text-anchor=\"end\"",
            };
            let weight = if font.bold { " font-weight=\"700\"" } else { "" };
            let (size, colour, text) = (font.size, font.colour, escape(text));
            writeln!(svg, "<text x=\"{x:.2}\" y=\"{y:.2}\" font-size=\"{size}\"{weight}{anchor} fill=\"{colour}\">{text}</text>")
        }
    }
}

fn places(points: &[(f64, f64)]) -> String {
    points.iter().map(|(x, y)| format!("{x:.2},{y:.2}")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::colour::Colour;
    use crate::shapes::Font;

    #[test]
    fn every_shape_is_written_and_text_is_no_markup() {
        let mut drawing = Drawing::new(100.0, 50.0, "a & b");
        drawing.rect((1.0, 2.0), (30.0, 4.0), Colour(255, 0, 0));
        drawing.dashes(&[(0.0, 0.0), (10.0, 5.0)], 1.5, Colour::INK);
        drawing.polygon(&[(0.0, 0.0), (1.0, 0.0), (1.0, 1.0)], Colour::SKY);
        drawing.dot((5.0, 6.0), 2.0, Colour::BLUE);
        drawing.named_dot((6.0, 6.0), 2.0, Colour::BLUE, "a < b");
        drawing.cloud(vec![(1.0, 2.0), (3.0, 4.0)], 2.0, Colour::RED);
        drawing.text((7.0, 8.0), "<script>\u{1}\"", Font::new(12.0).bold().end());
        let svg = document(&drawing);
        for part in [
            "viewBox=\"0 0 100 50\"",
            "<title>a &amp; b</title>",
            "<rect x=\"1.00\" y=\"2.00\" width=\"30.00\" height=\"4.00\" rx=\"2.0\" fill=\"#ff0000\"/>",
            "<polyline points=\"0.00,0.00 10.00,5.00\"",
            "stroke-dasharray",
            "<polygon",
            "<circle cx=\"5.00\" cy=\"6.00\" r=\"2\" fill=\"#2c69b0\" stroke=\"#ffffff\"/>",
            "<title>a &lt; b</title></circle>",
            "<path d=\"M1.0 2.0h0M3.0 4.0h0\"",
            "font-weight=\"700\" text-anchor=\"end\"",
            "&lt;script&gt; &quot;</text>",
        ] {
            assert!(svg.contains(part), "{part} is not in {svg}");
        }
    }
}
