//! Pictures and landmarks rotated, scaled, moved and mirrored.

use super::Change;
use crate::picture::{ChannelOrder, Picture};

/// Fraction bits of a source coordinate.
const BITS: u32 = 16;
/// Fraction bits of an interpolation weight: weights of 256 steps let three 8-bit channels share one 64-bit product.
const WEIGHT_BITS: u32 = 8;
/// Bits of a channel's lane; the widest sum, 255 · 256, fits.
const LANE: u32 = 16;

/// Writes the changed crop to `out` (`[3, side, side]`, 0 to 1), bilinear, in one pass over the picture.
///
/// The crop is `picture` without `margin` pixels on each side; what lies farther out than the picture repeats its edge.
/// Positions are rounded to 1/256 pixel.
///
/// # Panics
/// `out` has another length, or the margins leave nothing.
pub fn warp_planes(picture: &Picture, margin: usize, change: &Change, order: ChannelOrder, side: usize, out: &mut [f32]) {
    assert_eq!(out.len(), 3 * side * side, "three planes of the output's size");
    assert!(picture.width.min(picture.height) > 2 * margin, "the margins leave nothing of the picture");
    let [xs, ys] = sampling(picture, margin, change, side).map(|row| row.map(fixed));
    let packed = pack(picture, order);
    // contrast · (v/255 − 0.5) + 0.5 + brightness as gain · sum + offset, where sum is v times the weights' sum.
    let gain = change.contrast / (255.0 * f32::from(1u16 << WEIGHT_BITS));
    let offset = 0.5 + change.brightness - 0.5 * change.contrast;
    let (plane_a, rest) = out.split_at_mut(side * side);
    let (plane_b, plane_c) = rest.split_at_mut(side * side);
    let rows = plane_a.chunks_exact_mut(side).zip(plane_b.chunks_exact_mut(side)).zip(plane_c.chunks_exact_mut(side));
    let (right, bottom) = ((picture.width as i64 - 1) << BITS, (picture.height as i64 - 1) << BITS);
    let half = 1 << (BITS - WEIGHT_BITS - 1);
    for (row, ((a, b), c)) in (0i64..).zip(rows) {
        let (mut x, mut y) = (xs[1] * row + xs[2] + half, ys[1] * row + ys[2] + half);
        for ((a, b), c) in a.iter_mut().zip(b).zip(c) {
            let sum = interpolate(&packed, picture.width, [x.clamp(0, right), y.clamp(0, bottom)], [right, bottom]);
            let value = |lane: u32| (gain * f32::from((sum >> (lane * LANE)) as u16) + offset).clamp(0.0, 1.0);
            (*a, *b, *c) = (value(0), value(1), value(2));
            x += xs[0];
            y += ys[0];
        }
    }
}

/// The picture's pixels with a channel a lane, in the order of the planes.
fn pack(picture: &Picture, order: ChannelOrder) -> Vec<u64> {
    let places = order.places();
    let (pixels, _) = picture.rgb.as_chunks::<3>();
    let lane = |pixel: &[u8; 3], lane: usize| u64::from(pixel[places[lane]]) << (LANE * lane as u32);
    pixels.iter().map(|pixel| lane(pixel, 0) | lane(pixel, 1) | lane(pixel, 2)).collect()
}

/// A coordinate in fixed point.
fn fixed(value: f32) -> i64 {
    (f64::from(value) * f64::from(1u32 << BITS)).round() as i64
}

/// The weighted sum of the four pixels about (x, y), lane by lane; the weights add up to 256.
fn interpolate(packed: &[u64], width: usize, [x, y]: [i64; 2], [right, bottom]: [i64; 2]) -> u64 {
    let fraction = |value: i64| (value >> (BITS - WEIGHT_BITS)) as u64 & ((1 << WEIGHT_BITS) - 1);
    let (fx, fy) = (fraction(x), fraction(y));
    let at = (y >> BITS) as usize * width + (x >> BITS) as usize;
    // On the last column or row the weight of the next one is 0, so the same pixel stands in for it.
    let (dx, dy) = (usize::from(x < right), if y < bottom { width } else { 0 });
    let w11 = (fx * fy + (1 << (WEIGHT_BITS - 1))) >> WEIGHT_BITS;
    let (w01, w10) = (fx - w11, fy - w11);
    let w00 = (1 << WEIGHT_BITS) + w11 - fx - fy;
    w00 * packed[at] + w01 * packed[at + dx] + w10 * packed[at + dy] + w11 * packed[at + dx + dy]
}

