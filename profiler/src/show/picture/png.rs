//! A drawing as pixels: tiny-skia fills the shapes, skrifa reads the letters' outlines.
//!
//! The letters are part of the program (`fonts/`), so that a picture is the same on every machine, with or without fonts.

use std::io;

use skrifa::instance::{LocationRef, Size};
use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::{FontRef, MetadataProvider};
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform};

use drawing::{Anchor, Colour, Drawing, Font, Shape};

/// Pixels of the picture for each one of the drawing: sharp on fine screens and in print.
const SCALE: f32 = 2.0;
const PLAIN: &[u8] = include_bytes!("../../../fonts/DejaVuSans.ttf");
const BOLD: &[u8] = include_bytes!("../../../fonts/DejaVuSans-Bold.ttf");

/// Draws, and writes as PNG.
///
/// # Errors
/// The drawing is too large, or a font cannot be read.
pub fn encode(drawing: &Drawing) -> io::Result<Vec<u8>> {
    let size = |length: f64| (length as f32 * SCALE).ceil() as u32;
    let pixmap = Pixmap::new(size(drawing.width), size(drawing.height));
    let mut pixmap = pixmap.ok_or_else(|| io::Error::other("the picture is empty or too large"))?;
    pixmap.fill(tiny_skia::Color::WHITE);
    let fonts = Fonts { plain: font(PLAIN)?, bold: font(BOLD)? };
    let mut canvas = Canvas { pixmap, fonts };
    for shape in &drawing.shapes {
        canvas.draw(shape);
    }
    canvas.pixmap.encode_png().map_err(io::Error::other)
}

fn font(bytes: &'static [u8]) -> io::Result<FontRef<'static>> {
    FontRef::new(bytes).map_err(io::Error::other)
}

struct Fonts {
    plain: FontRef<'static>,
    bold: FontRef<'static>,
}

struct Canvas {
    pixmap: Pixmap,
    fonts: Fonts,
}

impl Canvas {
    fn draw(&mut self, shape: &Shape) {
        match shape {
            Shape::Rect { x, y, width, height, radius, fill } => {
                let path = rounded(*x as f32, *y as f32, *width as f32, *height as f32, *radius as f32);
                self.fill(path, *fill);
            }
            Shape::Polygon { points, fill } => self.fill(polyline(points, true), *fill),
            Shape::Dot { x, y, radius, fill, .. } => {
                let path = PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32);
                self.fill(path.clone(), *fill);
                self.stroke(path, 1.0, Colour::WHITE, false);
            }
            Shape::Cloud { points, radius, fill } => {
                for (x, y) in points {
                    self.fill(PathBuilder::from_circle(*x as f32, *y as f32, *radius as f32), *fill);
                }
            }
            Shape::Line { points, width, colour, dashed } => self.stroke(polyline(points, false), *width as f32, *colour, *dashed),
            Shape::Text { x, y, text, font } => {
                let path = self.fonts.outline(text, font, *x as f32, *y as f32);
                self.fill(path, font.colour);
            }
        }
    }

    fn fill(&mut self, path: Option<Path>, colour: Colour) {
        if let Some(path) = path {
            self.pixmap.fill_path(&path, &paint(colour), FillRule::Winding, Transform::from_scale(SCALE, SCALE), None);
        }
    }

    fn stroke(&mut self, path: Option<Path>, width: f32, colour: Colour, dashed: bool) {
        let dash = if dashed { StrokeDash::new(vec![5.0, 4.0], 0.0) } else { None };
        let stroke = Stroke { width, line_cap: LineCap::Butt, line_join: LineJoin::Round, dash, ..Stroke::default() };
        if let Some(path) = path {
            self.pixmap.stroke_path(&path, &paint(colour), &stroke, Transform::from_scale(SCALE, SCALE), None);
        }
    }
}

fn paint(Colour(r, g, b): Colour) -> Paint<'static> {
    let mut paint = Paint { anti_alias: true, ..Paint::default() };
    paint.set_color_rgba8(r, g, b, 255);
    paint
}

