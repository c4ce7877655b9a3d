//! Landmark errors: NME, failure rate, the cumulative error distribution, the error of each point.

use crate::error::{FacesError, Result};
use crate::points::{Normaliser, PointScheme};

/// The NME from which a face counts as failed, and up to which the area under the cumulative curve is taken.
pub const FAILURE: f64 = 0.10;

/// What a length in pixels means for a scheme with a fixed normaliser.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FixedUnit {
    /// Landmarks are multiplied by the input's side in pixels first.
    Pixels(usize),
    /// Landmarks stay fractions of the side, as in the reference.
    Fraction,
}

/// Adds up the errors of faces.
#[derive(Clone, Debug)]
pub struct Errors {
    normaliser: Normaliser,
    unit: FixedUnit,
    points: usize,
    per_face: Vec<f64>,
    per_point: Vec<f64>,
}

impl Errors {
    /// No face yet.
    pub fn new(scheme: &PointScheme, unit: FixedUnit) -> Self {
        Self { normaliser: scheme.nme, unit, points: scheme.count, per_face: Vec::new(), per_point: vec![0.0; scheme.count] }
    }

    /// Adds the faces of a batch: both slices `[n, 2·N]`, fractions of the side. Returns the batch's NMEs, `[n]`.
    ///
    /// # Errors
    /// The slices do not hold the same whole number of faces, or a face's normalising distance is 0.
    pub fn add(&mut self, predicted: &[f32], truth: &[f32]) -> Result<&[f64]> {
        let row = 2 * self.points;
        if predicted.len() != truth.len() || !predicted.len().is_multiple_of(row) {
            return Err(FacesError::Usage(format!(
                "{} predicted and {} true coordinates are not the same number of faces with {} landmarks",
                predicted.len(),
                truth.len(),
                self.points
            )));
        }
        let before = self.per_face.len();
        for (predicted, truth) in predicted.chunks_exact(row).zip(truth.chunks_exact(row)) {
            let unit = self.length(truth)?;
            let mut sum = 0.0;
            for (total, (p, t)) in self.per_point.iter_mut().zip(predicted.chunks_exact(2).zip(truth.chunks_exact(2))) {
                let error = distance(p, t) / unit;
                *total += error;
                sum += error;
            }
            self.per_face.push(sum / self.points as f64);
        }
        Ok(&self.per_face[before..])
    }

    /// The length that errors are divided by, in fractions of the side.
    fn length(&self, truth: &[f32]) -> Result<f64> {
        let length = match (self.normaliser, self.unit) {
            (Normaliser::Pair(a, b), _) => distance(&truth[2 * a..2 * a + 2], &truth[2 * b..2 * b + 2]),
            (Normaliser::FixedPixels(length), FixedUnit::Pixels(side)) => f64::from(length) / side as f64,
            (Normaliser::FixedPixels(length), FixedUnit::Fraction) => f64::from(length),
        };
        if length > 0.0 {
            return Ok(length);
        }
        Err(FacesError::Usage(format!(
            "face {} of the list has no NME: the two landmarks that normalise the error (nme_pair) are at the same place",
            self.per_face.len()
        )))
    }

    /// NME of each face added, in order, as a fraction.
    pub fn per_face(&self) -> &[f64] {
        &self.per_face
    }

    /// Mean error of each point over the faces, `[N]`, as a fraction of the normaliser; NaN without a face.
    pub fn per_point(&self) -> Vec<f64> {
        self.per_point.iter().map(|total| total / self.per_face.len() as f64).collect()
    }

    /// Mean NME as a fraction; NaN without a face.
    pub fn nme(&self) -> f64 {
        self.per_face.iter().sum::<f64>() / self.per_face.len() as f64
    }

    /// The share of faces whose NME is above `threshold`, or not a number; NaN without a face.
    pub fn failure_rate(&self, threshold: f64) -> f64 {
        self.per_face.iter().filter(|&&nme| nme.is_nan() || nme > threshold).count() as f64 / self.per_face.len() as f64
    }

