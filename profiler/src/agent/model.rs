//! One model in the engine, its outputs checked.

use std::path::Path;

use engines::{Engine, EngineError, Session, SessionOptions};

use super::{AgentError, clock};
use crate::protocol::{Item, Job};
use crate::random::Random;

/// Largest difference to the expected outputs, in parts of the largest expected value.
const TOLERANCE: f64 = 1e-3;
/// Parts of a sample that are timed by themselves, and so its least number of runs, …
const PARTS: u64 = 4;
/// … but of a run longer than this, in µs, one at a time: four would take so long that most samples are interrupted.
const LONG_RUN_US: f64 = 10_000.0;
/// Runs before anything is timed: engines allocate and choose kernels in the first ones.
const WARM_UP: usize = 3;

/// A loaded model.
pub struct Model {
    id: String,
    session: Box<dyn Session>,
    runs: u64,
    error: Option<f64>,
    checksum: String,
}

impl Model {
    /// Loads, runs and checks the model, and finds how many runs fill a sample.
    ///
    /// # Errors
    /// [`AgentError`] where a file cannot be read, the engine refuses the model, or its outputs are wrong.
    pub fn load(engine: &dyn Engine, item: &Item, folder: &Path, job: &Job) -> Result<Self, AgentError> {
        let refused = |source: EngineError| AgentError::Model { id: item.id.clone(), source };
        let wrong = |reason: String| AgentError::Wrong { id: item.id.clone(), reason };
        let bad_file = |file: &str, reason: String| AgentError::File { id: item.id.clone(), file: file.to_string(), reason };
        let bytes = std::fs::read(folder.join(&item.model)).map_err(|e| bad_file(&item.model, e.to_string()))?;
        let threads = job.threads.try_into().unwrap_or(std::num::NonZeroUsize::MIN);
        let mut session = engine.load(&bytes, &SessionOptions { threads }).map_err(refused)?;
        let read = |file: &String| floats(&folder.join(file)).map_err(|reason| bad_file(file, reason));
        let inputs = if item.inputs.is_empty() {
            let mut random = Random::new(job.seed);
            session.inputs().iter().map(|port| random.values(port.volume())).collect()
        } else {
            item.inputs.iter().map(read).collect::<Result<Vec<_>, _>>()?
        };
        session.set_inputs(&inputs).map_err(refused)?;
        for _ in 0..WARM_UP {
            session.run().map_err(refused)?;
        }
        let outputs = session.read_outputs().map_err(refused)?;
        let expected = item.expected.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        let error = if expected.is_empty() {
            if outputs.iter().flatten().any(|v| !v.is_finite()) {
                return Err(wrong("an output is not finite".to_string()));
            }
            None
        } else {
            let error = difference(&outputs, &expected).map_err(wrong)?;
            if error.is_nan() || error > TOLERANCE {
                return Err(wrong(format!("its outputs differ from the reference by {error:.2e} of their range")));
            }
            Some(error)
        };
        let mut model = Self { id: item.id.clone(), session, runs: 1, error, checksum: checksum(&outputs) };
        let mut fastest = f64::INFINITY;
        for _ in 0..5 {
            fastest = fastest.min(model.time(1)?);
        }
        model.runs = runs_of(job.plan.sample_us, fastest);
        Ok(model)
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Runs that fill a sample.
    pub fn runs(&self) -> u64 {
        self.runs
    }

    /// Largest difference to the expected outputs, where there are any.
    pub fn error(&self) -> Option<f64> {
        self.error
    }

    /// Checksum of its outputs.
    pub fn checksum(&self) -> &str {
        &self.checksum
    }

    /// Runs it and gives the mean time of a run in µs.
    ///
    /// # Errors
    /// [`AgentError::Model`] where the engine fails.
    pub fn time(&mut self, runs: u64) -> Result<f64, AgentError> {
        let start = clock::now_us();
        for _ in 0..runs {
            if let Err(source) = self.session.run() {
                return Err(AgentError::Model { id: self.id.clone(), source });
            }
        }
        Ok((clock::now_us() - start) / runs as f64)
    }

    /// Runs it as often as fills a sample. Gives the mean time of a run in µs, and by how much the slowest of its parts was above the
    /// fastest, as a share.
    ///
    /// # Errors
    /// [`AgentError::Model`] where the engine fails.
    pub(super) fn time_in_parts(&mut self) -> Result<(f64, f64), AgentError> {
        let parts = self.runs.min(PARTS);
        let (mut sum, mut fastest, mut slowest) = (0.0, f64::INFINITY, 0.0f64);
        for part in 0..parts {
            let runs = self.runs * (part + 1) / parts - self.runs * part / parts;
            let us = self.time(runs)?;
            sum += us * runs as f64;
            (fastest, slowest) = (fastest.min(us), slowest.max(us));
        }
        Ok((sum / self.runs as f64, slowest / fastest - 1.0))
    }

    /// Checks that the last run still gave what the first did.
    pub(super) fn check_again(&mut self) -> Result<(), AgentError> {
        let outputs = self.session.read_outputs().map_err(|source| AgentError::Model { id: self.id.clone(), source })?;
        if checksum(&outputs) == self.checksum {
            return Ok(());
        }
        Err(AgentError::Wrong { id: self.id.clone(), reason: "its outputs have changed while it was timed".to_string() })
    }
}

/// Runs in a sample that is to last `sample_us`, of a model whose run takes `run_us`.
fn runs_of(sample_us: f64, run_us: f64) -> u64 {
    let least = if run_us > LONG_RUN_US { 1 } else { PARTS };
    ((sample_us / run_us.max(0.1)).ceil().clamp(1.0, 1e6) as u64).max(least)
}

/// Reads little-endian f32 values.
fn floats(path: &Path) -> Result<Vec<f32>, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let (values, rest) = bytes.as_chunks::<4>();
    if rest.is_empty() { Ok(values.iter().map(|b| f32::from_le_bytes(*b)).collect()) } else { Err("it is cut off".to_string()) }
}

