//! Lines and points on a picture.

use crate::error::{FacesError, Result};
use crate::picture::Picture;
use crate::points::PointScheme;
use image::{Rgb, RgbImage, imageops};

/// Colour of predicted points.
pub const PREDICTED: [u8; 3] = [255, 40, 60];
/// Colour of true points.
pub const TRUTH: [u8; 3] = [60, 255, 90];

/// Radius of a point in pixels of the enlarged picture.
const RADIUS: f32 = 2.2;
/// Half width of a line.
const HALF_LINE: f32 = 0.6;
/// Opacity of lines: the face must stay visible below them.
const LINE_OPACITY: f32 = 0.55;

/// A set of points to draw.
#[derive(Clone, Copy, Debug)]
pub struct Layer<'a> {
    /// `[2·N]`, fractions of the picture's width and height.
    pub landmarks: &'a [f32],
    /// Red, green, blue.
    pub colour: [u8; 3],
}

/// `picture` enlarged `zoom` times with the layers' points, and the lines of the scheme's groups, drawn on it.
///
/// # Errors
/// `zoom` is 0, or a layer has another number of points than the scheme.
pub fn overlay(picture: Picture, scheme: &PointScheme, layers: &[Layer], zoom: usize) -> Result<RgbImage> {
    if zoom == 0 {
        return Err(FacesError::Usage("a picture is enlarged at least 1 time".to_owned()));
    }
    let image = picture.into_image();
    let (width, height) = (image.width() * zoom as u32, image.height() * zoom as u32);
    let mut image = imageops::resize(&image, width, height, imageops::FilterType::CatmullRom);
    for layer in layers {
        if layer.landmarks.len() != 2 * scheme.count {
            return Err(FacesError::Usage(format!(
                "{} coordinates to draw, but the scheme has {} landmarks",
                layer.landmarks.len(),
                scheme.count
            )));
        }
        let place = |point: usize| [layer.landmarks[2 * point] * width as f32, layer.landmarks[2 * point + 1] * height as f32];
        for group in &scheme.groups {
            for pair in group.points.windows(2) {
                segment(&mut image, place(pair[0]), place(pair[1]), HALF_LINE, layer.colour, LINE_OPACITY);
            }
            if let (true, Some(&first), Some(&last)) = (group.closed, group.points.first(), group.points.last()) {
                segment(&mut image, place(last), place(first), HALF_LINE, layer.colour, LINE_OPACITY);
            }
        }
        for point in 0..scheme.count {
            segment(&mut image, place(point), place(point), RADIUS, layer.colour, 1.0);
        }
    }
    Ok(image)
}

/// Blends a line with round ends, antialiased; a dot where both ends are one. Points far outside draw nothing.
fn segment(image: &mut RgbImage, a: [f32; 2], b: [f32; 2], radius: f32, colour: [u8; 3], opacity: f32) {
    if !a.iter().chain(&b).all(|value| value.is_finite()) {
        return;
    }
    // Truncation to u32 also clips negative bounds to 0.
    let range = |axis: usize, size: u32| {
        let low = a[axis].min(b[axis]) - radius - 1.0;
        let high = a[axis].max(b[axis]) + radius + 2.0;
        low as u32..(high as u32).min(size)
    };
    let [dx, dy] = [b[0] - a[0], b[1] - a[1]];
    let squared = (dx * dx + dy * dy).max(f32::MIN_POSITIVE);
    for y in range(1, image.height()) {
        for x in range(0, image.width()) {
            let (px, py) = (x as f32 + 0.5 - a[0], y as f32 + 0.5 - a[1]);
            let along = ((px * dx + py * dy) / squared).clamp(0.0, 1.0);
            let distance = (px - along * dx).hypot(py - along * dy);
            let cover = (radius + 0.5 - distance).clamp(0.0, 1.0) * opacity;
            if cover > 0.0 {
                let Rgb(pixel) = image.get_pixel_mut(x, y);
                for (value, ink) in pixel.iter_mut().zip(colour) {
                    *value = (f32::from(*value) + cover * (f32::from(ink) - f32::from(*value))).round() as u8;
                }
            }
        }
    }
}

