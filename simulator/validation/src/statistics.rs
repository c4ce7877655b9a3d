//! Figures of many errors.

/// What a list of relative errors comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Errors {
    /// How many.
    pub count: usize,
    /// Mean of their absolute values.
    pub mean_absolute: f64,
    /// Their mean.
    pub bias: f64,
    /// Standard error of their mean, were they drawn at random.
    pub standard_error: f64,
    /// Nine in ten are at most so large, in absolute value.
    pub ninety: f64,
    /// The largest in absolute value.
    pub largest: f64,
}

impl Errors {
    /// Of a list of them.
    pub fn of(errors: impl IntoIterator<Item = f64>) -> Self {
        let errors: Vec<f64> = errors.into_iter().collect();
        let count = errors.len();
        if count == 0 {
            return Self::default();
        }
        let mut sizes: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
        sizes.sort_by(f64::total_cmp);
        let bias = errors.iter().sum::<f64>() / count as f64;
        let squares = errors.iter().map(|error| (error - bias).powi(2)).sum::<f64>();
        Self {
            count,
            mean_absolute: sizes.iter().sum::<f64>() / count as f64,
            bias,
            standard_error: (squares / (count as f64 * (count as f64 - 1.0).max(1.0))).sqrt(),
            ninety: sizes[(count * 9).div_ceil(10) - 1],
            largest: sizes[count - 1],
        }
    }
}

/// Kendall's τ-b of pairs: how far one orders them as the other does.
pub fn tau(pairs: &[(f64, f64)]) -> f64 {
    let (mut alike, mut tied) = (0i64, [0i64; 2]);
    let mut all = 0i64;
    for (k, a) in pairs.iter().enumerate() {
        for b in &pairs[k + 1..] {
            let (x, y) = (a.0.total_cmp(&b.0) as i64, a.1.total_cmp(&b.1) as i64);
            alike += x * y;
            tied[0] += i64::from(x == 0);
            tied[1] += i64::from(y == 0);
            all += 1;
        }
    }
    let untied = |k: usize| (all - tied[k]) as f64;
    alike as f64 / (untied(0) * untied(1)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_summed_up() {
        let errors = Errors::of([0.1, -0.3, 0.2]);
        assert_eq!(errors.count, 3);
        assert!((errors.mean_absolute - 0.2).abs() < 1e-12 && errors.bias.abs() < 1e-12);
        assert!((errors.standard_error - (0.14f64 / 6.0).sqrt()).abs() < 1e-12);
        assert_eq!((errors.ninety, errors.largest), (0.3, 0.3));
        assert_eq!(Errors::of([]), Errors::default());
    }

    #[test]
    fn tau_is_one_for_the_same_order_and_less_for_each_swap() {
        assert_eq!(tau(&[(1.0, 2.0), (2.0, 3.0), (3.0, 9.0)]), 1.0);
        assert_eq!(tau(&[(1.0, 9.0), (2.0, 3.0), (3.0, 2.0)]), -1.0);
        assert!((tau(&[(1.0, 2.0), (2.0, 1.0), (3.0, 9.0)]) - 1.0 / 3.0).abs() < 1e-12);
    }
}