/// Largest difference in parts of the largest expected value; NaN where an output is.
fn difference(outputs: &[Vec<f32>], expected: &[Vec<f32>]) -> Result<f64, String> {
    let lengths = |values: &[Vec<f32>]| values.iter().map(Vec::len).collect::<Vec<_>>();
    if lengths(outputs) != lengths(expected) {
        return Err(format!("it gives outputs of {:?} values instead of {:?}", lengths(outputs), lengths(expected)));
    }
    let mut worst = 0.0f64;
    for (outputs, expected) in std::iter::zip(outputs, expected) {
        let range = expected.iter().fold(1e-6f64, |m, &v| m.max(f64::from(v).abs()));
        for (&a, &b) in std::iter::zip(outputs, expected) {
            let d = (f64::from(a) - f64::from(b)).abs() / range;
            if d.is_nan() || d > worst {
                worst = d;
            }
            if worst.is_nan() {
                return Ok(worst);
            }
        }
    }
    Ok(worst)
}

/// FNV-1a over the outputs' bits.
fn checksum(outputs: &[Vec<f32>]) -> String {
    let bytes = outputs.iter().flatten().flat_map(|v| v.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, byte| (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn differences_are_relative_to_the_range_and_nan_is_not_lost() {
        assert_eq!(difference(&[vec![1.0, 2.0]], &[vec![1.0, 4.0]]), Ok(0.5));
        assert!(difference(&[vec![f32::NAN, 2.0]], &[vec![1.0, 2.0]]).is_ok_and(f64::is_nan));
        assert!(difference(&[vec![1.0]], &[vec![1.0, 4.0]]).is_err());
    }

    #[test]
    fn a_sample_has_parts_unless_a_run_is_long() {
        assert_eq!(runs_of(500.0, 10.0), 50);
        assert_eq!(runs_of(500.0, 300.0), PARTS);
        // On a phone a network takes some milliseconds: its samples are filtered like those of short ones.
        assert_eq!(runs_of(500.0, 9_900.0), PARTS);
        assert_eq!(runs_of(500.0, 10_100.0), 1);
        assert_eq!(runs_of(50_000.0, 11_000.0), 5);
    }

    #[test]
    fn a_checksum_sees_one_bit() {
        assert_ne!(checksum(&[vec![1.0, 0.0]]), checksum(&[vec![1.0, -0.0]]));
        assert_eq!(checksum(&[vec![1.0], vec![2.0]]), checksum(&[vec![1.0, 2.0]]));
    }
}
