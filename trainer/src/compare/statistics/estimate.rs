//! Means, and values with their 95 % intervals.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean of several trainings.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// Standard deviation (of a sample); none for a single one.
    pub sd: Option<f64>,
}

impl Spread {
    /// Of the values, of which there is at least one.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
        Self { mean, sd: (values.len() > 1).then(|| (squares / (n - 1.0)).sqrt()) }
    }
}

/// A value with its 95 % interval; without one if there are too few networks for it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
}

/// A value with its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Uncertain {
    pub value: f64,
    pub error: f64,
    /// Degrees of freedom of the error.
    pub freedom: f64,
}

impl Uncertain {
    /// Σ weight · value. The values are independent; the degrees of freedom are approximate (Welch and Satterthwaite).
    pub fn sum(terms: &[(f64, Self)]) -> Self {
        let parts = || terms.iter().map(|(weight, of)| ((weight * of.error).powi(2), of.freedom));
        let variance: f64 = parts().map(|(part, _)| part).sum();
        let squares: f64 = parts().map(|(part, freedom)| part.powi(2) / freedom).sum();
        let value = terms.iter().map(|(weight, of)| weight * of.value).sum();
        Self { value, error: variance.sqrt(), freedom: if squares > 0.0 { variance.powi(2) / squares } else { 1e9 } }
    }

    /// With Student's interval.
    pub fn estimate(self) -> Estimate {
        let half = student_975(self.freedom).map(|t| t * self.error);
        Estimate { value: self.value, interval: half.map(|half| [self.value - half, self.value + half]) }
    }
}

/// The 97.5 % quantile of Student's distribution; none without a degree of freedom.
fn student_975(freedom: f64) -> Option<f64> {
    StudentsT::new(0.0, 1.0, freedom).ok().map(|t| t.inverse_cdf(0.975))
}

impl Estimate {
    /// What it says, as a difference of errors, of the searched network.
    pub fn verdict(&self) -> Verdict {
        match self.interval {
            None => Verdict::Unknown,
            Some([_, high]) if high < 0.0 => Verdict::Better,
            Some([low, _]) if low > 0.0 => Verdict::Worse,
            Some(_) => Verdict::WithinSpread,
        }
    }

    /// The value with its sign and its interval, each times `scale`.
    pub fn shown(&self, scale: f64, digits: usize) -> String {
        let value = format!("{:+.digits$}", scale * self.value);
        match self.interval {
            Some([low, high]) => format!("{value} (95 %: {:+.digits$} to {:+.digits$})", scale * low, scale * high),
            None => value,
        }
    }
}

/// Whether the searched network is better than random ones, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is.
    Better,
    /// It is worse.
    Worse,
    /// The difference is within the spread of random networks.
    WithinSpread,
    /// A single random network shows no spread.
    Unknown,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Better => "the searched network is better than random ones",
            Self::Worse => "the searched network is worse than random ones",
            Self::WithinSpread => "the difference is within the spread of random networks",
            Self::Unknown => "one random network does not show their spread",
        })
    }
}
