//! A simulated device: the real agent with the real engine, executed by QEMU and timed by a model of the chip.
//!
//! Each model has a process of its own, several at a time: what a model takes depends neither on those before it, nor on how the work
//! is shared, nor on what a resumed build has already. To the host they are one agent that does one model after the other.
//!
//! | module | what it holds |
//! |---|---|
//! | [`device`] | a chip as a table's header states it |
//! | `single` | a job of a single model |
//! | `process` | one model, simulated |
//! | `watchdog` | how long an agent may be silent |
//! | `explain` | where the cycles went |
//! | [`error`] | what can go wrong |

pub mod device;
pub mod error;
mod explain;
mod process;
mod single;
mod watchdog;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use emulator::Emulator;
use engines::EngineKind;
use files::FileError;
use simulator::Chip;

pub use error::SimulationError;
use explain::Explainer;
use process::{Runner, Said};

use super::deliver::Bundle;
use super::description::Description;
use super::error::TransportError;
use super::stream::{Ended, Exit, Flow};
use super::transport::Transport;
use crate::protocol::{Event, JOB_FILE, Job, Start};

/// A simulated device.
pub struct Simulated {
    name: String,
    chip: Chip,
    emulator: Emulator,
    /// Whether unknown instructions are accepted.
    allow_unknown: bool,
    agent: PathBuf,
    folder: PathBuf,
}

/// QEMU and the plugin on this machine.
///
/// # Errors
/// [`SimulationError::Emulator`].
pub fn emulator() -> Result<Emulator, SimulationError> {
    Ok(Emulator::find(files::cache_folder().as_deref())?)
}

/// What is known of the chip of that name or file; what is missing to simulate it is its trouble.
///
/// # Errors
/// [`SimulationError::Chip`] where there is no such chip.
pub fn describe(name: &str) -> Result<Description, SimulationError> {
    let chip = Chip::find(name)?;
    let trouble = emulator().err().map(|e| e.to_string());
    Ok(Description { device: format!("sim:{name}"), knowledge: device::knowledge(&chip), trouble })
}

impl Simulated {
    /// The chip of that name or file.
    ///
    /// # Errors
    /// [`SimulationError`] where there is no such chip, or nothing to simulate it with.
    pub fn open(chip: &str, allow_unknown: bool) -> Result<Self, SimulationError> {
        let name = format!("sim:{chip}");
        let chip = Chip::find(chip)?;
        Ok(Self { name, chip, emulator: emulator()?, allow_unknown, agent: PathBuf::new(), folder: PathBuf::new() })
    }

    fn job(&self) -> Result<Job, SimulationError> {
        let path = self.folder.join(JOB_FILE);
        let text = std::fs::read(&path).map_err(FileError::new("cannot read", &path))?;
        Ok(serde_json::from_slice(&text).map_err(std::io::Error::from).map_err(FileError::new("cannot read", &path))?)
    }

    /// Simulates all items of the job, and hands their lines over in the job's order.
    fn simulate(&self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, SimulationError> {
        let job = self.job()?;
        let runner = Runner {
            chip: &self.chip,
            emulator: &self.emulator,
            agent: &self.agent,
            facts: device::simulator(&self.chip, &self.emulator, &self.agent)?,
            explainer: Explainer::new(&self.agent),
            allow_unknown: self.allow_unknown,
            stop: AtomicBool::new(false),
        };
        let workers = thread::available_parallelism().map_or(1, usize::from).min(job.items.len());
        let next = AtomicUsize::new(0);
        let (sender, results) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, runner, job, next) = (sender.clone(), &runner, &job, &next);
                scope.spawn(move || {
                    while !runner.stop.load(Ordering::Relaxed) {
                        let place = next.fetch_add(1, Ordering::Relaxed);
                        let Some(item) = job.items.get(place) else { return };
                        // If the receiver is gone, the others have been ended, too.
                        let _ = sender.send((place, runner.run(job, item, &self.folder)));
                    }
                });
            }
            drop(sender);
            let ended = in_order(&job, &results, on_line);
            runner.stop.store(true, Ordering::Relaxed);
            ended
        })
    }
}

