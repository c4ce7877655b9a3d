//! Random augmentations of one face.

use super::Augment;
use crate::random::{Purpose, stream};
use rand::RngExt;

/// The input size that [`Augment::shift`] is in.
const SHIFT_SIDE: f32 = 112.0;

/// A drawn change: mirror, then rotation and scale about the crop's centre, then shift; contrast and brightness.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Whether left and right are swapped first.
    pub mirror: bool,
    /// Degrees; positive turns the picture clockwise as one sees it.
    pub rotation: f32,
    /// 1 leaves the size.
    pub scale: f32,
    /// Along x and y, as fractions of the crop's side.
    pub shift: [f32; 2],
    /// Factor on the distance from mid-grey.
    pub contrast: f32,
    /// Added to values of 0 to 1.
    pub brightness: f32,
}

impl Change {
    /// Leaves a face as it is.
    pub const NONE: Self = Self { mirror: false, rotation: 0.0, scale: 1.0, shift: [0.0; 2], contrast: 1.0, brightness: 0.0 };

    /// The change of face `index` in `epoch`. `may_mirror` is false for a scheme without a mirror permutation; the other
    /// numbers do not depend on it.
    pub fn draw(augment: &Augment, seed: u64, epoch: u64, index: u64, may_mirror: bool) -> Self {
        let mut rng = stream(Purpose::Augment, seed, epoch, index);
        let mut around = |range: f32| range * (2.0 * rng.random::<f32>() - 1.0);
        let rotation = around(augment.rotation);
        let scale = 1.0 + around(augment.scale);
        let shift = [around(augment.shift) / SHIFT_SIDE, around(augment.shift) / SHIFT_SIDE];
        let contrast = 1.0 + around(augment.contrast);
        let brightness = around(augment.brightness);
        let mirror = around(1.0) < 0.0 && augment.mirror && may_mirror;
        Self { mirror, rotation, scale, shift, contrast, brightness }
    }

    /// Where a point of the crop goes, both in fractions of the side.
    pub fn forward(&self, [x, y]: [f32; 2]) -> [f32; 2] {
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        let (x, y) = (if self.mirror { 0.5 - x } else { x - 0.5 }, y - 0.5);
        [0.5 + self.scale * (cos * x - sin * y) + self.shift[0], 0.5 + self.scale * (sin * x + cos * y) + self.shift[1]]
    }

    /// The inverse of [`Change::forward`] as `[[a, b, c], [d, e, f]]`: x = a·x' + b·y' + c.
    pub fn backward(&self) -> [[f32; 3]; 2] {
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        let (sin, cos) = (sin / self.scale, cos / self.scale);
        let [u, v] = [0.5 + self.shift[0], 0.5 + self.shift[1]];
        let side = if self.mirror { -1.0 } else { 1.0 };
        [[side * cos, side * sin, 0.5 - side * (cos * u + sin * v)], [-sin, cos, 0.5 + sin * u - cos * v]]
    }

    /// Writes the changed landmarks (`[2·N]`) to `out`; `mirror` is the scheme's permutation.
    ///
    /// # Panics
    /// The change mirrors and there is no permutation.
    pub fn landmarks(&self, landmarks: &[f32], mirror: Option<&[usize]>, out: &mut [f32]) {
        for (i, moved) in out.chunks_exact_mut(2).enumerate() {
            let from = match (self.mirror, mirror) {
                (false, _) => i,
                (true, Some(mirror)) => mirror[i],
                (true, None) => panic!("mirroring needs the scheme's permutation"),
            };
            moved.copy_from_slice(&self.forward([landmarks[2 * from], landmarks[2 * from + 1]]));
        }
    }

    /// The changed pitch, yaw and roll in degrees. A mirror turns yaw and roll round; a rotation of the picture adds to
    /// roll, which in the lists grows with the clockwise slope of the eye line.
    pub fn angles(&self, [pitch, yaw, roll]: [f32; 3]) -> [f32; 3] {
        let side = if self.mirror { -1.0 } else { 1.0 };
        [pitch, side * yaw, side * roll + self.rotation]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backward_undoes_forward() {
        for index in 0..50 {
            let change = Change::draw(&Augment::STRONG, 7, 3, index, true);
            let point = [0.3, 0.8];
            let [x, y] = change.forward(point);
            let back = change.backward().map(|[a, b, c]| a * x + b * y + c);
            assert!(back.iter().zip(point).all(|(a, b)| (a - b).abs() < 1e-5), "{change:?}: {back:?}");
        }
    }

    #[test]
    fn a_positive_rotation_turns_clockwise_and_adds_to_roll() {
        let change = Change { rotation: 90.0, ..Change::NONE };
        let [x, y] = change.forward([1.0, 0.5]);
        assert!((x - 0.5).abs() < 1e-6 && (y - 1.0).abs() < 1e-6, "the right goes to the bottom: {x} {y}");
        assert_eq!(change.angles([1.0, 2.0, 3.0]), [1.0, 2.0, 93.0]);
        assert_eq!(Change { mirror: true, ..Change::NONE }.angles([1.0, 2.0, 3.0]), [1.0, -2.0, -3.0]);
    }

    #[test]
    fn draws_stay_in_range_and_depend_on_seed_epoch_and_index() {
        let draw = |seed, epoch, index| Change::draw(&Augment::MILD, seed, epoch, index, true);
        assert_eq!(draw(1, 2, 3), draw(1, 2, 3));
        assert!(draw(1, 2, 3) != draw(1, 2, 4) && draw(1, 2, 3) != draw(1, 3, 3) && draw(1, 2, 3) != draw(2, 2, 3));
        let all: Vec<Change> = (0..2000).map(|index| draw(1, 0, index)).collect();
        let mirrored = all.iter().filter(|change| change.mirror).count();
        assert!((900..1100).contains(&mirrored), "{mirrored}");
        let widest = all.iter().map(|change| change.rotation.abs()).fold(0.0, f32::max);
        assert!((7.9..=8.0).contains(&widest), "{widest}");
        assert!(all.iter().all(|change| (change.scale - 1.0).abs() <= 0.041 && change.shift[0].abs() <= 2.0 / 112.0));
        let plain = Change::draw(&Augment::MILD, 1, 2, 3, false);
        assert_eq!(plain, Change { mirror: false, ..draw(1, 2, 3) });
    }

    #[test]
    fn mirrored_landmarks_are_renamed() {
        let mut out = [0.0; 4];
        Change { mirror: true, ..Change::NONE }.landmarks(&[0.25, 0.5, 0.875, 0.625], Some(&[1, 0]), &mut out);
        assert_eq!(out, [0.125, 0.625, 0.75, 0.5]);
    }
}
