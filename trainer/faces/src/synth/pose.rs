//! Head pose, and landmarks in space turned by it.

use super::draws::Draws;
use super::shape::Point3;

/// Distance of the camera from the face's origin in half face widths: mild perspective.
const CAMERA: f32 = 9.0;
/// The crop's side over that of the points' bounding box, as in PFLD's data preparation.
const ROOM: f32 = 1.2;

/// How a head is turned, and where its crop lies. Signs are those of the lists: pitch grows as the face looks down, yaw as
/// it turns to the left of the picture, roll as it leans clockwise.
#[derive(Clone, Copy, Debug)]
pub struct Pose {
    /// Pitch, yaw and roll in degrees.
    pub angles: [f32; 3],
    rotation: [[f32; 3]; 3],
    /// What the crop's side is multiplied by, and how far its centre is moved, in sides.
    loosen: f32,
    move_by: [f32; 2],
    /// The crop's upper left corner and side in the projection's plane.
    corner: [f32; 2],
    side: f32,
}

impl Pose {
    /// Draws a pose and fits the crop about `points`.
    pub fn draw(draws: &mut Draws, points: &[Point3]) -> Self {
        let angles = [draws.bell(6.0), draws.bell(9.0), draws.bell(6.0)];
        let loosen = 1.0 + draws.bell(0.02);
        let move_by = [draws.bell(0.012), draws.bell(0.012)];
        Self::new(angles, loosen, move_by, points)
    }

    fn new(angles: [f32; 3], loosen: f32, move_by: [f32; 2], points: &[Point3]) -> Self {
        let mut pose = Self { angles, rotation: rotation(angles), loosen, move_by, corner: [0.0; 2], side: 1.0 };
        let (mut low, mut high) = ([f32::MAX; 2], [f32::MIN; 2]);
        for &point in points {
            for (axis, value) in pose.project(point).into_iter().enumerate() {
                low[axis] = low[axis].min(value);
                high[axis] = high[axis].max(value);
            }
        }
        pose.side = ROOM * (high[0] - low[0]).max(high[1] - low[1]) * pose.loosen;
        for axis in 0..2 {
            pose.corner[axis] = (low[axis] + high[axis]) / 2.0 + (pose.move_by[axis] - 0.5) * pose.side;
        }
        pose
    }

    /// Where a point of the face lies in the crop, in fractions of its side.
    pub fn place(&self, point: Point3) -> [f32; 2] {
        let [x, y] = self.project(point);
        [(x - self.corner[0]) / self.side, (y - self.corner[1]) / self.side]
    }

    /// Sides of the crop a half face width.
    pub fn unit(&self) -> f32 {
        1.0 / self.side
    }

    fn project(&self, point: Point3) -> [f32; 2] {
        let [x, y, z] = self.rotation.map(|row| row[0] * point[0] + row[1] * point[1] + row[2] * point[2]);
        let scale = CAMERA / (CAMERA - z);
        [x * scale, y * scale]
    }
}

/// Roll · yaw · pitch.
fn rotation([pitch, yaw, roll]: [f32; 3]) -> [[f32; 3]; 3] {
    let [(sp, cp), (sy, cy), (sr, cr)] = [pitch, yaw, roll].map(|angle| angle.to_radians().sin_cos());
    let pitch = [[1.0, 0.0, 0.0], [0.0, cp, sp], [0.0, -sp, cp]];
    let yaw = [[cy, 0.0, -sy], [0.0, 1.0, 0.0], [sy, 0.0, cy]];
    let roll = [[cr, -sr, 0.0], [sr, cr, 0.0], [0.0, 0.0, 1.0]];
    product(roll, product(yaw, pitch))
}

fn product(a: [[f32; 3]; 3], b: [[f32; 3]; 3]) -> [[f32; 3]; 3] {
    a.map(|row| [0, 1, 2].map(|column| (0..3).map(|i| row[i] * b[i][column]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(angles: [f32; 3], point: Point3) -> [f32; 2] {
        Pose::new(angles, 1.0, [0.0; 2], &[[-1.0, -1.0, 0.0], [1.0, 1.0, 0.0]]).project(point)
    }

    #[test]
    fn signs_are_those_of_the_lists() {
        let tip = [0.0, 0.0, 0.5];
        assert!(place([10.0, 0.0, 0.0], tip)[1] > 0.05, "looking down moves the nose down");
        assert!(place([0.0, 10.0, 0.0], tip)[0] < -0.05, "a positive yaw moves the nose to the left");
        let [_, y] = place([0.0, 0.0, 10.0], [1.0, 0.0, 0.0]);
        assert!(y > 0.1, "a positive roll lowers the right of the picture");
    }

    #[test]
    fn the_crop_holds_its_points_with_room() {
        let points = [[-1.0, -0.4, 0.0], [1.0, -0.4, 0.0], [0.0, 1.6, 0.1]];
        let pose = Pose::new([4.0, -12.0, 7.0], 1.0, [0.0; 2], &points);
        let placed: Vec<[f32; 2]> = points.iter().map(|&point| pose.place(point)).collect();
        let (low, high) = (1.0 / 12.0 - 1e-4, 11.0 / 12.0 + 1e-4);
        assert!(placed.iter().flatten().all(|value| (low..high).contains(value)), "{placed:?}");
    }
}