    /// The cumulative error distribution: (NME, share of faces at or below it) for every face, ascending.
    pub fn cumulative(&self) -> Vec<(f64, f64)> {
        let mut sorted = self.per_face.clone();
        sorted.sort_by(f64::total_cmp);
        let count = sorted.len() as f64;
        (1..).zip(sorted).map(|(rank, nme)| (nme, f64::from(rank) / count)).collect()
    }

    /// Area under the cumulative curve up to `limit`, divided by it: 1 where every face is exact, 0 where every face is
    /// beyond; NaN without a face.
    pub fn auc(&self, limit: f64) -> f64 {
        // Under a step curve each face contributes the stretch from its error to the limit; `max` also drops a NaN.
        let area: f64 = self.per_face.iter().map(|nme| (limit - nme).max(0.0)).sum();
        area / (limit * self.per_face.len() as f64)
    }
}

fn distance(a: &[f32], b: &[f32]) -> f64 {
    (f64::from(a[0]) - f64::from(b[0])).hypot(f64::from(a[1]) - f64::from(b[1]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scheme(nme: Normaliser) -> PointScheme {
        PointScheme { count: 2, nme, mirror: None, groups: Vec::new() }
    }

    /// Two points 0.5 apart; the second is off by `error` of that distance.
    fn errors(each: &[f32]) -> Errors {
        let mut errors = Errors::new(&scheme(Normaliser::Pair(0, 1)), FixedUnit::Fraction);
        for error in each {
            errors.add(&[0.0, 0.0, 0.5, 0.5 * error], &[0.0, 0.0, 0.5, 0.0]).unwrap();
        }
        errors
    }

    #[test]
    fn the_mean_distance_is_divided_by_the_pair() {
        let errors = errors(&[0.0, 0.25, 0.5]);
        assert_eq!(errors.per_face(), [0.0, 0.125, 0.25]);
        assert_eq!((errors.nme(), errors.per_point()), (0.125, vec![0.0, 0.25]));
        assert_eq!(errors.cumulative(), [(0.0, 1.0 / 3.0), (0.125, 2.0 / 3.0), (0.25, 1.0)]);
    }

    #[test]
    fn failure_rate_and_area_against_the_curve() {
        let errors = errors(&[0.0, 0.0625, 0.25, 0.5, f32::NAN]);
        assert_eq!(errors.failure_rate(FAILURE), 0.6);
        // Integrate the step curve by hand: NMEs 0, 0.03125, 0.125, 0.25 and none.
        let expected = (0.2 * 0.03125 + 0.4 * (0.1 - 0.03125)) / 0.1;
        assert!((errors.auc(FAILURE) - expected).abs() < 1e-12);
        assert!(errors.nme().is_nan());
    }

    #[test]
    fn a_fixed_length_is_in_pixels_or_as_the_reference_has_it() {
        let nme = |unit| {
            let mut errors = Errors::new(&scheme(Normaliser::FixedPixels(34.0)), unit);
            errors.add(&[0.0, 0.0, 0.5, 0.25], &[0.0, 0.0, 0.5, 0.0]).unwrap();
            errors.nme()
        };
        assert!((nme(FixedUnit::Pixels(112)) - 0.125 * 112.0 / 34.0).abs() < 1e-6);
        assert!((nme(FixedUnit::Fraction) - 0.125 / 34.0).abs() < 1e-9);
    }

    #[test]
    fn what_has_no_error_is_refused() {
        let mut errors = errors(&[]);
        assert!(errors.add(&[0.0; 4], &[0.0; 8]).is_err());
        assert!(errors.add(&[0.0; 3], &[0.0; 3]).is_err());
        assert!(errors.add(&[0.0; 4], &[0.3; 4]).is_err());
    }
}
