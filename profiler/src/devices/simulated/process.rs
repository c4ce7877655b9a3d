//! One model, simulated in a process of its own.

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};

use emulator::{Emulator, Run};
use files::FileError;
use simulator::{Chip, Report};

use super::device;
use super::error::SimulationError;
use super::explain::Explainer;
use super::single::Single;
use super::watchdog::{IDLE, LONGEST, State, Watchdog};
use crate::devices::stream::{self, Flow};
use crate::protocol::{Event, Item, Job, SimulatorFacts, Start};

/// By how much the program's own clock may differ from the simulator's cycles, as a share, …
const CLOCK_SHARE: f64 = 0.01;
/// … or in µs: the region begins a little before the clock is read, and ends a little after it.
const CLOCK_US: f64 = 5.0;

/// What runs models.
pub(super) struct Runner<'a> {
    pub(super) chip: &'a Chip,
    pub(super) emulator: &'a Emulator,
    pub(super) agent: &'a Path,
    pub(super) facts: SimulatorFacts,
    pub(super) explainer: Explainer,
    /// Whether unknown instructions are accepted.
    pub(super) allow_unknown: bool,
    /// Ends what runs.
    pub(super) stop: AtomicBool,
}

/// What an agent said of its model.
pub(super) enum Said {
    /// All that was asked for: where and with what, and the events of the model.
    Done(Box<Start>, Vec<Event>),
    /// That it cannot go on; the last event says why.
    Failed(Vec<Event>),
}

impl Runner<'_> {
    /// Simulates an item of the job in `folder`.
    pub(super) fn run(&self, job: &Job, item: &Item, folder: &Path) -> Result<Said, SimulationError> {
        let single = Single::new(job, item, folder)?;
        let run = Run {
            chip: self.chip,
            program: self.agent,
            arguments: vec!["agent".into(), ".".into()],
            sysroot: None,
            folder: Some(single.path()),
            marked: true,
            environment: Vec::new(),
        };
        let mut prepared = self.emulator.prepare(&run)?;
        let command = prepared.command().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A group of its own: Ctrl-C reaches the host alone, which then ends it.
        let child = command.process_group(0).spawn().map_err(FileError::new("cannot start", Path::new("QEMU")))?;
        let mut watchdog = Watchdog::new(child.id());
        let (mut state, mut events, mut odd) = (State::Busy, Vec::new(), None);
        let ended = stream::follow_while(
            child,
            &mut |silent| {
                state = watchdog.state(silent);
                state == State::Busy && !self.stop.load(Ordering::Relaxed)
            },
            &mut |line| match serde_json::from_slice(line) {
                Ok(event) => {
                    events.push(single.named(event));
                    Flow::Continue
                }
                Err(e) => {
                    odd = Some(format!("its line {:?} cannot be read: {e}", String::from_utf8_lossy(line)));
                    Flow::Stop
                }
            },
        );
        let id = || item.id.clone();
        match state {
            State::Busy => {}
            State::Waits => return Err(SimulationError::Waits { id: id(), seconds: IDLE.as_secs() }),
            State::Endless => return Err(SimulationError::Endless { id: id(), seconds: LONGEST.as_secs() }),
        }
        if let Some(reason) = odd {
            return Err(SimulationError::Odd { id: id(), reason });
        }
        if matches!(events.last(), Some(Event::Failed { .. })) {
            return Ok(Said::Failed(events));
        }
        let (good, how, said) = match ended {
            Ok(ended) => (ended.is_good(), ended.exit.to_string(), ended.stderr),
            Err(e) => (false, e.to_string(), String::new()),
        };
        if !good || !matches!(events.last(), Some(Event::Done { .. })) {
            return Err(SimulationError::Ended { id: id(), how, said });
        }
        let report = prepared.trusted_report(self.allow_unknown).map_err(|source| SimulationError::Report { id: id(), source })?;
        self.explained(item, events, &report)
    }

    /// The events with the device that was simulated, and behind each time where it went.
    fn explained(&self, item: &Item, events: Vec<Event>, report: &Report) -> Result<Said, SimulationError> {
        let odd = |reason: String| SimulationError::Odd { id: item.id.clone(), reason };
        let middle = usual_sample(&events).ok_or_else(|| odd("no timed runs".to_string()))?;
        let mut regions = report.regions.iter();
        let (mut start, mut kept) = (None, Vec::new());
        for (place, event) in events.into_iter().enumerate() {
            let timed = match &event {
                Event::Sample(sample) => Some((sample.us, false)),
                Event::Cold { us, .. } => Some((*us, true)),
                _ => None,
            };
            match event {
                Event::Start(mut said) => {
                    said.device = device::facts(self.chip);
                    said.cpus = vec![device::CPU];
                    said.simulator = Some(self.facts.clone());
                    start = Some(said);
                }
                Event::Sampling | Event::Done { .. } => {}
                other => kept.push(other),
            }
            if let Some((us, cold)) = timed {
                let region = regions.next().ok_or_else(|| odd("fewer marks than timed runs".to_string()))?;
                let simulated = region.nanoseconds as f64 * 1e-3;
                if (us - simulated).abs() > CLOCK_US.max(CLOCK_SHARE * simulated) {
                    return Err(odd(format!("its clock counted {us} µs of {simulated} simulated ones")));
                }
                // Of several runs the one that is nearest to what the table states.
                if cold || place == middle {
                    kept.push(Event::Explained(Box::new(self.explainer.explain(region, report.entry, &item.id, cold))));
                }
            }
        }
        if regions.next().is_some() {
            return Err(odd("marked and timed runs differ".to_string()));
        }
        let start = start.ok_or_else(|| odd("it did not describe itself".to_string()))?;
        Ok(Said::Done(start, kept))
    }
}

/// The place of the sample that is nearest to the mean of all; `None` where there is no sample.
fn usual_sample(events: &[Event]) -> Option<usize> {
    let sample = |(place, event): (usize, &Event)| match event {
        Event::Sample(sample) => Some((place, sample.us)),
        _ => None,
    };
    let samples: Vec<(usize, f64)> = events.iter().enumerate().filter_map(sample).collect();
    let mean = samples.iter().map(|(_, us)| us).sum::<f64>() / samples.len() as f64;
    let nearest = samples.iter().min_by(|(_, a), (_, b)| (a - mean).abs().total_cmp(&(b - mean).abs()));
    nearest.map(|(place, _)| *place)
}
