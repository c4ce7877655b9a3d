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
}

/// What a method asks about a network, which is given as an index a layer. Errors are validation errors, per cent: never of the test list.
pub trait Judge {
    /// Why it cannot be told.
    type Error;

    /// The error with the supernet's weights and running statistics of the network's own.
    ///
    /// # Errors
    /// It cannot be told, or the user stopped it.
    fn recalibrated(&mut self, network: &[usize]) -> Result<f64, Self::Error>;
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
            Self::Recalibrated { candidates } => candidates,
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
        let error = |candidate: &Candidate| candidate.recalibrated_nme.unwrap_or(f64::INFINITY);
        candidates.sort_by(|a, b| error(a).total_cmp(&error(b)));
        Ok(candidates)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tells an error by a network's first index.
    struct Known(Vec<f64>);

    impl Judge for Known {
        type Error = ();

        fn recalibrated(&mut self, network: &[usize]) -> Result<f64, ()> {
            self.0.get(network[0]).copied().ok_or(())
        }
    }

    fn candidates(count: usize) -> Vec<Candidate> {
        let one = |i: usize| Candidate {
            indices: vec![i],
            choice: format!("candidate_{i}"),
            log_probability: -(i as f64),
            predicted: 100.0,
            recalibrated_nme: None,
            seconds: 0.0,
        };
        (0..count).map(one).collect()
    }

    #[test]
    fn the_lowest_error_is_chosen_and_the_more_probable_of_equal_ones() {
        let method = Choose::Recalibrated { candidates: 4 };
        let found = method.among(candidates(4), &mut Known(vec![3.0, 2.0, f64::NAN, 2.0])).unwrap();
        assert_eq!(found.iter().map(|c| c.indices[0]).collect::<Vec<_>>(), [1, 3, 0, 2]);
        assert_eq!(found[0].recalibrated_nme, Some(2.0));
        assert!(method.among(candidates(4), &mut Known(vec![1.0])).is_err());
    }

    #[test]
    fn the_most_probable_is_chosen_without_a_look() {
        assert_eq!(Choose::Probable.among(candidates(1), &mut Known(Vec::new())), Ok(candidates(1)));
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
