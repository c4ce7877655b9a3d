//! Antialiased drawing of curves given in fractions of the crop.

use super::look::Colour;
use tiny_skia::{
    BlendMode, Color, FillRule, GradientStop, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Point, RadialGradient,
    Shader, SpreadMode, Stroke, Transform,
};

/// A point of the crop, in fractions of its side.
pub type Point2 = [f32; 2];

/// A picture being drawn. Coordinates are fractions of the crop, which lies `margin` sides from the picture's edges.
pub struct Brush {
    pixels: Pixmap,
    /// Pixels of the crop's side.
    side: f32,
    margin: f32,
}

impl Brush {
    /// A black square of `side` pixels plus the margin (in sides) all around.
    ///
    /// # Panics
    /// The picture would have no pixel.
    pub fn new(side: u32, margin: f32) -> Self {
        let whole = side + 2 * (margin * side as f32).round() as u32;
        let pixels = Pixmap::new(whole, whole).expect("a picture of at least one pixel");
        Self { pixels, side: side as f32, margin }
    }

    /// The finished picture's bytes, `[whole, whole, 4]`, and its width.
    pub fn finish(self) -> (Vec<u8>, usize) {
        let width = self.pixels.width() as usize;
        (self.pixels.take(), width)
    }

    fn pixel(&self, point: Point2) -> Point {
        Point::from_xy((point[0] + self.margin) * self.side, (point[1] + self.margin) * self.side)
    }

    /// A smooth curve through the points (Catmull-Rom), which therefore lie on it exactly.
    pub fn curve(&self, points: &[Point2], closed: bool) -> Option<Path> {
        let count = points.len();
        let last = count.checked_sub(1)?;
        let at = |i: isize| {
            let i = if closed { i.rem_euclid(count as isize) } else { i.clamp(0, last as isize) };
            self.pixel(points[i as usize])
        };
        let mut path = PathBuilder::new();
        path.move_to(at(0).x, at(0).y);
        for i in 0..(if closed { count } else { last }) as isize {
            let (before, from, to, after) = (at(i - 1), at(i), at(i + 1), at(i + 2));
            path.cubic_to(
                from.x + (to.x - before.x) / 6.0,
                from.y + (to.y - before.y) / 6.0,
                to.x - (after.x - from.x) / 6.0,
                to.y - (after.y - from.y) / 6.0,
                to.x,
                to.y,
            );
        }
        if closed {
            path.close();
        }
        path.finish()
    }

    /// A circle of `radius` sides.
    pub fn circle(&self, centre: Point2, radius: f32) -> Option<Path> {
        let centre = self.pixel(centre);
        PathBuilder::from_circle(centre.x, centre.y, radius * self.side)
    }

    /// What lies within a path.
    pub fn inside(&self, path: &Path) -> Option<Mask> {
        let mut mask = Mask::new(self.pixels.width(), self.pixels.height())?;
        mask.fill_path(path, FillRule::Winding, true, Transform::identity());
        Some(mask)
    }

    /// Fills a path.
    pub fn fill(&mut self, path: Option<Path>, colour: Colour, opacity: f32, within: Option<&Mask>) {
        if let Some(path) = path {
            let paint = paint(Shader::SolidColor(rgba(colour, opacity)));
            self.pixels.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), within);
        }
    }

    /// Draws along a path, `width` sides wide, with round ends.
    pub fn line(&mut self, path: Option<Path>, width: f32, colour: Colour, opacity: f32, within: Option<&Mask>) {
        if let Some(path) = path {
            let stroke =
                Stroke { width: width * self.side, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
            let paint = paint(Shader::SolidColor(rgba(colour, opacity)));
            self.pixels.stroke_path(&path, &paint, &stroke, Transform::identity(), within);
        }
    }

    /// A soft spot that fades from `opacity` at its centre to nothing at `radius` sides.
    pub fn spot(&mut self, centre: Point2, radius: f32, colour: Colour, opacity: f32, within: Option<&Mask>) {
        let middle = self.pixel(centre);
        let stops = [(0.0, 1.0), (0.5, 0.45), (1.0, 0.0)]
            .map(|(position, share)| GradientStop::new(position, rgba(colour, opacity * share)))
            .to_vec();
        let gradient = RadialGradient::new(middle, 0.0, middle, radius * self.side, stops, SpreadMode::Pad, Transform::identity());
        if let (Some(gradient), Some(path)) = (gradient, self.circle(centre, radius)) {
            self.pixels.fill_path(&path, &paint(gradient), FillRule::Winding, Transform::identity(), within);
        }
    }
}

fn paint(shader: Shader<'_>) -> Paint<'_> {
    Paint { shader, blend_mode: BlendMode::SourceOver, anti_alias: true, ..Paint::default() }
}

fn rgba(colour: Colour, opacity: f32) -> Color {
    let [r, g, b] = colour.map(|value| value.clamp(0.0, 1.0));
    Color::from_rgba(r, g, b, opacity.clamp(0.0, 1.0)).unwrap_or(Color::TRANSPARENT)
}
