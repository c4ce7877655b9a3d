//! A picture as a network's input: planes of one channel each.

use super::Picture;
use serde::{Deserialize, Serialize};

/// Order of a network input's three channels.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ChannelOrder {
    /// Blue first, as OpenCV reads and NNI trains.
    #[default]
    Bgr,
    /// Red first.
    Rgb,
}

impl ChannelOrder {
    /// Of each output channel, its place in an RGB pixel.
    pub(crate) fn places(self) -> [usize; 3] {
        match self {
            Self::Bgr => [2, 1, 0],
            Self::Rgb => [0, 1, 2],
        }
    }
}

/// Writes `picture` to `out` (`[3, height, width]`, 0 to 1).
///
/// # Panics
/// `out` has another length.
pub fn write_planes(picture: &Picture, order: ChannelOrder, out: &mut [f32]) {
    let pixels = picture.width * picture.height;
    assert_eq!(out.len(), 3 * pixels, "three planes of the picture's size");
    for (plane, place) in out.chunks_exact_mut(pixels).zip(order.places()) {
        for (value, pixel) in plane.iter_mut().zip(picture.rgb.chunks_exact(3)) {
            *value = f32::from(pixel[place]) / 255.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn planes_are_in_the_order_asked_for() {
        let picture = Picture { width: 2, height: 1, rgb: vec![0, 51, 102, 255, 204, 153] };
        let mut out = [0.0; 6];
        write_planes(&picture, ChannelOrder::Rgb, &mut out);
        assert_eq!(out, [0.0, 1.0, 0.2, 0.8, 0.4, 0.6]);
        write_planes(&picture, ChannelOrder::Bgr, &mut out);
        assert_eq!(out, [0.4, 0.6, 0.2, 0.8, 0.0, 1.0]);
    }
}
