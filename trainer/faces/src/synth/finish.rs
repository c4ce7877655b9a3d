//! Light, noise and blur over a drawn face.

use super::draws::Draws;
use super::look::Look;
use crate::picture::Picture;
use image::{Rgb32FImage, imageops};

/// Shrinks a drawing (`[width, width, 4]`) by `factor`, then blurs it and adds colour cast and noise like a camera's.
pub fn finish(drawing: &[u8], width: usize, factor: usize, look: &Look, draws: &mut Draws) -> Picture {
    let size = width / factor;
    let scale = 1.0 / (255.0 * (factor * factor) as f32);
    let small = Rgb32FImage::from_fn(size as u32, size as u32, |x, y| {
        let mut sum = [0.0; 3];
        for row in y as usize * factor..(y as usize + 1) * factor {
            for column in x as usize * factor..(x as usize + 1) * factor {
                let at = 4 * (row * width + column);
                for (total, &value) in sum.iter_mut().zip(&drawing[at..at + 3]) {
                    *total += f32::from(value);
                }
            }
        }
        image::Rgb(sum.map(|total| total * scale))
    });
    let soft = if look.blur > 0.0 { imageops::blur(&small, look.blur) } else { small };
    let mut rgb = Vec::with_capacity(3 * size * size);
    for pixel in soft.pixels() {
        let grain = draws.even(-1.7, 1.7) * look.noise;
        for (value, gain) in pixel.0.into_iter().zip(look.gain) {
            let colour = draws.even(-1.0, 1.0) * look.noise;
            rgb.push((255.0 * (value * gain + grain + colour)).round().clamp(0.0, 255.0) as u8);
        }
    }
    Picture { width: size, height: size, rgb }
}
