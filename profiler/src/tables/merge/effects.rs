//! Several measurements of one thing made into one, with an interval that does not hide that they contradict each other.
//!
//! The random-effects estimate of R. DerSimonian and N. Laird (Meta-analysis in clinical trials, Controlled Clinical Trials 7, 1986,
//! pp. 177–188): each measurement has its own error, and an effect of its circumstances that is drawn again each time. The variance of
//! these effects is what Cochran's Q has beyond what the errors alone would give; it is 0 where the measurements agree, and the result
//! is then the mean weighted by the inverse squares of the errors.

/// Least error, so that a value stated without any does not weigh infinitely.
const LEAST: f64 = 1e-6;
/// 95 % of a normal distribution lie within so many standard deviations.
pub const BOTH_SIDES: f64 = 1.96;
/// 95 % of it lie below so many.
const ONE_SIDE: f64 = 1.645;

/// A measurement and its standard error.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// What was found.
    pub value: f64,
    /// Its standard error.
    pub error: f64,
}

/// What several measurements give together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Joined {
    /// The weighted mean.
    pub value: f64,
    /// Lower end of its 95 % interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Variance of what the measurements' circumstances did to them; 0 where they agree.
    pub between: f64,
    /// Whether they are further apart than their errors explain (one time in twenty they are by chance). All of them then lie within
    /// the interval.
    pub contradict: bool,
}

/// Joins measurements, at least one.
pub fn join(found: &[Estimate]) -> Joined {
    let weighted = |between: f64| {
        let weights = found.iter().map(|e| 1.0 / (e.error.max(LEAST).powi(2) + between));
        let (sum, sum_of_values, squares) = std::iter::zip(weights, found)
            .fold((0.0, 0.0, 0.0), |(sum, values, squares), (w, e)| (sum + w, values + w * e.value, squares + w * w));
        (sum_of_values / sum, sum, squares)
    };
    let (fixed, sum, squares) = weighted(0.0);
    let q: f64 = found.iter().map(|e| ((e.value - fixed) / e.error.max(LEAST)).powi(2)).sum();
    let freedom = found.len() as f64 - 1.0;
    let between = if freedom > 0.0 { ((q - freedom) / (sum - squares / sum)).max(0.0) } else { 0.0 };
    let (value, sum, _) = weighted(between);
    let half = BOTH_SIDES * sum.powf(-0.5);
    let contradict = freedom > 0.0 && q > chance(freedom);
    let (mut low, mut high) = (value - half, value + half);
    if contradict {
        let (least, most) = ends(found);
        (low, high) = (low.min(least), high.max(most));
    }
    Joined { value, low, high, between, contradict }
}

/// Joins measurements whose errors are the same ones, as those of two fits to the same runs: the result is no surer than the least sure of
/// them.
pub fn join_alike(found: &[Estimate]) -> Joined {
    let joined = join(found);
    let half = BOTH_SIDES * found.iter().map(|e| e.error).fold(0.0, f64::max);
    Joined { low: joined.low.min(joined.value - half), high: joined.high.max(joined.value + half), ..joined }
}

/// Joins measurements of which not all have errors: their plain mean, and what lies between them. They contradict each other where they are
/// further apart than `apart`.
pub fn join_without_errors(values: &[f64], apart: f64) -> Joined {
    // Errors that are all alike.
    let found: Vec<Estimate> = values.iter().map(|&value| Estimate { value, error: 0.0 }).collect();
    let Joined { value, between, .. } = join(&found);
    let (low, high) = ends(&found);
    let contradict = high - low > apart;
    Joined { value, low, high, between: if contradict { between } else { 0.0 }, contradict }
}

/// The least and the largest value.
fn ends(found: &[Estimate]) -> (f64, f64) {
    found.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), e| (low.min(e.value), high.max(e.value)))
}

