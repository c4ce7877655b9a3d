//! Draws a face from the curves that its points lie on.

use super::brush::{Brush, Point2};
use super::look::{Colour, Hair, Look, mix, shade};
use super::pose::Pose;
use super::shape::{Point3, Shape};
use tiny_skia::{Mask, Path};

const BLACK: Colour = [0.0; 3];
const WHITE: Colour = [1.0; 3];

/// The outline from the left temple over the chin to the right one.
const OUTLINE: [usize; 33] =
    [1, 9, 10, 11, 12, 13, 14, 15, 16, 2, 3, 4, 5, 6, 7, 8, 0, 24, 23, 22, 21, 20, 19, 18, 32, 31, 30, 29, 28, 27, 26, 25, 17];

/// The points of one side's features, left or right in the picture.
struct SidePoints {
    /// −1 left, 1 right.
    sign: f32,
    eye: [usize; 8],
    upper_lid: [usize; 5],
    iris: usize,
    brow: [usize; 9],
    nostril: [usize; 3],
    wing: [usize; 5],
}

const LEFT: SidePoints = SidePoints {
    sign: -1.0,
    eye: [35, 41, 40, 42, 39, 37, 33, 36],
    upper_lid: [35, 41, 40, 42, 39],
    iris: 38,
    brow: [43, 48, 49, 51, 50, 46, 47, 45, 44],
    nostril: [78, 79, 80],
    wing: [75, 76, 77, 78, 79],
};
const RIGHT: SidePoints = SidePoints {
    sign: 1.0,
    eye: [93, 96, 94, 95, 89, 90, 87, 91],
    upper_lid: [93, 96, 94, 95, 89],
    iris: 92,
    brow: [101, 105, 104, 103, 102, 97, 98, 99, 100],
    nostril: [84, 85, 80],
    wing: [81, 82, 83, 84, 85],
};

/// What drawing a face needs.
struct Painter<'a> {
    brush: &'a mut Brush,
    shape: &'a Shape,
    pose: &'a Pose,
    look: &'a Look,
    points: [Point2; 106],
    /// A half face width in sides of the crop.
    unit: f32,
}

/// Draws background and face on `brush`.
pub fn paint(brush: &mut Brush, shape: &Shape, pose: &Pose, look: &Look) {
    let points = shape.points().map(|point| pose.place(point));
    let mut painter = Painter { brush, shape, pose, look, points, unit: pose.unit() };
    painter.backdrop();
    painter.behind_face();
    let Some(face) = painter.face() else { return };
    painter.relief(&face);
    for side in [&LEFT, &RIGHT] {
        painter.eye(side, &face);
        painter.brow(side);
    }
    painter.nose(&face);
    painter.stubble(&face);
    painter.mouth();
    painter.hair();
    painter.glasses();
}