/// The pictures in rows of `columns`, each in a cell of the largest one's size, with a small gap.
///
/// # Errors
/// There is no picture, or no column.
pub fn contact_sheet(pictures: &[RgbImage], columns: usize) -> Result<RgbImage> {
    const GAP: u32 = 4;
    let cell = |size: fn(&RgbImage) -> u32| pictures.iter().map(size).max();
    let (Some(width), Some(height), 1..) = (cell(RgbImage::width), cell(RgbImage::height), columns) else {
        return Err(FacesError::Usage("a contact sheet has at least 1 picture and 1 column".to_owned()));
    };
    let (step_x, step_y) = (width + GAP, height + GAP);
    let (columns, rows) = (columns.min(pictures.len()) as u32, pictures.len().div_ceil(columns) as u32);
    let mut sheet = RgbImage::from_pixel(columns * step_x - GAP, rows * step_y - GAP, Rgb([255; 3]));
    for (at, picture) in (0..).zip(pictures) {
        imageops::replace(&mut sheet, picture, i64::from(at % columns * step_x), i64::from(at / columns * step_y));
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::points::{Group, Normaliser};

    fn black(side: usize) -> Picture {
        Picture { width: side, height: side, rgb: vec![0; 3 * side * side] }
    }

    #[test]
    fn points_and_lines_land_where_they_should() {
        let groups = vec![Group { points: vec![0, 1], closed: false }];
        let scheme = PointScheme { count: 3, nme: Normaliser::Pair(0, 1), mirror: None, groups };
        let landmarks = [0.25, 0.5, 0.75, 0.5, 0.5, 0.125];
        let image = overlay(black(20), &scheme, &[Layer { landmarks: &landmarks, colour: TRUTH }], 4).unwrap();
        assert_eq!((image.width(), image.height()), (80, 80));
        for (x, y) in [(20, 40), (60, 40), (40, 10)] {
            assert_eq!(image.get_pixel(x, y).0, TRUTH, "({x}, {y})");
        }
        let line = image.get_pixel(40, 40).0[1];
        assert!((80..220).contains(&line), "{line}");
        assert_eq!((image.get_pixel(30, 25).0, image.get_pixel(79, 79).0), ([0; 3], [0; 3]));
    }

    #[test]
    fn points_outside_or_not_numbers_do_no_harm() {
        let scheme = PointScheme { count: 3, nme: Normaliser::Pair(0, 1), mirror: None, groups: Vec::new() };
        let landmarks = [-3.0, 0.5, f32::NAN, 0.5, 1e9, -1e9];
        let image = overlay(black(10), &scheme, &[Layer { landmarks: &landmarks, colour: PREDICTED }], 2).unwrap();
        assert!(image.as_raw().iter().all(|&value| value == 0));
        assert!(overlay(black(10), &scheme, &[Layer { landmarks: &[0.0; 4], colour: PREDICTED }], 2).is_err());
        assert!(overlay(black(10), &scheme, &[], 0).is_err());
    }

    #[test]
    fn a_sheet_has_every_picture_in_its_cell() {
        let pictures: Vec<RgbImage> = (1..=5).map(|value| RgbImage::from_pixel(10, 8, Rgb([value; 3]))).collect();
        let sheet = contact_sheet(&pictures, 3).unwrap();
        assert_eq!((sheet.width(), sheet.height()), (38, 20));
        assert_eq!((sheet.get_pixel(5, 4).0, sheet.get_pixel(19, 16).0), ([1; 3], [5; 3]));
        assert!(contact_sheet(&[], 3).is_err() && contact_sheet(&pictures, 0).is_err());
    }
}