/// Source pixel indices of an output pixel (i, j): x = a·i + b·j + c, the same for y.
fn sampling(picture: &Picture, margin: usize, change: &Change, side: usize) -> [[f32; 3]; 2] {
    let [xs, ys] = change.backward();
    let step = 1.0 / side as f32;
    let along = |[a, b, c]: [f32; 3], length: usize| {
        let crop = (length - 2 * margin) as f32;
        // A pixel's centre lies half a pixel from its index, in the output and in the source.
        [a * step * crop, b * step * crop, (0.5 * step * (a + b) + c) * crop + margin as f32 - 0.5]
    };
    [along(xs, picture.width), along(ys, picture.height)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::augment::Augment;
    use crate::picture::write_planes;

    fn noise(width: usize, height: usize) -> Picture {
        let rgb = (0..width * height * 3).map(|i| (i as u32).wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
        Picture { width, height, rgb }
    }

    #[test]
    fn no_change_is_the_crop_itself() {
        let picture = noise(20, 20);
        let (mut plain, mut warped) = (vec![0.0; 1200], vec![0.0; 1200]);
        write_planes(&picture, ChannelOrder::Bgr, &mut plain);
        warp_planes(&picture, 0, &Change::NONE, ChannelOrder::Bgr, 20, &mut warped);
        assert!(plain.iter().zip(&warped).all(|(a, b)| (a - b).abs() < 1e-5));
        let mut inner = vec![0.0; 3 * 144];
        warp_planes(&picture, 4, &Change::NONE, ChannelOrder::Bgr, 12, &mut inner);
        for (at, value) in inner.iter().enumerate() {
            let (plane, y, x) = (at / 144, at / 12 % 12, at % 12);
            assert!((value - plain[plane * 400 + (y + 4) * 20 + x + 4]).abs() < 1e-5, "{plane} {y} {x}");
        }
    }

    #[test]
    fn a_mirror_is_exact() {
        let picture = noise(16, 16);
        let (mut plain, mut warped) = (vec![0.0; 768], vec![0.0; 768]);
        write_planes(&picture, ChannelOrder::Rgb, &mut plain);
        let change = Change { mirror: true, ..Change::NONE };
        warp_planes(&picture, 0, &change, ChannelOrder::Rgb, 16, &mut warped);
        for (row, mirrored) in plain.chunks(16).zip(warped.chunks(16)) {
            assert!(row.iter().zip(mirrored.iter().rev()).all(|(a, b)| (a - b).abs() < 1e-5));
        }
    }

    #[test]
    fn outside_the_picture_its_edge_is_repeated_and_colours_stay_in_range() {
        let picture = Picture { width: 4, height: 4, rgb: vec![200; 48] };
        let change = Change { rotation: 45.0, scale: 0.2, contrast: 2.0, brightness: 0.1, ..Change::NONE };
        let mut out = vec![0.0; 192];
        warp_planes(&picture, 0, &change, ChannelOrder::Rgb, 8, &mut out);
        assert!(out.iter().all(|&value| value == 1.0));
        let dim = Change { contrast: 0.5, brightness: -0.1, ..change };
        warp_planes(&picture, 0, &dim, ChannelOrder::Rgb, 8, &mut out);
        assert!(out.iter().all(|&value| (value - (0.5 * (200.0 / 255.0 - 0.5) + 0.4)).abs() < 1e-5));
    }

    /// A bright dot must land where its landmark does, whatever is drawn, with and without a margin.
    #[test]
    fn pixels_and_landmarks_move_together() {
        for (index, margin) in (0..40).zip([0, 16].into_iter().cycle()) {
            let change = Change { contrast: 1.0, brightness: 0.0, ..Change::draw(&Augment::STRONG, 1, 0, index, true) };
            let size = 112 + 2 * margin;
            let (cx, cy) = (60.0 + margin as f32, 44.0 + margin as f32);
            let rgb = (0..size * size)
                .flat_map(|at| {
                    let (x, y) = ((at % size) as f32 + 0.5 - cx, (at / size) as f32 + 0.5 - cy);
                    [(255.0 * (-(x * x + y * y) / 18.0).exp()) as u8; 3]
                })
                .collect();
            let picture = Picture { width: size, height: size, rgb };
            let mut out = vec![0.0; 3 * 112 * 112];
            warp_planes(&picture, margin, &change, ChannelOrder::Bgr, 112, &mut out);
            let (mut sum, mut x, mut y) = (0.0, 0.0, 0.0);
            for (at, value) in out[..112 * 112].iter().enumerate() {
                sum += value;
                x += value * ((at % 112) as f32 + 0.5);
                y += value * ((at / 112) as f32 + 0.5);
            }
            let expected = change.forward([60.0 / 112.0, 44.0 / 112.0]);
            let found = [x / sum / 112.0, y / sum / 112.0];
            let off = (found[0] - expected[0]).hypot(found[1] - expected[1]) * 112.0;
            assert!(off < 0.05, "{off} px: {change:?}");
        }
    }
}
