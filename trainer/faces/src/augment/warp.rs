use super::Change;
use crate::picture::{ChannelOrder, Picture};

/// Writes the changed crop to `out` (`[3, side, side]`, 0 to 1), bilinear, in one pass over the picture.
///
/// The crop is `picture` without `margin` pixels on each side; what lies farther out than the picture repeats its edge.
///
/// # Panics
/// `out` has another length, or the margins leave nothing.
pub fn warp_planes(picture: &Picture, margin: usize, change: &Change, order: ChannelOrder, side: usize, out: &mut [f32]) {
    assert_eq!(out.len(), 3 * side * side, "three planes of the output's size");
    assert!(picture.width.min(picture.height) > 2 * margin, "the margins leave nothing of the picture");
    let [xs, ys] = sampling(picture, margin, change, side);
    // contrast · (v/255 − 0.5) + 0.5 + brightness as gain · v + offset.
    let gain = change.contrast / 255.0;
    let offset = 0.5 + change.brightness - 0.5 * change.contrast;
    let [first, second, third] = order.places();
    let (plane_a, rest) = out.split_at_mut(side * side);
    let (plane_b, plane_c) = rest.split_at_mut(side * side);
    let rows = plane_a.chunks_exact_mut(side).zip(plane_b.chunks_exact_mut(side)).zip(plane_c.chunks_exact_mut(side));
    let (right, bottom) = ((picture.width - 1) as f32, (picture.height - 1) as f32);
    let (pixels, _) = picture.rgb.as_chunks::<3>();
    let stride = picture.width;
    for (row, ((a, b), c)) in rows.enumerate() {
        for column in 0..side {
            let (i, j) = (column as f32, row as f32);
            let x = (xs[0] * i + xs[1] * j + xs[2]).clamp(0.0, right);
            let y = (ys[0] * i + ys[1] * j + ys[2]).clamp(0.0, bottom);
            let (x0, y0) = (x as usize, y as usize);
            let (fx, fy) = (x - x0 as f32, y - y0 as f32);
            // On the last column or row the weight of the next one is 0, so the same pixel stands in for it.
            let (dx, dy) = (if x < right { 1 } else { 0 }, if y < bottom { stride } else { 0 });
            let at = y0 * stride + x0;
            let (p00, p01, p10, p11) = (pixels[at], pixels[at + dx], pixels[at + dy], pixels[at + dx + dy]);
            let (w01, w10, w11) = (fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy);
            let w00 = 1.0 - w01 - w10 - w11;
            let value = |place: usize| {
                let mix = w00 * f32::from(p00[place])
                    + w01 * f32::from(p01[place])
                    + w10 * f32::from(p10[place])
                    + w11 * f32::from(p11[place]);
                (gain * mix + offset).clamp(0.0, 1.0)
            };
            (a[column], b[column], c[column]) = (value(first), value(second), value(third));
        }
    }
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
