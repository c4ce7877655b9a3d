//! The loss of the landmarks, and how pose weighs a face.

use candle_core::{D, Result, Tensor};

/// How the distance of landmarks is punished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PointLoss {
    /// Σ (difference)².
    Square,
    /// Wing loss, w 0.02, ε 0.004: logarithmic for small differences, linear for large ones.
    Wing,
}

/// How errors of the head's pose weigh a face.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PoseWeight {
    /// 1 + Σ(1 − cos Δ), angles in radians. The 1 is a floor: Σ(1 − cos) of a few degrees is almost zero, and alone it would starve
    /// the landmarks as soon as the pose network has learnt.
    Floor,
    /// Σ(1 − cos Δ) with degrees fed to the cosine as if they were radians: what the reference does.
    Raw,
    /// No pose network in the loss.
    None,
}

/// Half-width of the wing loss's logarithmic part, as a fraction of the picture's side.
const WING_WIDTH: f64 = 0.02;
/// How sharply that part curves, as a fraction of the picture's side.
const WING_EPSILON: f64 = 0.004;

impl PointLoss {
    /// Loss of each face, `[n]`, from coordinates `[n, 2N]`.
    ///
    /// # Errors
    /// Shapes differ.
    pub fn per_face(self, landmarks: &Tensor, truth: &Tensor) -> Result<Tensor> {
        let difference = (landmarks - truth)?;
        match self {
            Self::Square => difference.sqr()?.sum(D::Minus1),
            Self::Wing => {
                let distance = difference.abs()?;
                let near = ((&distance / WING_EPSILON)? + 1.0)?.log()?.affine(WING_WIDTH, 0.0)?;
                let far = (&distance - (WING_WIDTH - WING_WIDTH * (1.0 + WING_WIDTH / WING_EPSILON).ln()))?;
                distance.lt(WING_WIDTH)?.where_cond(&near, &far)?.sum(D::Minus1)
            }
        }
    }
}

impl PoseWeight {
    /// Weight of each face, `[n]`, from the pose network's angles and the true ones in degrees (`[n, 3]` each). `None` where all are 1.
    ///
    /// The pose network's numbers are radians for [`PoseWeight::Floor`] and degrees for [`PoseWeight::Raw`].
    ///
    /// # Errors
    /// Shapes differ.
    pub fn per_face(self, angles: &Tensor, truth_degrees: &Tensor) -> Result<Option<Tensor>> {
        let (truth, floor) = match self {
            Self::Floor => (truth_degrees.affine(1f64.to_radians(), 0.0)?, 1.0),
            Self::Raw => (truth_degrees.clone(), 0.0),
            Self::None => return Ok(None),
        };
        let off = (angles - truth)?.cos()?.affine(-1.0, 1.0)?.sum(D::Minus1)?;
        Ok(Some((off + floor)?))
    }
}

/// Mean over the faces of (weight · loss).
///
/// # Errors
/// Shapes differ.
pub fn weighted_mean(losses: &Tensor, weights: Option<&Tensor>) -> Result<Tensor> {
    match weights {
        Some(weights) => (losses * weights)?.mean_all(),
        None => losses.mean_all(),
    }
}
