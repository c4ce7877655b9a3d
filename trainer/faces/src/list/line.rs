//! One line of a list.

use super::face::Face;
use files::has_ending;
use std::path::{Path, PathBuf};

/// How far outside 0..1 a landmark may lie: a point may leave the crop, but a coordinate in pixels must not pass.
const MARGIN: f32 = 0.5;
/// Endings of pictures, by which a name with blanks is recognised.
const PICTURES: [&str; 6] = ["png", "jpg", "jpeg", "bmp", "webp", "gif"];

/// A line's fields.
pub struct Line {
    path: PathBuf,
    /// Behind the path.
    pub numbers: Vec<f32>,
}

impl Line {
    /// Divides a line at its blanks.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut fields = text.split_whitespace();
        let path = fields.next().unwrap_or_default();
        let mut numbers = Vec::new();
        for (column, field) in (2..).zip(fields) {
            match field.parse::<f32>() {
                Ok(value) if value.is_finite() => numbers.push(value),
                Ok(_) => return Err(format!("field {column} is {field}; every number must be finite")),
                Err(_) => return Err(no_number(text, path, column, field)),
            }
        }
        Ok(Self { path: path.into(), numbers })
    }

    /// That it has as many numbers as the list's first line.
    pub fn require_as_many(&self, first: &Self) -> Result<(), String> {
        let (count, needed) = (self.numbers.len(), first.numbers.len());
        if count == needed {
            return Ok(());
        }
        let points = needed.saturating_sub(3) / 2;
        Err(format!(
            "{count} numbers after the path instead of {needed}: the list's first line has {needed}, that is {points} landmarks (2 numbers \
             each) and pitch, yaw, roll"
        ))
    }

    /// The face of so many points, what stands between them and the angles left out; `line` is where it stands.
    pub fn face(mut self, line: usize, points: usize) -> Result<Face, String> {
        let count = self.numbers.len();
        let angles = [self.numbers[count - 3], self.numbers[count - 2], self.numbers[count - 1]];
        self.numbers.truncate(2 * points);
        if let Some(i) = self.numbers.iter().position(|value| !(-MARGIN..=1.0 + MARGIN).contains(value)) {
            let axis = ["x", "y"][i % 2];
            return Err(format!(
                "{axis} of landmark {} is {}; landmarks are fractions of the picture's side, 0 to 1, not pixels",
                i / 2,
                self.numbers[i]
            ));
        }
        Ok(Face { path: self.path, line, landmarks: self.numbers.into(), angles })
    }
}

/// What to say of a field that is no number.
fn no_number(text: &str, path: &str, column: usize, field: &str) -> String {
    let fault = format!("field {column}, {field:?}, is not a number");
    let is_picture = |name: &str| PICTURES.iter().any(|ending| has_ending(Path::new(name), ending));
    if !is_picture(field) || is_picture(path) {
        return fault;
    }
    if path.parse::<f32>().is_ok() {
        return format!("{fault}; a line must begin with the picture's path, but here the path follows the numbers");
    }
    // All up to the field's end: it is a part of the line itself.
    let end = field.as_ptr() as usize - text.as_ptr() as usize + field.len();
    format!(
        "{fault}; the picture's name seems to contain a blank ({:?}), which separates fields: rename the picture",
        text[..end].trim_start()
    )
}
