//! A face's form: its 106 points in space, in half face widths. x goes right and y down in the picture, z to the viewer;
//! the origin lies between the eyes.

use super::draws::Draws;
use crate::points::builtin;
use std::f32::consts::FRAC_PI_2;

/// A point in space.
pub type Point3 = [f32; 3];

/// From the left temple down to the chin.
const OUTLINE: [usize; 17] = [1, 9, 10, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6, 7, 8, 0];
/// Below the temple's level the outline is a quarter of an ellipse; it starts this far above, in radians.
const TEMPLE: f32 = -0.094;

/// What differs between the two sides of a face.
#[derive(Clone, Copy, Debug)]
struct Side {
    /// How far the eye is open; 1 is usual.
    open: f32,
    /// How far the brow is raised.
    raise: f32,
    /// How much the mouth's corner is drawn out and up.
    smile: f32,
}

/// The numbers that make a face's form.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    chin: f32,
    /// Exponent of the jaw's curve: below 1 is square, above 1 pointed.
    jaw: f32,
    eye_gap: f32,
    eye_width: f32,
    eye_height: f32,
    eye_tilt: f32,
    gaze: [f32; 2],
    brow_height: f32,
    brow_thickness: f32,
    brow_arch: f32,
    nose_length: f32,
    nose_width: f32,
    nose_out: f32,
    mouth_y: f32,
    mouth_width: f32,
    upper_lip: f32,
    lower_lip: f32,
    mouth_open: f32,
    left: Side,
    right: Side,
}

impl Shape {
    /// Draws a face's form.
    pub fn draw(draws: &mut Draws) -> Self {
        let open = if draws.chance(0.06) { draws.even(0.15, 0.5) } else { 1.0 + draws.bell(0.17) };
        let raise = draws.bell(0.035);
        let smile = if draws.chance(0.5) { draws.even(0.0, 1.0) } else { draws.even(-0.35, 0.2) };
        let mut side = || Side {
            open: (open + draws.bell(0.06)).max(0.12),
            raise: raise + draws.bell(0.014),
            smile: smile + draws.bell(0.08),
        };
        let (left, right) = (side(), side());
        Self {
            chin: 1.62 + draws.bell(0.09),
            jaw: 0.95 + draws.bell(0.07),
            eye_gap: 0.265 + draws.bell(0.022),
            eye_width: 0.385 + draws.bell(0.022),
            eye_height: 0.155 + draws.bell(0.017),
            eye_tilt: draws.bell(0.03),
            gaze: [draws.bell(0.03), draws.bell(0.009)],
            brow_height: draws.bell(0.03),
            brow_thickness: 0.095 + draws.bell(0.016),
            brow_arch: 0.07 + draws.bell(0.022),
            nose_length: 0.68 + draws.bell(0.045),
            nose_width: 0.275 + draws.bell(0.026),
            nose_out: 0.36 + draws.bell(0.045),
            mouth_y: 0.96 + draws.bell(0.035),
            mouth_width: 0.385 + draws.bell(0.028),
            upper_lip: 0.08 + draws.bell(0.013),
            lower_lip: 0.13 + draws.bell(0.018),
            mouth_open: if draws.chance(0.35) { draws.even(0.02, 0.3) } else { 0.012 },
            left,
            right,
        }
    }

    /// Height of the face's surface at (x, y), without nose, lips and eyes.
    pub fn surface(x: f32, y: f32) -> f32 {
        0.42 - 0.55 * x * x - 0.12 * (y - 0.4) * (y - 0.4)
    }

    /// y of the chin's point.
    pub fn chin(&self) -> f32 {
        self.chin + 0.6 * self.mouth_open
    }

    /// A point of the outline at `angle`, from [`TEMPLE`] to a right angle at the chin; left side.
    fn outline(&self, angle: f32) -> Point3 {
        let (sin, cos) = angle.sin_cos();
        let depth = if sin > 0.0 { 0.24 * sin * sin } else { 0.0 };
        [-cos.max(0.0).powf(self.jaw), self.chin() * sin, depth - 0.5 * cos * cos]
    }

    /// The 106 points.
    ///
    /// # Panics
    /// Never: the built-in scheme of 106 points has a mirror permutation.
    pub fn points(&self) -> [Point3; 106] {
        let mirror = builtin(106).and_then(|scheme| scheme.mirror).expect("106 points are built in with their mirror");
        let (left, right) = (self.half(self.left), self.half(self.right));
        let mut points = [[0.0; 3]; 106];
        for (i, point) in left {
            points[i] = point;
        }
        for (i, [x, y, z]) in right {
            let twin = mirror[i];
            // A middle point is its own twin: the sides meet half-way.
            points[twin] = if twin == i { [0.0, (points[i][1] + y) / 2.0, (points[i][2] + z) / 2.0] } else { [-x, y, z] };
        }
        // Both eyes look the same way, so gaze is not mirrored.
        for eye in [38, 92] {
            points[eye][0] += self.gaze[0];
            points[eye][1] += self.gaze[1];
        }
        points
    }

    /// The left half's points and those in the middle.
    fn half(&self, side: Side) -> Vec<(usize, Point3)> {
        let mut points: Vec<(usize, Point3)> = Vec::with_capacity(58);
        for (step, &i) in (0u8..).zip(&OUTLINE) {
            points.push((i, self.outline(TEMPLE + (FRAC_PI_2 - TEMPLE) * f32::from(step) / 16.0)));
        }
        self.eye(side, &mut points);
        self.brow(side, &mut points);
        self.nose(&mut points);
        self.mouth(side, &mut points);
        points
    }

