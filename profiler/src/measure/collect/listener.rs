//! Takes an agent's lines in: samples, and what went wrong.

use std::collections::BTreeSet;
use std::time::Instant;

use indicatif::ProgressBar;
use terminal::note;

use super::Accept;
use super::bounds::Bounds;
use super::error::CollectError;
use super::progress::Progress;
use super::sizes::Sizes;
use crate::devices::{Ended, Exit, Flow, TransportError, interrupt};
use crate::measure::raw::{RawFile, Samples};
use crate::measure::subject::Subject;
use crate::protocol::{Event, PROTOCOL};

/// A device's clock may run this much faster than this machine's, …
const CLOCK_RATE: f64 = 1.1;
/// … and be this far ahead: lines are sent at once, so that they come later here, not earlier.
const CLOCK_SLACK_MS: f64 = 2000.0;

pub(super) enum Failure {
    /// The agent said what went wrong.
    Said(String),
    /// It said what is wrong with a user's model.
    Refused(String),
    /// Something on this side.
    Own(CollectError),
}

/// Takes the agent's lines.
pub(super) struct Listener<'a> {
    pub(super) samples: Samples,
    pub(super) raw: Option<RawFile>,
    pub(super) bar: ProgressBar,
    pub(super) progress: Progress,
    pub(super) loading: Option<String>,
    /// The model at which the last agent failed.
    pub(super) culprit: Option<String>,
    /// What was asked for.
    pub(super) asked: BTreeSet<Subject>,
    pub(super) failed: Option<Failure>,
    /// When the pass began to sample, by this machine's clock.
    pub(super) began: Option<Instant>,
    /// Of the pass.
    pub(super) bounds: Bounds,
    /// Lines of the pass.
    pub(super) lines: u64,
    pub(super) accept: Option<&'a Accept<'a>>,
    /// Whether the device is simulated: then its transport adds what simulated it.
    pub(super) is_simulated: bool,
    /// Whether the kernel killed the last agent while it loaded a model: as a rule, since memory ran out.
    pub(super) was_killed: bool,
    /// What models take.
    pub(super) sizes: Sizes,
    /// Whether the user knows that the device's CPUs are not locked.
    pub(super) told_unlocked: bool,
}

impl<'a> Listener<'a> {
    pub(super) fn new(
        samples: Samples,
        raw: Option<RawFile>,
        bar: ProgressBar,
        progress: Progress,
        asked: BTreeSet<Subject>,
        accept: Option<&'a Accept<'a>>,
    ) -> Self {
        let (bounds, lines) = (Bounds::default(), 0);
        let (loading, culprit, failed, began, sizes) = (None, None, None, None, Sizes::default());
        let (is_simulated, was_killed, told_unlocked) = (false, false, false);
        Self {
            samples,
            raw,
            bar,
            progress,
            loading,
            culprit,
            asked,
            failed,
            began,
            bounds,
            lines,
            accept,
            is_simulated,
            was_killed,
            sizes,
            told_unlocked,
        }
    }

    /// Gets ready for another agent, which may have so much to say.
    pub(super) fn begin(&mut self, bounds: Bounds) {
        (self.began, self.bounds, self.lines, self.was_killed) = (None, bounds, 0, false);
    }

    /// Whether the agent ended as it should, so that `passes` have.
    pub(super) fn verdict(
        &mut self,
        ended: Result<Ended, TransportError>,
        device: &str,
        passes: usize,
    ) -> Result<(), CollectError> {
        let kept = self.raw.as_ref().and_then(RawFile::kept);
        let raw = || kept.clone();
        if interrupt::requested() {
            return Err(CollectError::Interrupted { raw: raw() });
        }
        let agent = |reason: String| CollectError::Agent { device: device.to_string(), block: None, reason, raw: raw() };
        if let Some(failure) = self.failed.take() {
            return Err(match failure {
                Failure::Said(reason) => agent(reason),
                Failure::Refused(reason) => CollectError::Refused { device: device.to_string(), block: None, reason },
                Failure::Own(e) => e,
            });
        }
        let ended = ended.map_err(|trouble| {
            self.culprit = trouble.model().map(str::to_string);
            CollectError::Broken { trouble: Box::new(trouble), block: None, raw: raw() }
        })?;
        if ended.is_good() && self.samples.passes >= passes {
            return Ok(());
        }
        self.was_killed = self.loading.is_some() && ended.exit == Exit::KILLED;
        self.culprit = self.loading.take();
        let during = self.culprit.as_ref().map(|id| format!(" while it loaded '{id}'")).unwrap_or_default();
        let half = if ended.half_line { "; its last line was incomplete" } else { "" };
        let said = if ended.stderr.is_empty() { String::new() } else { format!("\n{}", ended.stderr) };
        Err(agent(format!("the agent ended early{during} ({}){half}{said}", ended.exit)))
    }

