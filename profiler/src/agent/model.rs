//! One model in the engine, its outputs checked.

use std::path::Path;

use engines::{Engine, EngineError, Port, Session, SessionOptions, Value};

use super::clock;
use super::error::AgentError;
use super::inputs::{self, Whole};
use crate::protocol::{Event, Item, Job, Shaped};
use crate::random::Random;

/// Largest difference to the expected outputs, in parts of the largest expected value.
const TOLERANCE: f64 = 1e-3;
/// Parts of a sample that are timed by themselves, and so its least number of runs, …
const PARTS: u64 = 4;
/// … but of a run longer than this, in µs, one at a time: four would take so long that most samples are interrupted.
const LONG_RUN_US: f64 = 10_000.0;
/// Runs before anything is timed: engines allocate and choose kernels in the first ones.
const WARM_UP: usize = 3;
/// The same in a simulated job, where the timed region has a warm run of its own: …
const SIMULATED_WARM_UP: usize = 1;
/// … of a user's model two, which tell whether its outputs change by themselves.
const SIMULATED_WARM_UP_OF_USER: usize = 2;

/// A loaded model.
pub struct Model {
    id: String,
    session: Box<dyn Session>,
    runs: u64,
    error: Option<f64>,
    checksum: String,
    /// A user's model whose outputs change from run to run by themselves.
    varies: bool,
    /// How a user's model is run.
    described: Option<Event>,
}

impl Model {
    /// Loads, runs and checks the model, and finds how many runs fill a sample; one run does on a simulated device.
    ///
    /// # Errors
    /// [`AgentError`] where a file cannot be read, the engine refuses the model, or its outputs are wrong.
    pub fn load(engine: &dyn Engine, item: &Item, folder: &Path, job: &Job) -> Result<Self, AgentError> {
        let refused = |source: EngineError| AgentError::Model { id: item.id.clone(), source };
        let bad_file = |file: &str, reason: String| AgentError::File { id: item.id.clone(), file: file.to_string(), reason };
        let bytes = std::fs::read(folder.join(&item.model)).map_err(|e| bad_file(&item.model, e.to_string()))?;
        let threads = job.threads.try_into().unwrap_or(std::num::NonZeroUsize::MIN);
        let mut session = engine.load(&bytes, &SessionOptions { threads }).map_err(refused)?;
        // A copy of weights that the session has, too.
        drop(bytes);
        let given = Self::first_run(session.as_mut(), item, folder, job)?;
        let first = session.results().map_err(refused)?;
        let warm_up = match (job.simulated, item.expected.is_empty()) {
            (false, _) => WARM_UP,
            (true, false) => SIMULATED_WARM_UP,
            (true, true) => SIMULATED_WARM_UP_OF_USER,
        };
        for _ in 1..warm_up {
            session.run().map_err(refused)?;
        }
        let outputs = session.results().map_err(refused)?;
        let mut model = Self {
            id: item.id.clone(),
            session,
            runs: 1,
            error: None,
            checksum: checksum(&outputs),
            varies: false,
            described: None,
        };
        if item.expected.is_empty() {
            model.describe(&given, &first, &outputs);
        } else {
            let read = |file: &String| floats(&folder.join(file)).map_err(|reason| bad_file(file, reason));
            let expected = item.expected.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let outputs: Vec<_> = outputs.iter().map(|o| o.as_ref().map(Value::to_floats).unwrap_or_default()).collect();
            let wrong = |reason: String| AgentError::Wrong { id: item.id.clone(), reason };
            let error = difference(&outputs, &expected).map_err(wrong)?;
            if error.is_nan() || error > TOLERANCE {
                return Err(wrong(format!("its outputs differ from the reference by {error:.2e} of their range")));
            }
            model.error = Some(error);
        }
        if !job.simulated {
            let mut fastest = f64::INFINITY;
            for _ in 0..5 {
                fastest = fastest.min(model.time(1)?);
            }
            model.runs = runs_of(job.plan.sample_us, fastest);
        }
        Ok(model)
    }