    fn eye(&self, side: Side, points: &mut Vec<(usize, Point3)>) {
        let (inner, outer) = (-self.eye_gap, -self.eye_gap - self.eye_width);
        // From the outer corner (t = 0) to the inner one, `rise` of the eye's height above the line between them.
        let at = |t: f32, rise: f32| {
            let (x, y) = (outer + t * (inner - outer), (t - 0.5) * self.eye_tilt - rise * self.eye_height);
            [x, y, Self::surface(x, y) - 0.05]
        };
        let upper = side.open;
        let lower = -(0.2 + 0.15 * side.open);
        for (i, t, rise) in [
            (35, 0.0, 0.0),
            (41, 0.24, 0.5 * upper),
            (40, 0.52, 0.66 * upper),
            (42, 0.79, 0.46 * upper),
            (39, 1.0, 0.0),
            (37, 0.75, 0.72 * lower),
            (33, 0.48, lower),
            (36, 0.2, 0.68 * lower),
        ] {
            points.push((i, at(t, rise)));
        }
        let middle = (0.66 * upper + lower) / 2.0;
        points.push((34, at(0.5, middle)));
        points.push((38, at(0.5, 0.33 * side.open + 0.02)));
    }

    fn brow(&self, side: Side, points: &mut Vec<(usize, Point3)>) {
        let base = -0.255 + self.brow_height - side.raise;
        // `t` from the outer to the inner end; the brow is thickest at its inner third.
        let at = |t: f32, edge: f32| {
            let arch = self.brow_arch * (1.0 - (2.0 * t - 0.85).powi(2));
            let thickness = self.brow_thickness * (0.35 + 0.9 * t - 0.35 * t * t);
            let (x, y) = (-0.83 + 0.61 * t, base - arch - edge * thickness);
            [x, y, Self::surface(x, y) + 0.03]
        };
        for (i, t, edge) in [
            (43, 0.0, 0.3),
            (48, 0.2, 0.9),
            (49, 0.48, 1.0),
            (51, 0.77, 1.0),
            (50, 1.0, 0.9),
            (46, 0.98, 0.0),
            (47, 0.73, 0.0),
            (45, 0.47, 0.0),
            (44, 0.24, 0.1),
        ] {
            points.push((i, at(t, edge)));
        }
    }

    fn nose(&self, points: &mut Vec<(usize, Point3)>) {
        let (length, width, out) = (self.nose_length, self.nose_width, self.nose_out);
        for (i, x, y, rise) in [
            (72, 0.0, -0.07, 0.28),
            (73, 0.0, 0.2, 0.5),
            (74, 0.0, 0.46, 0.76),
            (86, 0.0, 0.74, 1.0),
            (75, -0.48, 0.02, 0.08),
            (76, -0.76, 0.6, 0.2),
            (77, -1.0, 0.83, 0.16),
            (78, -0.75, 0.92, 0.28),
            (79, -0.38, 0.96, 0.42),
            (80, 0.0, 1.0, 0.5),
        ] {
            let (x, y): (f32, f32) = (x * width, y * length);
            points.push((i, [x, y, Self::surface(x, y) + rise * out]));
        }
    }

    fn mouth(&self, side: Side, points: &mut Vec<(usize, Point3)>) {
        let corner = self.mouth_width + 0.06 * side.smile;
        let lift = -0.045 * side.smile;
        let y = self.mouth_y;
        let (upper, open, lower) = (self.upper_lip, self.mouth_open, self.lower_lip);
        // x in half mouth widths; `low` is how far below the closed mouth's line; corners carry the smile's lift.
        let mut add = |i: usize, x: f32, low: f32, rise: f32| {
            let (x, y): (f32, f32) = (x * corner, y + low + lift * x * x);
            points.push((i, [x, y, Self::surface(x, y) + rise]));
        };
        add(52, -1.0, 0.0, 0.0);
        add(64, -0.63, -0.62 * upper, 0.05);
        add(63, -0.25, -upper, 0.09);
        add(71, 0.0, -0.78 * upper, 0.1);
        add(55, -0.76, 0.6 * (lower + open), 0.03);
        add(56, -0.42, 0.93 * (lower + open), 0.06);
        add(53, 0.0, lower + open, 0.08);
        add(65, -0.86, 0.01, 0.01);
        add(66, -0.5, 0.0, 0.06);
        add(62, 0.0, 0.01, 0.08);
        add(54, -0.5, 0.012 + 0.8 * open, 0.06);
        add(60, 0.0, 0.02 + open, 0.08);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synth::draws::Draws;

    #[test]
    fn every_point_is_placed_and_features_keep_their_order() {
        for index in 0..300 {
            let points = Shape::draw(&mut Draws::new(1, 0, index)).points();
            let y = |i: usize| points[i][1];
            let x = |i: usize| points[i][0];
            assert!(points.iter().filter(|point| **point == [0.0; 3]).count() == 0, "face {index}");
            for (above, below) in [(49, 45), (45, 40), (40, 33), (33, 80), (80, 71), (71, 62), (62, 60), (60, 53), (53, 0)] {
                assert!(y(above) < y(below), "face {index}: {above} above {below}");
            }
            for (left, right) in [(1, 43), (43, 35), (35, 39), (39, 75), (75, 72), (72, 81), (89, 93), (93, 105), (52, 61)] {
                if (left, right) != (43, 35) && (left, right) != (93, 105) {
                    assert!(x(left) < x(right), "face {index}: {left} left of {right}");
                }
            }
        }
    }
}