impl Painter<'_> {
    fn place(&self, points: &[Point3]) -> Vec<Point2> {
        points.iter().map(|&point| self.pose.place(point)).collect()
    }

    fn curve3(&self, points: &[Point3], closed: bool) -> Option<Path> {
        self.brush.curve(&self.place(points), closed)
    }

    fn curve(&self, indices: &[usize], closed: bool) -> Option<Path> {
        let points: Vec<Point2> = indices.iter().map(|&i| self.points[i]).collect();
        self.brush.curve(&points, closed)
    }

    fn backdrop(&mut self) {
        let whole = [[-0.5, -0.5], [1.5, -0.5], [1.5, 1.5], [-0.5, 1.5]];
        let [first, second] = self.look.backdrop;
        self.brush.fill(self.brush.curve(&whole, true), first, 1.0, None);
        self.brush.spot([0.9, 0.95], 1.6, second, 1.0, None);
        for &(centre, radius, colour) in &self.look.blobs {
            self.brush.spot(centre, radius, colour, 0.8, None);
        }
    }

    /// Hair that falls behind, neck, shoulders, ears.
    fn behind_face(&mut self) {
        let chin = self.shape.chin();
        let Look { skin, hair_colour, cloth, .. } = *self.look;
        if self.look.hair == Hair::Long {
            let sides = [
                [-0.6, -1.35, -0.4],
                [0.6, -1.35, -0.4],
                [1.22, -0.5, -0.5],
                [1.3, 0.8, -0.6],
                [1.35, 2.3, -0.6],
                [-1.35, 2.3, -0.6],
                [-1.3, 0.8, -0.6],
                [-1.22, -0.5, -0.5],
            ];
            self.brush.fill(self.curve3(&sides, true), shade(hair_colour, 0.75), 1.0, None);
        }
        let neck = [
            [-0.62, 0.9, -0.5],
            [-0.58, chin + 0.2, -0.5],
            [-0.75, chin + 1.2, -0.5],
            [0.75, chin + 1.2, -0.5],
            [0.58, chin + 0.2, -0.5],
            [0.62, 0.9, -0.5],
        ];
        self.brush.fill(self.curve3(&neck, true), shade(skin, 0.72), 1.0, None);
        let shoulders = [
            [-2.6, chin + 1.0, -0.6],
            [-1.0, chin + 0.42, -0.5],
            [-0.4, chin + 0.62, -0.3],
            [0.4, chin + 0.62, -0.3],
            [1.0, chin + 0.42, -0.5],
            [2.6, chin + 1.0, -0.6],
            [2.6, chin + 3.0, -0.6],
            [-2.6, chin + 3.0, -0.6],
        ];
        self.brush.fill(self.curve3(&shoulders, true), cloth, 1.0, None);
        if self.look.hair != Hair::Long {
            for side in [-1.0, 1.0] {
                let ear = [[1.0, -0.12], [1.1, -0.17], [1.16, 0.0], [1.12, 0.25], [1.04, 0.45], [0.96, 0.4]]
                    .map(|[x, y]| [side * x, y, -0.55]);
                self.brush.fill(self.curve3(&ear, true), shade(skin, 0.86), 1.0, None);
                let fold = [[1.04, -0.06], [1.09, 0.0], [1.06, 0.24]].map(|[x, y]| [side * x, y, -0.54]);
                self.brush.line(self.curve3(&fold, false), 0.03 * self.unit, shade(skin, 0.6), 0.6, None);
            }
        }
    }

    /// The face's skin: the outline, closed by the skull. Returns what lies within.
    fn face(&mut self) -> Option<Mask> {
        let mut curve: Vec<Point2> = OUTLINE.iter().map(|&i| self.points[i]).collect();
        let skull = [
            [0.99, -0.45, -0.4],
            [0.86, -0.85, -0.3],
            [0.5, -1.17, -0.2],
            [0.0, -1.28, -0.15],
            [-0.5, -1.17, -0.2],
            [-0.86, -0.85, -0.3],
            [-0.99, -0.45, -0.4],
        ];
        curve.extend(self.place(&skull));
        let path = self.brush.curve(&curve, true)?;
        let face = self.brush.inside(&path)?;
        // The chin's shadow on the neck, then the skin, then a thin edge that tells the face from what is behind it.
        let chin = self.pose.place([0.0, self.shape.chin() + 0.05, -0.1]);
        self.brush.spot(chin, 0.75 * self.unit, shade(self.look.skin, 0.2), 0.6, None);
        self.brush.fill(Some(path), self.look.skin, 1.0, None);
        let edge = self.curve(&OUTLINE, false);
        self.brush.line(edge, 0.02 * self.unit, shade(self.look.skin, 0.4), 0.4, None);
        Some(face)
    }

    fn spot(&mut self, at: Point3, radius: f32, colour: Colour, opacity: f32, face: &Mask) {
        self.brush.spot(self.pose.place(at), radius * self.unit, colour, opacity, Some(face));
    }

    /// Soft light and shadow of a face's form, and the light's direction.
    fn relief(&mut self, face: &Mask) {
        let Look { skin, light: [lx, ly], relief, blush, .. } = *self.look;
        let (dark, bright) = (shade(skin, 0.35), mix(skin, WHITE, 0.6));
        let chin = self.shape.chin();
        // The head turns away from the viewer towards its outline.
        for side in [-1.0, 1.0] {
            for (x, y, radius) in [(1.1, -0.2, 0.55), (1.08, 0.5, 0.6), (0.85, 1.25, 0.6)] {
                self.spot([side * x, y, -0.4], radius, dark, 0.35 * relief, face);
            }
            self.spot([side * 0.55, 0.5, 0.2], 0.4, bright, 0.16 * relief, face);
            self.spot([side * 0.58, 0.55, 0.2], 0.42, [0.85, 0.3, 0.28], blush, face);
            self.spot([side * 0.44, -0.06, 0.2], 0.36, dark, 0.3 * relief, face);
        }
        self.spot([0.0, chin + 0.1, 0.1], 0.55, dark, 0.3 * relief, face);
        self.spot([0.0, chin - 0.18, 0.25], 0.24, bright, 0.14 * relief, face);
        self.spot([0.0, -0.6, 0.3], 0.6, bright, 0.2 * relief, face);
        let strength = lx.hypot(ly);
        if strength > 0.0 {
            let (dx, dy) = (lx / strength, ly / strength);
            self.spot([1.1 * dx, 0.4 + 1.2 * dy, 0.0], 1.7, WHITE, 0.5 * strength, face);
            self.spot([-1.1 * dx, 0.4 - 1.2 * dy, 0.0], 1.9, BLACK, 1.5 * strength, face);
        }
    }

    fn eye(&mut self, side: &SidePoints, face: &Mask) {
        let Look { skin, iris, hair_colour, .. } = *self.look;
        let lash = shade(mix(hair_colour, BLACK, 0.6), 0.6);
        let height = |i: usize| self.points[i];
        let (inner, outer) = (height(side.eye[4]), height(side.eye[0]));
        let width = (inner[0] - outer[0]).hypot(inner[1] - outer[1]);
        let Some(path) = self.curve(&side.eye, true) else { return };
        let Some(inside) = self.brush.inside(&path) else { return };
        self.brush.fill(Some(path.clone()), [0.93, 0.91, 0.89], 1.0, None);
        let centre = self.points[side.iris];
        let radius = 0.22 * width;
        let rim = self.brush.circle(centre, radius);
        self.brush.fill(rim, shade(iris, 0.55), 1.0, Some(&inside));
        self.brush.fill(self.brush.circle(centre, 0.82 * radius), iris, 1.0, Some(&inside));
        self.brush.fill(self.brush.circle(centre, 0.42 * radius), [0.02; 3], 1.0, Some(&inside));
        let [lx, ly] = self.look.light;
        let glint = [centre[0] + (0.3 * lx.signum()) * radius, centre[1] + (0.15 * ly - 0.35) * radius];
        self.brush.fill(self.brush.circle(glint, 0.2 * radius), WHITE, 0.9, Some(&inside));
        // The lid's shadow on the eyeball, the lashes, the lower lid and the fold above.
        self.brush.line(self.curve(&side.upper_lid, false), 0.12 * width, BLACK, 0.28, Some(&inside));
        self.brush.line(self.curve(&side.upper_lid, false), 0.055 * width, lash, 0.95, None);
        let lower = [side.eye[0], side.eye[7], side.eye[6], side.eye[5], side.eye[4]];
        self.brush.line(self.curve(&lower, false), 0.025 * width, shade(skin, 0.45), 0.75, None);
        let fold: Vec<Point2> =
            side.upper_lid[..4].iter().map(|&i| [self.points[i][0], self.points[i][1] - 0.13 * width]).collect();
        self.brush.line(self.brush.curve(&fold, false), 0.025 * width, shade(skin, 0.5), 0.55, Some(face));
    }

    fn brow(&mut self, side: &SidePoints) {
        let (colour, opacity) = (self.look.brow_colour, self.look.brow_opacity);
        self.brush.fill(self.curve(&side.brow, true), colour, opacity, None);
    }

    fn nose(&mut self, face: &Mask) {
        let Look { skin, light: [lx, _], relief, .. } = *self.look;
        let (dark, bright) = (shade(skin, 0.42), mix(skin, WHITE, 0.7));
        let unit = self.unit;
        for side in [&LEFT, &RIGHT] {
            // The flank away from the light is darker.
            let lit = lx * side.sign;
            let flank: Vec<usize> = [72, 73, 74, 86].into_iter().chain([side.wing[2], side.wing[1], side.wing[0]]).collect();
            self.brush.fill(self.curve(&flank, true), dark, (0.13 - 0.35 * lit).clamp(0.03, 0.3) * relief, Some(face));
            self.brush.line(self.curve(&side.wing[..3], false), 0.04 * unit, dark, 0.16, Some(face));
            self.brush.line(self.curve(&side.wing[1..], false), 0.035 * unit, dark, 0.45, Some(face));
            let bottom = self.curve(&[side.wing[3], side.wing[4], 80], false);
            self.brush.line(bottom, 0.03 * unit, dark, 0.65, Some(face));
            let [a, b, _] = side.nostril.map(|i| self.points[i]);
            let hole = [(a[0] + b[0]) / 2.0, (a[1] + b[1]) / 2.0 - 0.03 * unit];
            self.brush.spot(hole, 0.075 * unit, shade(skin, 0.12), 1.0, Some(face));
        }
        self.brush.line(self.curve(&[72, 73, 74, 86], false), 0.1 * unit, bright, 0.11, Some(face));
        let tip = self.points[86];
        self.brush.spot(tip, 0.15 * unit, bright, 0.55, Some(face));
    }

    fn stubble(&mut self, face: &Mask) {
        let Look { hair_colour, beard, moustache, .. } = *self.look;
        if beard > 0.0 {
            let outer: Vec<usize> = OUTLINE[5..28].to_vec();
            let mut curve: Vec<Point2> = outer.iter().map(|&i| self.points[i]).collect();
            let inner =
                [[0.72, 0.7, 0.1], [0.5, 0.85, 0.25], [0.3, 1.25, 0.3], [-0.3, 1.25, 0.3], [-0.5, 0.85, 0.25], [-0.72, 0.7, 0.1]];
            curve.extend(self.place(&inner));
            self.brush.fill(self.brush.curve(&curve, true), hair_colour, beard, Some(face));
        }
        if moustache > 0.0 {
            let upper: Vec<usize> = vec![52, 64, 63, 71, 67, 68, 61];
            let mut curve: Vec<Point2> = upper.iter().map(|&i| self.points[i]).collect();
            curve.extend([84, 80, 78].map(|i| [self.points[i][0], self.points[i][1] + 0.05 * self.unit]));
            self.brush.fill(self.brush.curve(&curve, true), hair_colour, moustache, Some(face));
        }
    }

    fn mouth(&mut self) {
        let lips = self.look.lips;
        let outer = [52, 64, 63, 71, 67, 68, 61, 58, 59, 53, 56, 55];
        let inner = [65, 66, 62, 70, 69, 57, 60, 54];
        self.brush.fill(self.curve(&outer, true), lips, 1.0, None);
        let upper = [52, 64, 63, 71, 67, 68, 61, 69, 70, 62, 66, 65];
        self.brush.fill(self.curve(&upper, true), shade(lips, 0.72), 0.55, None);
        let unit = self.unit;
        let [x, y] = self.points[53];
        let [_, open] = self.points[60];
        self.brush.spot([x, 0.55 * y + 0.45 * open], 0.13 * unit, WHITE, 0.28, None);
        let Some(path) = self.curve(&inner, true) else { return };
        let Some(inside) = self.brush.inside(&path) else { return };
        self.brush.fill(Some(path.clone()), [0.22, 0.05, 0.06], 1.0, None);
        let teeth: Vec<Point2> = [65, 66, 62, 70, 69].map(|i| self.points[i]).to_vec();
        self.brush.line(self.brush.curve(&teeth, false), 0.17 * unit, [0.93, 0.91, 0.86], 1.0, Some(&inside));
        self.brush.line(Some(path), 0.022 * unit, shade(lips, 0.35), 0.8, None);
        for corner in [52, 61] {
            self.brush.spot(self.points[corner], 0.06 * unit, shade(self.look.skin, 0.3), 0.7, None);
        }
    }

    fn hair(&mut self) {
        let Look { hair_colour, hair, hairline, parting, .. } = *self.look;
        if hair == Hair::Bald {
            return;
        }
        let line = -0.38 - hairline;
        let side = if hair == Hair::Long { 0.5 } else { -0.1 };
        // Over the skull from the left side to the right, back along the hairline.
        let cap = [
            [-1.06, side, -0.5],
            [-1.13, -0.45, -0.5],
            [-1.02, -1.0, -0.4],
            [-0.58, -1.42, -0.3],
            [0.0, -1.56, -0.25],
            [0.58, -1.42, -0.3],
            [1.02, -1.0, -0.4],
            [1.13, -0.45, -0.5],
            [1.06, side, -0.5],
            [0.97, -0.3, -0.3],
            [0.8, line + 0.22, -0.1],
            [0.45, line + 0.05 - 0.1 * parting, 0.1],
            [parting * 0.5, line - 0.08, 0.15],
            [-0.45, line + 0.05 + 0.1 * parting, 0.1],
            [-0.8, line + 0.22, -0.1],
            [-0.97, -0.3, -0.3],
        ];
        let Some(path) = self.curve3(&cap, true) else { return };
        let Some(inside) = self.brush.inside(&path) else { return };
        self.brush.fill(Some(path), hair_colour, 1.0, None);
        for strand in 0..9u8 {
            let x = -0.9 + 0.225 * f32::from(strand);
            let curve = [[0.4 * x + 0.3 * parting, -1.5, -0.2], [0.85 * x, -1.1, -0.1], [1.1 * x, -0.4, -0.2]];
            let glow = mix(hair_colour, WHITE, 0.25);
            self.brush.line(self.curve3(&curve, false), 0.035 * self.unit, glow, 0.35, Some(&inside));
        }
        self.spot([0.3 + self.look.light[0], -1.3, 0.0], 0.6, WHITE, 0.14, &inside);
    }

    fn glasses(&mut self) {
        let Some(colour) = self.look.glasses else { return };
        let width = 0.035 * self.unit;
        for side in [-1.0, 1.0] {
            let rim =
                [[0.12, 0.02], [0.16, -0.2], [0.45, -0.25], [0.76, -0.2], [0.8, 0.02], [0.7, 0.25], [0.45, 0.32], [0.2, 0.24]]
                    .map(|[x, y]| [side * x, y, 0.42 - 0.3 * x * x]);
            let path = self.curve3(&rim, true);
            self.brush.fill(path.clone(), WHITE, 0.08, None);
            self.brush.line(path, width, colour, 0.95, None);
            let arm = [[0.8, -0.08, 0.2], [1.02, -0.1, -0.5]].map(|[x, y, z]| [side * x, y, z]);
            self.brush.line(self.curve3(&arm, false), width, colour, 0.95, None);
        }
        let bridge = [[-0.12, -0.03, 0.42], [0.0, -0.08, 0.52], [0.12, -0.03, 0.42]];
        self.brush.line(self.curve3(&bridge, false), width, colour, 0.95, None);
    }
}