/// What Q exceeds one time in twenty where nothing but errors is at work: the chi-square distribution's quantile, by the
/// approximation of E. B. Wilson and M. M. Hilferty (1931).
fn chance(freedom: f64) -> f64 {
    let ninth = 2.0 / (9.0 * freedom);
    freedom * (1.0 - ninth + ONE_SIDE * ninth.sqrt()).powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn of(found: &[(f64, f64)]) -> Joined {
        join(&found.iter().map(|&(value, error)| Estimate { value, error }).collect::<Vec<_>>())
    }

    /// A normal number, nearly: the sum of twelve even ones.
    fn normal(random: &mut Random) -> f64 {
        (0..12).map(|_| random.unit()).sum::<f64>() - 6.0
    }

    #[test]
    fn what_agrees_becomes_surer_and_what_contradicts_less_sure() {
        let alike = of(&[(1.0, 0.1), (1.1, 0.1)]);
        assert!((alike.value - 1.05).abs() < 1e-12 && !alike.contradict && alike.between == 0.0, "{alike:?}");
        assert!((alike.high - alike.low - 2.0 * 1.96 * 0.1 / 2f64.sqrt()).abs() < 1e-12, "{alike:?}");
        // The sum of the weights is 200, that of their squares 20,000, Q 50: the variance between is 49 / 100.
        let apart = of(&[(1.0, 0.1), (2.0, 0.1)]);
        assert!((apart.between - 0.49).abs() < 1e-12 && apart.contradict, "{apart:?}");
        assert!((apart.value - 1.5).abs() < 1e-12 && (apart.high - 1.5 - 1.96 * 0.5).abs() < 1e-12, "{apart:?}");
        assert_eq!(of(&[(3.0, 0.5)]), Joined { value: 3.0, low: 3.0 - 0.98, high: 3.0 + 0.98, between: 0.0, contradict: false });
    }

    #[test]
    fn all_that_contradict_lie_within() {
        for found in
            [&[(41.0, 4.0), (124.0, 9.0)][..], &[(1.0, 0.0), (1.1, 0.0)], &[(1.0, 0.1), (1.0, 0.1), (1.1, 0.1), (9.0, 0.1)]]
        {
            let joined = of(found);
            assert!(joined.contradict && found.iter().all(|(v, _)| (joined.low..=joined.high).contains(v)), "{joined:?}");
        }
    }

    #[test]
    fn what_has_no_errors_is_joined_to_its_mean() {
        let apart = join_without_errors(&[1.0, 2.0, 6.0], 0.5);
        // The variance of the three values is 7.
        assert!((apart.value - 3.0).abs() < 1e-9 && (apart.between - 7.0).abs() < 1e-9 && apart.contradict, "{apart:?}");
        assert_eq!((apart.low, apart.high), (1.0, 6.0));
        let near = join_without_errors(&[1.0, 1.4], 0.5);
        assert!((near.value - 1.2).abs() < 1e-9 && near.between == 0.0 && !near.contradict, "{near:?}");
    }

    #[test]
    fn chances_are_those_of_the_table() {
        for (freedom, expected) in [(1.0, 3.841), (2.0, 5.991), (4.0, 9.488), (9.0, 16.919)] {
            assert!((chance(freedom) / expected - 1.0).abs() < 0.03, "{freedom}: {}", chance(freedom));
        }
    }

    /// A thousand times three measurements of 0 with errors of 1 and nothing else.
    #[test]
    fn intervals_hold_the_truth_as_often_as_they_say() {
        let mut random = Random::new(5);
        let (mut held, mut contradict) = (0, 0);
        for _ in 0..1000 {
            let joined = of(&[(); 3].map(|()| (normal(&mut random), 1.0)));
            held += usize::from((joined.low..=joined.high).contains(&0.0));
            contradict += usize::from(joined.contradict);
        }
        assert!((935..=985).contains(&held) && (25..=75).contains(&contradict), "{held}, {contradict}");
    }
}
