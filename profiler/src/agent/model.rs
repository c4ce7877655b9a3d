//! One model in the engine, its outputs checked.

use std::path::Path;

use engines::{Engine, EngineError, Port, Session, SessionOptions, Value};

use super::error::AgentError;
use super::inputs::{self, Whole};
use super::runs::{LOADING_RUNS, LOADING_US, TIMED_RUNS, WARMING_RUNS, WARMING_US, goes_on, sample_of};
use super::{clock, joined, memory, outputs};
use crate::protocol::{Event, Item, Job, Shaped, Took};
use crate::random::Random;

/// Largest difference to the expected outputs, in parts of the largest expected value.
const TOLERANCE: f64 = 1e-3;

/// A loaded model.
pub struct Model {
    id: String,
    session: Box<dyn Session>,
    runs: u64,
    /// Parts of a sample that are timed by themselves.
    parts: u64,
    error: Option<f64>,
    checksum: String,
    /// A user's model whose outputs change from run to run by themselves.
    varies: bool,
    /// How a user's model is run.
    described: Option<Event>,
    /// What it took, on a device with noise.
    took: Option<Took>,
}

impl Model {
    /// Loads, runs and checks the model, and finds how many runs fill a sample; one run does on a simulated device.
    ///
    /// # Errors
    /// [`AgentError`] where a file cannot be read, the engine refuses the model, or its outputs are wrong.
    pub fn load(engine: &dyn Engine, item: &Item, folder: &Path, job: &Job) -> Result<Self, AgentError> {
        let refused = |source: EngineError| AgentError::Model { id: item.id.clone(), source };
        let bad_file = |file: &str, reason: String| AgentError::File { id: item.id.clone(), file: file.to_string(), reason };
        let began_us = clock::now_us();
        let bytes = joined::read(folder, &item.model).map_err(|e| bad_file(&item.model, e.to_string()))?;
        let threads = job.threads.try_into().unwrap_or(std::num::NonZeroUsize::MIN);
        let mut session = engine.load(&bytes, &SessionOptions { threads, ..SessionOptions::default() }).map_err(refused)?;
        // A copy of weights that the session has, too.
        drop(bytes);
        let running_us = clock::now_us();
        let given = Self::first_run(session.as_mut(), item, folder, job)?;
        let first = session.results().map_err(refused)?;
        let mut runs = 1;
        while runs < LOADING_RUNS && goes_on(item, job, runs, clock::now_us() - running_us) {
            session.run().map_err(refused)?;
            runs += 1;
        }
        let outputs = session.results().map_err(refused)?;
        let mut model = Self {
            id: item.id.clone(),
            session,
            runs: 1,
            parts: 1,
            error: None,
            checksum: outputs::checksum(&outputs),
            varies: false,
            described: None,
            took: None,
        };
        if item.expected.is_empty() {
            model.describe(&given, &first, &outputs);
        } else {
            let read = |file: &String| outputs::floats(&folder.join(file)).map_err(|reason| bad_file(file, reason));
            let expected = item.expected.iter().map(read).collect::<Result<Vec<_>, _>>()?;
            let outputs: Vec<_> = outputs.iter().map(|o| o.as_ref().map(Value::to_floats).unwrap_or_default()).collect();
            let wrong = |reason: String| AgentError::Wrong { id: item.id.clone(), reason };
            let error = outputs::difference(&outputs, &expected).map_err(wrong)?;
            if error.is_nan() || error > TOLERANCE {
                return Err(wrong(format!("its outputs differ from the reference by {error:.2e} of their range")));
            }
            model.error = Some(error);
        }
        if !job.simulated {
            let run_us = model.fastest(TIMED_RUNS, LOADING_US)?;
            (model.runs, model.parts) = sample_of(job.plan.sample_us, run_us, item.parts);
            let load_ms = (clock::now_us() - began_us) * 1e-3;
            model.took = Some(Took { load_ms, run_us, resident_kib: memory::resident_kib() });
        }
        Ok(model)
    }

    /// The fastest of at most so many runs, as many as begin within so many µs; in µs.
    fn fastest(&mut self, most: usize, within_us: f64) -> Result<f64, AgentError> {
        let (mut fastest, mut sum) = (f64::INFINITY, 0.0);
        for _ in 0..most {
            let us = self.time(1)?;
            fastest = fastest.min(us);
            sum += us;
            if sum >= within_us {
                break;
            }
        }
        Ok(fastest)
    }

    /// Runs that warm the caches before a sample.
    ///
    /// # Errors
    /// [`AgentError::Model`] where the engine fails.
    pub(super) fn warm(&mut self) -> Result<(), AgentError> {
        self.fastest(WARMING_RUNS, WARMING_US).map(drop)
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
                "{odd} values of its outputs are not finite. If its inputs were random, give it real ones: --input NAME=FILE.npy"
            ));
        }
        self.varies = outputs::checksum(first) != self.checksum;
        if self.varies {
            notes.push(
                "its outputs differ from run to run on the same inputs, so they are not checked during the measurement".to_string(),
            );
        }
        let outputs = std::iter::zip(self.session.outputs(), outputs).map(|(port, value)| shaped(port, value.as_ref())).collect();
        self.described = Some(Event::Described { id: self.id.clone(), inputs, outputs, notes });
    }

    /// What is reported to the host.
    pub(super) fn events(&self) -> Vec<Event> {
        let (id, checksum) = (self.id.clone(), self.checksum.clone());
        let mut events = vec![Event::Ready { id, runs: self.runs, error: self.error, checksum, took: self.took }];
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
    /// fastest, as a share; none where it has no parts.
    ///
    /// # Errors
    /// [`AgentError::Model`] where the engine fails.
    pub(super) fn time_in_parts(&mut self) -> Result<(f64, Option<f64>), AgentError> {
        let parts = self.parts;
        let (mut sum, mut fastest, mut slowest) = (0.0, f64::INFINITY, 0.0f64);
        for part in 0..parts {
            let runs = self.runs * (part + 1) / parts - self.runs * part / parts;
            let us = self.time(runs)?;
            sum += us * runs as f64;
            (fastest, slowest) = (fastest.min(us), slowest.max(us));
        }
        Ok((sum / self.runs as f64, (parts > 1).then_some(slowest / fastest - 1.0)))
    }

    /// Checks that the last run still gave what the first did.
    pub(super) fn check_again(&mut self) -> Result<(), AgentError> {
        let outputs = self.session.results().map_err(|source| AgentError::Model { id: self.id.clone(), source })?;
        if self.varies || outputs::checksum(&outputs) == self.checksum {
            return Ok(());
        }
        Err(AgentError::Wrong { id: self.id.clone(), reason: "its outputs changed during the measurement".to_string() })
    }
}

fn feed_and_run(session: &mut dyn Session, values: &[Value]) -> Result<(), EngineError> {
    session.feed(values)?;
    session.run()
}