/// Hands over what comes, in the order of the items, as one agent would have said it.
fn in_order(
    job: &Job,
    results: &mpsc::Receiver<(usize, Result<Said, SimulationError>)>,
    on_line: &mut dyn FnMut(&[u8]) -> Flow,
) -> Result<Ended, SimulationError> {
    let ended = |exit| Ended { exit, half_line: false, stderr: String::new() };
    let mut say = |event: &Event| {
        let line = serde_json::to_vec(event).map_err(std::io::Error::from);
        Ok::<_, SimulationError>(on_line(&line.map_err(FileError::new("cannot write", Path::new("an event")))?))
    };
    let mut early = BTreeMap::new();
    let mut first: Option<Start> = None;
    let mut place = 0;
    for (at, said) in results {
        // A failure is reported at once: there will be no table.
        match said? {
            Said::Failed(events) => {
                for event in &events {
                    if matches!(event, Event::Failed { .. }) {
                        say(event)?;
                    }
                }
                return Ok(ended(Exit::Stopped));
            }
            Said::Done(start, events) => early.insert(at, (start, events)),
        };
        while let Some((start, events)) = early.remove(&place) {
            let begins = match &first {
                None => vec![Event::Start(start.clone()), Event::Sampling],
                Some(first) if *first == *start => Vec::new(),
                Some(_) => return Err(SimulationError::Unlike { id: job.items[place].id.clone() }),
            };
            first.get_or_insert(*start);
            for event in begins.iter().chain(&events) {
                if say(event)? == Flow::Stop {
                    return Ok(ended(Exit::Stopped));
                }
            }
            place += 1;
        }
    }
    if place < job.items.len() {
        return Ok(ended(Exit::Stopped));
    }
    say(&Event::Done { precise: true })?;
    Ok(ended(Exit::Code(0)))
}

impl Transport for Simulated {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn library(&mut self, engine: EngineKind, _: Option<&Path>) -> Result<Option<String>, TransportError> {
        check_engine(engine)?;
        self.agent = Bundle::simulated(&self.name, engine)?;
        Ok(None)
    }

    fn push(&mut self, folder: &Path) -> Result<(), TransportError> {
        self.folder = folder.to_path_buf();
        Ok(())
    }

    fn run(&mut self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, TransportError> {
        Ok(self.simulate(on_line)?)
    }

    fn clean(&mut self) -> Result<(), TransportError> {
        // The folder is the host's own temporary one.
        Ok(())
    }

    fn remove_all(&mut self) -> Result<(), TransportError> {
        // Nothing is brought anywhere.
        Ok(())
    }
}

/// Refuses an engine that cannot be simulated.
///
/// # Errors
/// [`SimulationError::Engine`].
pub fn check_engine(engine: EngineKind) -> Result<(), SimulationError> {
    match engine.entry().not_simulated {
        Some(reason) => Err(SimulationError::Engine { engine, reason }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::examples;

    fn job(items: &[&str]) -> Job {
        examples::job(items.iter().map(|id| examples::item(id)).collect())
    }

    fn start(version: &str) -> Box<Start> {
        Box::new(Start { version: version.into(), ..examples::start() })
    }

    /// What is heard of results that come in that order.
    fn heard(results: Vec<(usize, Result<Said, SimulationError>)>) -> (Result<Ended, SimulationError>, Vec<String>) {
        let (sender, receiver) = mpsc::channel();
        results.into_iter().for_each(|result| sender.send(result).unwrap());
        drop(sender);
        let mut lines = Vec::new();
        let ended = in_order(&job(&["a", "b", "c"]), &receiver, &mut |line| {
            let event: Event = serde_json::from_slice(line).unwrap();
            let name = serde_json::to_value(&event).unwrap()["event"].as_str().unwrap().to_string();
            lines.push(format!("{name} {}", event.id().unwrap_or_default()).trim_end().to_string());
            Flow::Continue
        });
        (ended, lines)
    }

    fn done(id: &str) -> Result<Said, SimulationError> {
        Ok(Said::Done(start("1"), vec![Event::Loading { id: id.into() }]))
    }

    #[test]
    fn many_agents_speak_as_one_in_the_jobs_order() {
        let (ended, lines) = heard(vec![(1, done("b")), (2, done("c")), (0, done("a"))]);
        assert!(ended.unwrap().is_good());
        assert_eq!(lines, ["start", "sampling", "loading a", "loading b", "loading c", "done"]);
        // One that never comes.
        let (ended, lines) = heard(vec![(0, done("a")), (2, done("c"))]);
        assert!(!ended.unwrap().is_good());
        assert_eq!(lines, ["start", "sampling", "loading a"]);
    }

    #[test]
    fn what_goes_wrong_ends_it() {
        let failed = Event::Failed { id: Some("b".into()), reason: "odd".into(), by_user: false };
        let (ended, lines) = heard(vec![(1, Ok(Said::Failed(vec![failed]))), (0, done("a"))]);
        assert!(!ended.unwrap().is_good());
        assert_eq!(lines, ["failed"]);
        let other = Ok(Said::Done(start("2"), vec![]));
        let (ended, _) = heard(vec![(0, done("a")), (1, other)]);
        assert!(matches!(ended, Err(SimulationError::Unlike { id }) if id == "b"));
    }

    #[test]
    fn engines_that_crash_are_refused() {
        assert!(matches!(check_engine(EngineKind::OnnxRuntime), Err(SimulationError::Engine { .. })));
        assert!(check_engine(EngineKind::Mnn).is_ok() && check_engine(EngineKind::Tract).is_ok());
    }
}
