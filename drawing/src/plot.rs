//! The frame of a scatter plot.

use crate::axis::Axis;
use crate::colour::Colour;
use crate::shapes::{Drawing, Font};

/// Where the values of two axes lie on the page.
#[derive(Clone, Debug)]
pub struct Plot {
    /// Left upper corner of the area inside the axes.
    pub corner: (f64, f64),
    /// Its width and height.
    pub size: (f64, f64),
    /// To the right.
    pub x: Axis,
    /// Upwards.
    pub y: Axis,
}

impl Plot {
    /// The place of a pair of values.
    pub fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (self.corner.0 + self.x.share(x) * self.size.0, self.corner.1 + (1.0 - self.y.share(y)) * self.size.1)
    }

    /// Grid lines and their values; the labels say what the axes are.
    pub fn frame(&self, drawing: &mut Drawing, x_label: &str, y_label: &str) {
        let font = Font::new(10.5).colour(Colour::GREY);
        let ((left, top), (width, height)) = (self.corner, self.size);
        for &tick in &self.x.ticks {
            let (x, _) = self.at(tick, self.y.low());
            drawing.line(&[(x, top), (x, top + height)], 1.0, Colour::PALE);
            drawing.text((x, top + height + 15.0), self.x.label(tick), font.middle());
        }
        for &tick in &self.y.ticks {
            let (_, y) = self.at(self.x.low(), tick);
            drawing.line(&[(left, y), (left + width, y)], 1.0, Colour::PALE);
            drawing.text((left - 6.0, y + 4.0), self.y.label(tick), font.end());
        }
        drawing.text((left + width, top + height + 31.0), x_label, font.end());
        drawing.text((left - 28.0, top - 10.0), y_label, font);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_lie_between_the_axes_ends_and_y_grows_upwards() {
        let axis = || Axis::over([0.0, 10.0], 5);
        let plot = Plot { corner: (100.0, 50.0), size: (200.0, 100.0), x: axis(), y: axis() };
        assert_eq!((plot.at(0.0, 0.0), plot.at(10.0, 10.0), plot.at(5.0, 5.0)), ((100.0, 150.0), (300.0, 50.0), (200.0, 100.0)));
        let mut drawing = Drawing::new(400.0, 200.0, "");
        plot.frame(&mut drawing, "MMAC", "µs");
        assert_eq!(drawing.shapes.len(), 6 * 2 * 2 + 2);
    }
}
