//! The methods by which a search chooses its network.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::candidate::Candidate;

/// How a search chooses its network among the most probable ones that meet its limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "lowercase", deny_unknown_fields)]
pub enum Choose {
    /// The most probable one.
    #[default]
    Probable,
    /// The one with the lowest validation error, with the supernet's weights and running statistics of its own. Nothing is trained.
    Recalibrated {
        /// How many of the most probable networks are compared.
        candidates: usize,
    },
    /// The best of these by that error are trained, the better half of them is trained further, and so on, until one is left (successive
    /// halving: Jamieson and Talwalkar, AISTATS 2016).
    Halving {
        /// How many of the most probable networks are compared.
        candidates: usize,
        /// How many of them are trained.
        finalists: usize,
        /// Epochs of each round.
        epochs: usize,
    },
}

/// What a method asks about a network, which is given as an index a layer. Errors are validation errors, per cent: never of the test list.
pub trait Judge {
    /// Why it is not known.
    type Error;

    /// The error with the supernet's weights and running statistics of the network's own.
    ///
    /// # Errors
    /// It is not known, or the user stopped it.
    fn recalibrated(&mut self, network: &[usize]) -> Result<f64, Self::Error>;

    /// The error after so many further epochs of training, and the seconds that these took: of round 1 from the supernet's weights, else
    /// from those of the round before.
    ///
    /// # Errors
    /// It cannot be trained, or the user stopped it.
    fn finetuned(&mut self, network: &[usize], round: usize, epochs: usize) -> Result<(f64, f64), Self::Error>;
}

impl Choose {
    /// Whether nothing is compared.
    pub fn is_probable(&self) -> bool {
        *self == Self::Probable
    }

    /// How many of the most probable networks it looks at.
    pub fn count(self) -> usize {
        match self {
            Self::Probable => 1,
            Self::Recalibrated { candidates } | Self::Halving { candidates, .. } => candidates,
        }
    }

    /// Judges the candidates, the most probable one of which comes first, and orders them: the chosen one first. Of equal ones the more
    /// probable one comes first.
    ///
    /// # Errors
    /// As the judge.
    pub fn among<J: Judge>(self, mut candidates: Vec<Candidate>, judge: &mut J) -> Result<Vec<Candidate>, J::Error> {
        if self.is_probable() {
            return Ok(candidates);
        }
        for candidate in &mut candidates {
            let start = Instant::now();
            candidate.recalibrated_nme = Some(judge.recalibrated(&candidate.indices)?);
            candidate.seconds += start.elapsed().as_secs_f64();
        }
        sort(&mut candidates, |candidate| candidate.recalibrated_nme);
        if let Self::Halving { finalists, epochs, .. } = self {
            let finalists = finalists.min(candidates.len());
            halve(&mut candidates[..finalists], epochs, judge)?;
        }
        Ok(candidates)
    }
}

/// Sorts candidates by an error, the lowest first.
fn sort(candidates: &mut [Candidate], error: fn(&Candidate) -> Option<f64>) {
    // A NaN may have a sign, and would then come before all numbers.
    let of = |candidate: &Candidate| error(candidate).filter(|error| !error.is_nan()).unwrap_or(f64::INFINITY);
    candidates.sort_by(|a, b| of(a).total_cmp(&of(b)));
}

/// Trains candidates, then the better half of them further, until one is left; the best one comes first, those that left early last.
fn halve<J: Judge>(candidates: &mut [Candidate], epochs: usize, judge: &mut J) -> Result<(), J::Error> {
    let (mut left, mut round) = (candidates.len(), 1);
    while left > 1 {
        for candidate in &mut candidates[..left] {
            let (error, seconds) = judge.finetuned(&candidate.indices, round, epochs)?;
            candidate.finetuned_nme = Some(error);
            candidate.epochs += epochs;
            candidate.seconds += seconds;
        }
        sort(&mut candidates[..left], |candidate| candidate.finetuned_nme);
        (left, round) = (left.div_ceil(2), round + 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells an error by a network's first index. Training lowers it by the index times rounds; it notes who was trained in which round.
    struct Known(Vec<f64>, Vec<(usize, usize)>);

    impl Judge for Known {
        type Error = ();

        fn recalibrated(&mut self, network: &[usize]) -> Result<f64, ()> {
            self.0.get(network[0]).copied().ok_or(())
        }

        fn finetuned(&mut self, network: &[usize], round: usize, epochs: usize) -> Result<(f64, f64), ()> {
            self.1.push((network[0], round));
            Ok((self.0[network[0]] - (network[0] * round * epochs) as f64, 100.0))
        }
    }

    fn candidates(count: usize) -> Vec<Candidate> {
        let one = |i: usize| Candidate {
            indices: vec![i],
            choice: format!("candidate_{i}"),
            log_probability: -(i as f64),
            predicted: 100.0,
            recalibrated_nme: None,
            finetuned_nme: None,
            epochs: 0,
            seconds: 0.0,
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn the_lowest_error_is_chosen_and_the_more_probable_of_equal_ones() {
        let method = Choose::Recalibrated { candidates: 4 };
        let found = method.among(candidates(4), &mut Known(vec![3.0, 2.0, f64::NAN, 2.0], Vec::new())).unwrap();
        assert_eq!(found.iter().map(|c| c.indices[0]).collect::<Vec<_>>(), [1, 3, 0, 2]);
        assert_eq!(found[0].recalibrated_nme, Some(2.0));
        assert!(method.among(candidates(4), &mut Known(vec![1.0], Vec::new())).is_err());
    }

    #[test]
    fn the_most_probable_is_chosen_without_a_look() {
        assert_eq!(Choose::Probable.among(candidates(1), &mut Known(Vec::new(), Vec::new())), Ok(candidates(1)));
    }

    #[test]
    fn half_of_the_finalists_are_trained_further_until_one_is_left() {
        let method = Choose::Halving { candidates: 7, finalists: 5, epochs: 2 };
        let mut judge = Known(vec![10.0, 20.0, 30.0, 11.0, 12.0, 13.0, 40.0], Vec::new());
        let found = method.among(candidates(7), &mut judge).unwrap();
        // Recalibrated: 0 3 4 5 1 are the finalists. After a round: 3 with 5, 4 with 4, 5 with 3, 0 with 10, 1 with 18.
        assert_eq!(found.iter().map(|c| c.indices[0]).collect::<Vec<_>>(), [5, 4, 3, 0, 1, 2, 6]);
        let trained = [(0, 1), (3, 1), (4, 1), (5, 1), (1, 1), (5, 2), (4, 2), (3, 2), (5, 3), (4, 3)];
        assert_eq!(judge.1, trained);
        assert_eq!(found.iter().map(|c| c.epochs).collect::<Vec<_>>(), [6, 6, 4, 2, 2, 0, 0]);
        assert_eq!((found[0].finetuned_nme, found[5].finetuned_nme), (Some(13.0 - 30.0), None));
        assert!((300.0..301.0).contains(&found[0].seconds), "{}", found[0].seconds);
    }

    #[test]
    fn settings_are_written_and_read() {
        let method = Choose::Recalibrated { candidates: 64 };
        let text = toml::to_string(&method).unwrap();
        assert_eq!(text, "by = \"recalibrated\"\ncandidates = 64\n");
        assert_eq!(toml::from_str::<Choose>(&text).unwrap(), method);
        assert!(toml::from_str::<Choose>("by = \"recalibrated\"\ncandidates = 64\nmore = 1").is_err());
    }
}
