//! One synthetic face: picture, landmarks, pose.

use super::brush::Brush;
use super::draws::Draws;
use super::finish::finish;
use super::look::Look;
use super::paint::paint;
use super::pose::Pose;
use super::shape::Shape;
use crate::picture::Picture;

/// Side of the crop in pixels.
const SIDE: u32 = 112;
/// Pixels that the wide picture has on each side beyond the crop.
const MARGIN: u32 = 16;
/// Drawn this many times larger, then shrunk.
const FACTOR: u32 = 2;

/// A made face.
#[derive(Clone, Debug)]
pub struct SynthFace {
    /// 144×144: the crop with 16 more pixels on each side.
    pub wide: Picture,
    /// 106 points, `[212]`: x0 y0 x1 y1 …, fractions of the crop's side.
    pub landmarks: Vec<f32>,
    /// Pitch, yaw and roll in degrees, with the lists' signs.
    pub angles: [f32; 3],
}

impl SynthFace {
    /// The 112×112 crop.
    pub fn crop(&self) -> Picture {
        let (side, margin) = (SIDE as usize, MARGIN as usize);
        let rows = self.wide.rgb.chunks_exact(3 * self.wide.width).skip(margin).take(side);
        let rgb = rows.flat_map(|row| &row[3 * margin..3 * (margin + side)]).copied().collect();
        Picture { width: side, height: side, rgb }
    }
}

/// Makes face `index` of list `list` (0 train, 1 test) under `seed`.
pub fn synth_face(seed: u64, list: u64, index: u64) -> SynthFace {
    let mut draws = Draws::new(seed, list, index);
    let shape = Shape::draw(&mut draws);
    let points = shape.points();
    let pose = Pose::draw(&mut draws, &points);
    let look = Look::draw(&mut draws);
    let mut brush = Brush::new(FACTOR * SIDE, MARGIN as f32 / SIDE as f32);
    paint(&mut brush, &shape, &pose, &look);
    let (drawing, width) = brush.finish();
    let wide = finish(&drawing, width, FACTOR as usize, &look, &mut draws);
    let landmarks = points.iter().flat_map(|&point| pose.place(point)).collect();
    SynthFace { wide, landmarks, angles: pose.angles }
}