fn polyline(points: &[(f64, f64)], closed: bool) -> Option<Path> {
    let mut path = PathBuilder::new();
    for (i, &(x, y)) in points.iter().enumerate() {
        if i == 0 { path.move_to(x as f32, y as f32) } else { path.line_to(x as f32, y as f32) }
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn rounded(x: f32, y: f32, width: f32, height: f32, radius: f32) -> Option<Path> {
    if radius <= 0.0 {
        return Rect::from_xywh(x, y, width, height).map(PathBuilder::from_rect);
    }
    let (right, bottom) = (x + width, y + height);
    let mut path = PathBuilder::new();
    path.move_to(x + radius, y);
    path.line_to(right - radius, y);
    path.quad_to(right, y, right, y + radius);
    path.line_to(right, bottom - radius);
    path.quad_to(right, bottom, right - radius, bottom);
    path.line_to(x + radius, bottom);
    path.quad_to(x, bottom, x, bottom - radius);
    path.line_to(x, y + radius);
    path.quad_to(x, y, x + radius, y);
    path.close();
    path.finish()
}

impl Fonts {
    /// A text's outline. A letter that the font lacks is an empty box.
    fn outline(&self, text: &str, font: &Font, x: f32, y: f32) -> Option<Path> {
        let face = if font.bold { &self.bold } else { &self.plain };
        let size = Size::new(font.size as f32);
        let (letters, outlines) = (face.charmap(), face.outline_glyphs());
        let metrics = face.glyph_metrics(size, LocationRef::default());
        let glyphs: Vec<_> = text.chars().map(|c| letters.map(c).unwrap_or_default()).collect();
        let widths: Vec<f32> = glyphs.iter().map(|&g| metrics.advance_width(g).unwrap_or_default()).collect();
        let whole: f32 = widths.iter().sum();
        let x = match font.anchor {
            Anchor::Start => x,
            Anchor::Middle => x - 0.5 * whole,
            Anchor::End => x - whole,
        };
        let mut pen = Pen { path: PathBuilder::new(), x, y };
        for (glyph, width) in std::iter::zip(glyphs, widths) {
            if let Some(outline) = outlines.get(glyph) {
                // The project's own fonts; an outline that cannot be drawn leaves its place empty.
                let _ = outline.draw(DrawSettings::unhinted(size, LocationRef::default()), &mut pen);
            }
            pen.x += width;
        }
        pen.path.finish()
    }
}

/// Draws an outline at a place. Fonts count y upwards.
struct Pen {
    path: PathBuilder,
    x: f32,
    y: f32,
}

impl OutlinePen for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        self.path.move_to(self.x + x, self.y - y);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.path.line_to(self.x + x, self.y - y);
    }

    fn quad_to(&mut self, cx: f32, cy: f32, x: f32, y: f32) {
        self.path.quad_to(self.x + cx, self.y - cy, self.x + x, self.y - y);
    }

    fn curve_to(&mut self, ax: f32, ay: f32, bx: f32, by: f32, x: f32, y: f32) {
        self.path.cubic_to(self.x + ax, self.y - ay, self.x + bx, self.y - by, self.x + x, self.y - y);
    }

    fn close(&mut self) {
        self.path.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(drawing: &Drawing) -> Pixmap {
        Pixmap::decode_png(&encode(drawing).unwrap()).unwrap()
    }

    fn at(pixmap: &Pixmap, x: u32, y: u32) -> (u8, u8, u8) {
        let p = pixmap.pixel(x, y).unwrap().demultiply();
        (p.red(), p.green(), p.blue())
    }

    #[test]
    fn shapes_are_where_they_should_be() {
        let mut drawing = Drawing::new(40.0, 20.0, "");
        drawing.rect((10.0, 5.0), (10.0, 10.0), Colour(255, 0, 0));
        drawing.line(&[(0.0, 18.0), (40.0, 18.0)], 2.0, Colour(0, 0, 255));
        let pixmap = drawn(&drawing);
        assert_eq!((pixmap.width(), pixmap.height()), (80, 40));
        assert_eq!([at(&pixmap, 30, 20), at(&pixmap, 30, 36), at(&pixmap, 60, 20)], [(255, 0, 0), (0, 0, 255), (255, 255, 255)]);
    }

    #[test]
    fn letters_are_drawn_on_their_side_of_the_anchor() {
        let ink = |font: Font| {
            let mut drawing = Drawing::new(100.0, 20.0, "");
            drawing.text((50.0, 15.0), "12.3 µs", font);
            let pixmap = drawn(&drawing);
            let dark = |from: u32, to: u32| (from..to).any(|x| (0..40).any(|y| at(&pixmap, x, y).0 < 128));
            (dark(0, 100), dark(100, 200))
        };
        let font = Font::new(12.0);
        assert_eq!([ink(font), ink(font.end()), ink(font.middle().bold())], [(false, true), (true, false), (true, true)]);
    }

    #[test]
    fn the_fonts_have_every_letter_the_program_writes() {
        for bytes in [PLAIN, BOLD] {
            let letters = font(bytes).unwrap().charmap();
            assert!((' '..='~').chain("µ×±→…–−≥≤≈Δτσ·".chars()).all(|c| letters.map(c).is_some()));
        }
    }

    #[test]
    fn the_guess_at_a_texts_width_is_never_too_small_for_what_is_written() {
        for (bytes, font) in [(PLAIN, Font::new(10.0)), (BOLD, Font::new(10.0).bold())] {
            let face = super::font(bytes).unwrap();
            let metrics = face.glyph_metrics(Size::new(10.0), LocationRef::default());
            for text in ["mb_k3_e2_res_se", "sep_k5", "123.4 µs", "layer 3", "identity"] {
                let width: f32 = text.chars().filter_map(|c| metrics.advance_width(face.charmap().map(c)?)).sum();
                assert!(font.width(text) >= 0.97 * f64::from(width), "{text}: {} < {width}", font.width(text));
            }
        }
    }

    #[test]
    fn a_page_without_size_is_an_error() {
        assert!(encode(&Drawing::new(0.0, 5.0, "")).is_err());
    }
}
