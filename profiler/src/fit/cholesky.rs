//! Symmetric positive definite systems.

/// The factor L of A = L·Lᵀ.
pub struct Cholesky(Vec<Vec<f64>>);

impl Cholesky {
    /// Factors a symmetric matrix (its lower half is read); `None` where it is not positive definite.
    pub fn new(mut a: Vec<Vec<f64>>) -> Option<Self> {
        for i in 0..a.len() {
            for j in 0..=i {
                let sum: f64 = (0..j).map(|k| a[i][k] * a[j][k]).sum();
                let rest = a[i][j] - sum;
                if i != j {
                    a[i][j] = rest / a[j][j];
                } else if rest > 0.0 && rest.is_finite() {
                    a[i][i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Self(a))
    }

    /// Solves A·x = b.
    pub fn solve(&self, b: &[f64]) -> Vec<f64> {
        let l = &self.0;
        let mut x = b.to_vec();
        for i in 0..x.len() {
            let sum: f64 = (0..i).map(|k| l[i][k] * x[k]).sum();
            x[i] = (x[i] - sum) / l[i][i];
        }
        for i in (0..x.len()).rev() {
            let sum: f64 = (i + 1..x.len()).map(|k| l[k][i] * x[k]).sum();
            x[i] = (x[i] - sum) / l[i][i];
        }
        x
    }

    /// ln det A.
    pub fn log_determinant(&self) -> f64 {
        self.0.iter().enumerate().map(|(i, row)| 2.0 * row[i].ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_and_refuses() {
        let a = vec![vec![4.0, 2.0, 1.0], vec![2.0, 5.0, 3.0], vec![1.0, 3.0, 6.0]];
        let c = Cholesky::new(a.clone()).unwrap();
        let x = c.solve(&[1.0, -2.0, 3.0]);
        for (row, b) in a.iter().zip([1.0, -2.0, 3.0]) {
            let ax: f64 = std::iter::zip(row, &x).map(|(p, q)| p * q).sum();
            assert!((ax - b).abs() < 1e-12);
        }
        // 4·(30 − 9) − 2·(12 − 3) + 1·(6 − 5)
        assert!((c.log_determinant() - 67f64.ln()).abs() < 1e-12);
        assert!(Cholesky::new(vec![vec![1.0, 2.0], vec![2.0, 1.0]]).is_none());
        assert!(Cholesky::new(vec![vec![f64::NAN]]).is_none());
    }
}
