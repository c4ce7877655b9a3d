//! Shapes and text on a page, in units of a pixel at normal size; y grows downwards.

use crate::colour::Colour;

/// Which point of a text stands at the place given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// Its left end.
    Start,
    /// Its middle.
    Middle,
    /// Its right end.
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Font {
    /// Size in pixels.
    pub size: f64,
    /// Bold.
    pub bold: bool,
    /// Colour.
    pub colour: Colour,
    /// Where it stands.
    pub anchor: Anchor,
}

impl Font {
    /// Plain text of that size, from its left end.
    pub const fn new(size: f64) -> Self {
        Self { size, bold: false, colour: Colour::INK, anchor: Anchor::Start }
    }

    /// In bold.
    pub const fn bold(self) -> Self {
        Self { bold: true, ..self }
    }

    /// In that colour.
    pub const fn colour(self, colour: Colour) -> Self {
        Self { colour, ..self }
    }

    /// Around its middle.
    pub const fn middle(self) -> Self {
        Self { anchor: Anchor::Middle, ..self }
    }

    /// Before its right end.
    pub const fn end(self) -> Self {
        Self { anchor: Anchor::End, ..self }
    }

    /// About how wide a text is; rather too wide than too narrow, because the viewer of an SVG may have another font than this program.
    pub fn width(&self, text: &str) -> f64 {
        let letter = if self.bold { 0.68 } else { 0.61 };
        letter * self.size * text.chars().count() as f64
    }

    /// The text, or as much of it as fits, with an ellipsis.
    pub fn fitted(&self, text: &str, width: f64) -> String {
        if self.width(text) <= width {
            return text.to_string();
        }
        let letters = (width / self.width("x")) as usize;
        let kept: String = text.chars().take(letters.saturating_sub(1)).collect();
        format!("{}…", kept.trim_end())
    }
}

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub enum Shape {
    /// A rectangle with round corners, filled.
    Rect {
        /// Left.
        x: f64,
        /// Top.
        y: f64,
        /// Width.
        width: f64,
        /// Height.
        height: f64,
        /// The corners' radius.
        radius: f64,
        /// Colour.
        fill: Colour,
    },
    /// Straight lines from point to point.
    Line {
        /// The points.
        points: Vec<(f64, f64)>,
        /// Width.
        width: f64,
        /// Colour.
        colour: Colour,
        /// Broken into dashes.
        dashed: bool,
    },
    /// A filled polygon.
    Polygon {
        /// Its corners.
        points: Vec<(f64, f64)>,
        /// Colour.
        fill: Colour,
    },
    /// A filled circle with a thin white rim, so that circles on each other can be told apart.
    Dot {
        /// Its middle.
        x: f64,
        /// Its middle.
        y: f64,
        /// Radius.
        radius: f64,
        /// Colour.
        fill: Colour,
        /// What is shown when the mouse is over it; empty: nothing.
        title: String,
    },
    /// Many small dots of one colour, half transparent, so that the dense places show.
    Cloud {
        /// Their middles.
        points: Vec<(f64, f64)>,
        /// Radius.
        radius: f64,
        /// Colour.
        fill: Colour,
    },
    /// One line of text.
    Text {
        /// Place of its [`Anchor`].
        x: f64,
        /// Its base line.
        y: f64,
        /// What it says.
        text: String,
        /// How it looks.
        font: Font,
    },
}

/// Shapes, the later ones over the earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// What it shows, for those who cannot see it.
    pub title: String,
    /// What is on it.
    pub shapes: Vec<Shape>,
}

impl Drawing {
    /// An empty page.
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        Self { width, height, title: title.to_string(), shapes: Vec::new() }
    }

    /// Adds a rectangle with slightly round corners.
    pub fn rect(&mut self, (x, y): (f64, f64), (width, height): (f64, f64), fill: Colour) {
        let radius = 3f64.min(0.5 * width).min(0.5 * height);
        self.shapes.push(Shape::Rect { x, y, width, height, radius, fill });
    }

    /// Adds a line.
    pub fn line(&mut self, points: &[(f64, f64)], width: f64, colour: Colour) {
        self.shapes.push(Shape::Line { points: points.to_vec(), width, colour, dashed: false });
    }

    /// Adds a broken line.
    pub fn dashes(&mut self, points: &[(f64, f64)], width: f64, colour: Colour) {
        self.shapes.push(Shape::Line { points: points.to_vec(), width, colour, dashed: true });
    }

    /// Adds a filled polygon.
    pub fn polygon(&mut self, points: &[(f64, f64)], fill: Colour) {
        self.shapes.push(Shape::Polygon { points: points.to_vec(), fill });
    }

    /// Adds a dot.
    pub fn dot(&mut self, at: (f64, f64), radius: f64, fill: Colour) {
        self.named_dot(at, radius, fill, "");
    }

    /// Adds a dot that says what it is when the mouse is over it.
    pub fn named_dot(&mut self, (x, y): (f64, f64), radius: f64, fill: Colour, title: impl Into<String>) {
        self.shapes.push(Shape::Dot { x, y, radius, fill, title: title.into() });
    }

    /// Adds many small dots.
    pub fn cloud(&mut self, points: Vec<(f64, f64)>, radius: f64, fill: Colour) {
        self.shapes.push(Shape::Cloud { points, radius, fill });
    }

    /// Adds a line of text.
    pub fn text(&mut self, (x, y): (f64, f64), text: impl Into<String>, font: Font) {
        self.shapes.push(Shape::Text { x, y, text: text.into(), font });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_to_its_place() {
        let font = Font::new(10.0);
        assert_eq!(font.fitted("short", 100.0), "short");
        let cut = font.fitted("Intel(R) Xeon(R) Processor", 80.0);
        assert!(cut.ends_with('…') && font.width(&cut) <= 80.0, "{cut}");
        assert_eq!(font.fitted("xyz", 1.0), "…");
    }
}
