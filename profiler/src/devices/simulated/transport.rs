//! A simulated device as a transport.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;

use emulator::Emulator;
use engines::EngineKind;
use files::FileError;
use simulator::Chip;

use super::device;
use super::error::SimulationError;
use super::explain::Explainer;
use super::order::in_order;
use super::process::Runner;
use crate::devices::deliver::Bundle;
use crate::devices::description::Description;
use crate::devices::error::TransportError;
use crate::devices::stream::{Ended, Flow};
use crate::devices::transport::Transport;
use crate::protocol::{JOB_FILE, Job};

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
fn emulator() -> Result<Emulator, SimulationError> {
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

    #[test]
    fn engines_that_crash_are_refused() {
        assert!(matches!(check_engine(EngineKind::OnnxRuntime), Err(SimulationError::Engine { .. })));
        assert!(check_engine(EngineKind::Mnn).is_ok() && check_engine(EngineKind::Tract).is_ok());
    }
}