    pub(super) fn line(&mut self, line: &[u8]) -> Flow {
        match self.take(line) {
            Ok(()) => Flow::Continue,
            Err(failure) => {
                self.failed = Some(failure);
                Flow::Stop
            }
        }
    }

    fn take(&mut self, line: &[u8]) -> Result<(), Failure> {
        let said = |reason: String| Err(Failure::Said(reason));
        let event: Event = match serde_json::from_slice(line) {
            Ok(event) => event,
            Err(e) => {
                // An agent of another version says other things, but says first which one it is.
                let found = serde_json::from_slice::<serde_json::Value>(line).ok().and_then(|line| line["protocol"].as_u64());
                if let Some(found) = found.filter(|&found| found != u64::from(PROTOCOL)) {
                    return said(other_version(found));
                }
                return said(format!("cannot read the agent's line {:?}: {e}", short(&String::from_utf8_lossy(line))));
            }
        };
        self.lines += 1;
        let here_ms = self.began.map_or(0.0, |began| began.elapsed().as_secs_f64() * 1e3);
        if self.lines > self.bounds.lines || here_ms > self.bounds.ms {
            return said(format!("the agent does not stop: it has sent {} lines in {:.0} s", self.lines, here_ms * 1e-3));
        }
        if let Some(id) = event.id().filter(|id| !self.asked.contains(&Subject::from(*id))) {
            return said(format!("the agent reports an unknown model {:?}", short(id)));
        }
        match &event {
            Event::Start(start) if start.protocol != PROTOCOL => {
                return said(other_version(start.protocol.into()));
            }
            // Its times would be taken for exact ones.
            Event::Start(start) if start.simulator.is_some() != self.is_simulated => {
                return said("the agent's description of the simulator does not fit the device".to_string());
            }
            Event::Explained(_) if !self.is_simulated => {
                return said("the agent explains simulated cycles, which only a simulated device has".to_string());
            }
            Event::Start(start) => {
                self.accept.map_or(Ok(()), |accept| accept(start)).map_err(|e| Failure::Own(e.into()))?;
                self.tell_unlocked(start.unlocked.as_deref());
            }
            Event::Loading { id } => {
                self.loading = Some(id.clone());
                self.bar.set_message(format!("loading {id}"));
            }
            Event::Sampling => {
                self.loading = None;
                self.began = Some(Instant::now());
            }
            Event::Sample(sample) if sample.at_ms > here_ms * CLOCK_RATE + CLOCK_SLACK_MS => {
                let there = sample.at_ms * 1e-3;
                return said(format!(
                    "the device's clock jumped: it shows {there:.1} s of sampling, but only {:.1} s have passed here",
                    here_ms * 1e-3
                ));
            }
            Event::Resting { celsius } => self.bar.set_message(format!("waiting for the temperature, {celsius:.1} °C")),
            Event::Round { settled, .. } => self.bar.set_message(format!("{settled} of {} precise", self.asked.len())),
            Event::Failed { id, reason, by_user } => {
                self.culprit.clone_from(id);
                return Err(if *by_user { Failure::Refused(reason.clone()) } else { Failure::Said(reason.clone()) });
            }
            _ => {}
        }
        self.samples.add(&event).or_else(said)?;
        self.sizes.add(&event);
        self.bar.set_position(self.progress.after(&event, &self.samples));
        match &mut self.raw {
            Some(raw) => raw.line(line).map_err(|e| Failure::Own(e.into())),
            None => Ok(()),
        }
    }
}

impl Listener<'_> {
    /// Tells once, where the CPUs could not be locked, that nothing keeps others from measuring on them.
    fn tell_unlocked(&mut self, why: Option<&str>) {
        if let (Some(why), false) = (why, self.told_unlocked) {
            self.told_unlocked = true;
            note(format_args!(
                "note: cannot lock the CPUs ({}): make sure that no other measurement runs at the same time; it would disturb this one",
                short(why)
            ));
        }
    }
}

/// As much of a text as fits on a line.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn other_version(found: u64) -> String {
    format!("the agent has protocol {found}, this program {PROTOCOL}; build both from one version")
}