    /// Gives the model its inputs and runs it once. Whole numbers that are made up are tried as ones, then as zeros: an index may be too
    /// large, a divisor must not be zero.
    fn first_run(session: &mut dyn Session, item: &Item, folder: &Path, job: &Job) -> Result<Vec<Value>, AgentError> {
        let make =
            |session: &dyn Session, whole: Whole| inputs::of(session.inputs(), item, folder, &mut Random::new(job.seed), whole);
        let values = make(&*session, Whole::Ones)?;
        let Err(source) = feed_and_run(session, &values) else { return Ok(values) };
        let zeros = make(&*session, Whole::Zeros)?;
        if zeros != values && feed_and_run(session, &zeros).is_ok() {
            return Ok(zeros);
        }
        let is_given = |port: &&Port| item.inputs.iter().any(|input| input.name == port.name && input.values.is_some());
        let made_up: Vec<String> = session.inputs().iter().filter(|port| !is_given(port)).map(Port::to_string).collect();
        let id = item.id.clone();
        // What does not fit is said already; it was not run at all.
        if made_up.is_empty() || !item.expected.is_empty() || matches!(source, EngineError::Inputs(_)) {
            return Err(AgentError::Model { id, source });
        }
        Err(AgentError::MadeUp { id, source: Box::new(source), inputs: made_up.join("; ") })
    }

    /// Notes what a user's model was given, what came out, and what is odd about that.
    fn describe(&mut self, given: &[Value], first: &[Option<Value>], outputs: &[Option<Value>]) {
        let shaped = |port: &Port, value: Option<&Value>| Shaped {
            name: port.name.clone(),
            element: value.map(|value| value.element().to_string()),
            shape: value.map(|value| value.shape().to_vec()).unwrap_or_default(),
        };
        let inputs = std::iter::zip(self.session.inputs(), given).map(|(port, value)| shaped(port, Some(value))).collect();
        let mut notes = Vec::new();
        let odd = |value: &Value| value.numbers().iter().filter(|n| !n.is_finite()).count();
        let odd: usize = outputs.iter().flatten().map(odd).sum();
        if odd > 0 {
            notes.push(format!(
                "{odd} values of its outputs are not finite; if its inputs were made up, it may run otherwise on real ones \
                 (--input NAME=FILE.npy)"
            ));
        }
        self.varies = checksum(first) != self.checksum;
        if self.varies {
            notes.push("its outputs change from run to run on the same inputs; that they stay right is not checked".to_string());
        }
        let outputs = std::iter::zip(self.session.outputs(), outputs).map(|(port, value)| shaped(port, value.as_ref())).collect();
        self.described = Some(Event::Described { id: self.id.clone(), inputs, outputs, notes });
    }

    /// What is reported to the host.
    pub(super) fn events(&self) -> Vec<Event> {
        let (id, checksum) = (self.id.clone(), self.checksum.clone());
        let mut events = vec![Event::Ready { id, runs: self.runs, error: self.error, checksum }];
        events.extend(self.described.clone());
        events
    }

    /// Its name.
    pub fn id(&self) -> &str {
        &self.id
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
        let outputs = self.session.results().map_err(|source| AgentError::Model { id: self.id.clone(), source })?;
        if self.varies || checksum(&outputs) == self.checksum {
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

fn feed_and_run(session: &mut dyn Session, values: &[Value]) -> Result<(), EngineError> {
    session.feed(values)?;
    session.run()
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
fn checksum(outputs: &[Option<Value>]) -> String {
    let bytes = outputs.iter().flatten().flat_map(Value::bytes);
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325u64, |h, byte| (h ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
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
        let of = |values: &[&[f32]]| checksum(&values.iter().map(|v| Value::floats(vec![v.len()], v)).collect::<Vec<_>>());
        assert_ne!(of(&[&[1.0, 0.0]]), of(&[&[1.0, -0.0]]));
        assert_eq!(of(&[&[1.0], &[2.0]]), of(&[&[1.0, 2.0]]));
    }
}
