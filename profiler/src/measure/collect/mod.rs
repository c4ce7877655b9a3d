//! Has a device do a job, keeps its samples, shows how far it is.

mod error;
#[cfg(test)]
mod fuzz;
mod once;

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Instant;

use engines::EngineKind;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

pub use error::CollectError;

use super::job::JobFolder;
use super::raw::{Purpose, RawFile, Request, Samples};
use super::subject::Subject;
use crate::agent::clock;
use crate::devices::identity::OtherDevice;
use crate::devices::interrupt;
use crate::devices::{self, Access, Address, Ended, Flow, Transport, TransportError};
use crate::fit::neighbour::QuietRatios;
use crate::output::{note, telling};
use crate::protocol::{Event, Hold, Item, Job, PROTOCOL, Plan, Start};
use crate::random::Random;
use crate::show::text;

/// The settings of every command that measures.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The device.
    pub device: Address,
    /// The engine.
    pub engine: EngineKind,
    /// Its library on the host, where given.
    pub engine_lib: Option<PathBuf>,
    /// Key file for ssh, where given.
    pub identity: Option<PathBuf>,
    /// Threads of the engine.
    pub threads: usize,
    /// CPUs to be pinned to; the agent chooses where empty.
    pub cpus: Vec<usize>,
    /// Whether the engine may have more threads than there are CPUs for them.
    pub oversubscribe: bool,
    /// How and how long to measure, all passes together.
    pub plan: Plan,
    /// What the device is held at meanwhile.
    pub hold: Hold,
    /// Measurement passes, each in a fresh process.
    pub passes: usize,
    /// Seed of the order.
    pub seed: u64,
    /// Timed runs of each model on a simulated device.
    pub timed_runs: usize,
    /// Whether a simulated device may execute instructions that the simulator does not know.
    pub allow_unknown: bool,
}

impl Setting {
    /// Refuses what can be refused before models are prepared: on this machine, an engine that this program does not hold, and more
    /// threads than CPUs; on a simulated device, what it cannot run, and more threads than its one processor.
    ///
    /// # Errors
    /// [`CollectError::Engine`], [`CollectError::Crowded`], [`CollectError::OneProcessor`], [`CollectError::Transport`].
    pub fn check_engine(&self) -> Result<(), CollectError> {
        if self.device.is_simulated() {
            self.check_simulated()?;
        }
        self.engine.check_library(self.engine_lib.as_deref())?;
        if self.device == Address::Local && !self.engine.is_built() {
            return Err(self.engine.not_built().into());
        }
        let room = clock::room(&self.cpus);
        if self.device == Address::Local && self.threads > room && !self.oversubscribe {
            return Err(CollectError::Crowded { threads: self.threads, cpus: room });
        }
        Ok(())
    }

    #[cfg(not(target_os = "android"))]
    fn check_simulated(&self) -> Result<(), CollectError> {
        crate::devices::simulated::check_engine(self.engine).map_err(TransportError::from)?;
        if self.threads > 1 || !self.cpus.is_empty() {
            let option = if self.threads > 1 { format!("--threads {}", self.threads) } else { "--cpus".to_string() };
            return Err(CollectError::OneProcessor { device: self.device.clone(), option });
        }
        Ok(())
    }

    #[cfg(target_os = "android")]
    fn check_simulated(&self) -> Result<(), CollectError> {
        Ok(())
    }

    /// Opens the device, and tells the user what there is to know of that.
    fn open(&self) -> Result<Box<dyn Transport>, TransportError> {
        let access = Access { identity: self.identity.as_deref(), allow_unknown: self.allow_unknown };
        telling(|notices| devices::open(&self.device, access, notices))
    }

    /// What a raw file's first line says of this, and of these items; for a table.
    pub fn request(&self, items: Vec<String>) -> Request {
        Request {
            purpose: Purpose::Build,
            space: None,
            points: None,
            threads: self.threads,
            cpus: self.cpus.clone(),
            engine: self.engine.to_string(),
            device: self.device.to_string(),
            items,
        }
    }

    /// Seed of the order in a pass.
    fn seed_of(&self, pass: usize) -> u64 {
        self.seed.wrapping_add(pass as u64)
    }

    /// The job of a pass on a device with noise.
    fn job(&self, pass: usize, engine_lib: Option<String>, plan: Plan, hold: Hold, items: Vec<Item>) -> Job {
        Job {
            protocol: PROTOCOL,
            engine: self.engine.name().to_string(),
            engine_lib,
            threads: self.threads,
            cpus: self.cpus.clone(),
            oversubscribe: self.oversubscribe,
            holder: holder(),
            patience_ms: 0,
            simulated: false,
            seed: self.seed_of(pass),
            plan,
            hold,
            items,
        }
    }

    /// What one of several units does that share the work: its part of the time, for its part of the precision.
    pub fn share(&self, device: Address, sharers: usize) -> Self {
        let plan = Plan {
            precision: self.plan.precision * (sharers as f64).sqrt(),
            budget_ms: (self.plan.budget_ms / sharers as u64).max(1),
            // Each unit's own median must have an interval.
            min_samples: self.plan.min_samples.div_ceil(sharers).max(6),
            ..self.plan
        };
        Self { device, plan, ..self.clone() }
    }
}

/// A job to be done, and what is known of it already.
pub struct Task<'a> {
    /// Device, engine, plan.
    pub setting: &'a Setting,
    /// Its files.
    pub folder: JobFolder,
    /// Samples of earlier runs.
    pub samples: Samples,
    /// Where new lines go.
    pub raw: Option<RawFile>,
    /// Where its progress is shown, beside that of others.
    pub bars: MultiProgress,
    /// Refuses a device or engine that is not the one wanted, before anything is measured on it.
    pub accept: Option<&'a Accept<'a>>,
}

/// Judges where and with what an agent runs.
pub type Accept<'a> = dyn Fn(&Start) -> Result<(), OtherDevice> + 'a;

/// A device's clock may run this much faster than this machine's, …
const CLOCK_RATE: f64 = 1.1;
/// … and be this far ahead: lines are sent at once, so that they come later here, not earlier.
const CLOCK_SLACK_MS: f64 = 2000.0;
/// Most letters of the command that others are told.
const COMMAND_LIMIT: usize = 300;
/// How long a later pass waits for CPUs on which another measures, in ms.
const PATIENCE_MS: u64 = 120_000;
/// Least time for the passes that a resumed task still lacks, and for one more than was planned.
const LEAST_MS: f64 = 3000.0;
/// What a pass beyond those aims at, in parts of the precision: another process may move a median away from where it was precise enough.
const SURELY: f64 = 0.8;

impl Task<'_> {
    /// Does it, pass by pass. The raw file is left unfinished where this fails.
    ///
    /// Where a model's buffers happen to lie in memory changes its time by about a percent for as long as the process lives; so
    /// each pass is a process of its own, with the models in another order.
    ///
    /// # Errors
    /// [`CollectError`]: interrupted, or whatever happened on the device.
    pub fn run(self) -> Result<(Samples, Option<RawFile>), CollectError> {
        if self.setting.device.is_simulated() { self.run_once() } else { self.run_passes() }
    }

    fn run_passes(self) -> Result<(Samples, Option<RawFile>), CollectError> {
        let Self { setting, folder, samples, raw, bars, accept } = self;
        let mut transport = setting.open()?;
        let engine_lib = transport.library(setting.engine, setting.engine_lib.as_deref())?;
        tell(transport.as_mut());
        let earlier_ms = samples.spent_ms();
        let first = samples.passes;
        // Where all passes were made, and that was not enough, whoever resumes grants as much again.
        let whole = setting.plan.budget_ms as f64;
        let (last, budget_ms) = if first < setting.passes {
            (setting.passes, (whole - earlier_ms).max(LEAST_MS.min(whole)))
        } else {
            (first + setting.passes, whole)
        };
        let progress = Progress::Time { earlier_ms, budget_ms: budget_ms as u64 };
        let bar = bars.add(progress.bar()).with_prefix(setting.device.to_string());
        let asked = folder.items.iter().map(|item| Subject::from(&item.id)).collect();
        let mut listener = Listener::new(samples, raw, bar, progress, asked, accept);
        let planned = last;
        let (mut pass, mut last, mut left_ms) = (first, last, budget_ms);
        let mut quiet = QuietRatios::of(&listener.samples);
        while pass < last {
            pass += 1;
            let plan = Plan {
                // What has been reached after this pass if each adds its share.
                precision: setting.plan.precision * if pass > planned { SURELY } else { (last as f64 / pass as f64).sqrt() },
                budget_ms: (left_ms / (last - pass + 1) as f64).max(1.0) as u64,
                min_samples: (setting.plan.min_samples * pass).div_ceil(last),
                quiet_us: listener.samples.canary_us().map(|(quiet, _)| quiet),
                widening: quiet.widening(),
                ..setting.plan
            };
            // The band lies around the temperature at the start of the first pass: a new one in each pass would drift with the device.
            let hold = Hold { start_celsius: listener.samples.celsius.first().copied(), ..setting.hold };
            // Between two passes another measurement may have begun: it has the CPUs for a pass at most, and is then waited for.
            let patience_ms = if pass == first + 1 { 0 } else { PATIENCE_MS };
            let job = Job {
                patience_ms,
                ..setting.job(pass, engine_lib.clone(), plan, hold, shuffled(&folder.items, &quiet, setting.seed_of(pass)))
            };
            (listener.began, listener.bounds, listener.lines) = (None, Bounds::of(&job), 0);
            folder.write_job(&job)?;
            let pushed = transport.push(folder.path());
            tell(transport.as_mut());
            pushed?;
            let ended = transport.run(&mut |line| listener.line(line));
            let ended = listener.verdict(ended, &transport.name(), pass);
            quiet = QuietRatios::of(&listener.samples);
            left_ms = budget_ms - (listener.samples.spent_ms() - earlier_ms);
            // Whether it is enough is judged by what processes differ, which the last one tells too: time that is left is spent on it.
            let is_enough = || left_ms < LEAST_MS || quiet.are_precise(&listener.asked, setting.plan.precision);
            if ended.is_ok() && pass == last && last < 2 * planned && !is_enough() {
                last += 1;
            }
            if ended.is_err() || pass == last {
                listener.bar.finish_and_clear();
                // What went wrong before is what the user must hear of.
                let cleaned = transport.clean();
                ended?;
                cleaned?;
            }
        }
        Ok((listener.samples, listener.raw))
    }
}

/// Tells the user what the transport has to say.
fn tell(transport: &mut dyn Transport) {
    transport.notices().iter().for_each(note);
}

/// Who measures since when, for others that want to.
pub fn holder() -> String {
    static BEGAN: LazyLock<String> = LazyLock::new(text::now);
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ");
    let command: String = words.chars().take(COMMAND_LIMIT).collect();
    format!("process {} ({command}), since {}", std::process::id(), *BEGAN)
}

/// The items in another order, each with what is known of it.
fn shuffled(items: &[Item], quiet: &QuietRatios, seed: u64) -> Vec<Item> {
    let known = |id: &String| quiet.item(&Subject::from(id)).to_vec();
    let mut items: Vec<Item> = items.iter().map(|item| Item { earlier: known(&item.id), ..item.clone() }).collect();
    Random::new(seed).shuffle(&mut items);
    items
}

enum Failure {
    /// The agent said what went wrong.
    Said(String),
    /// It said what is wrong with a user's model.
    Refused(String),
    /// Something on this side.
    Own(CollectError),
}

/// What an agent can have to say of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Bounds {
    /// Lines.
    lines: u64,
    /// Time of sampling, by this machine's clock.
    ms: f64,
}

/// A sample and the canary before it take at least this long, …
const LEAST_SAMPLE_MS: f64 = 0.05;
/// … lines that are no samples come at least so often: two to load a model, one a round, one a rest, …
const OTHER_LINES: u64 = 1_000;
/// … and runs with cold caches, which the budget does not bound, may take so long.
const OVERTIME_MS: f64 = 1_800_000.0;

impl Bounds {
    fn of(job: &Job) -> Self {
        let plan = &job.plan;
        let cold = job.items.iter().filter(|item| item.cold).count() * plan.cold_runs;
        // A sample is of one run at least, and there may be a round for each.
        let samples = plan.budget_ms as f64 / (plan.sample_us * 1e-3).max(LEAST_SAMPLE_MS) * 2.0;
        let lines = OTHER_LINES.saturating_add(samples as u64).saturating_add((2 * job.items.len() + cold) as u64);
        Self { lines, ms: 2.0 * plan.budget_ms as f64 + OVERTIME_MS }
    }

    /// Of a job on a simulated device: some lines an item, and as long as it takes; its transport watches that it goes on.
    fn of_simulated(job: &Job) -> Self {
        let each = OTHER_LINES + job.plan.min_samples as u64;
        Self { lines: OTHER_LINES.saturating_add(each.saturating_mul(job.items.len() as u64)), ms: f64::INFINITY }
    }
}

/// What is shown of how far a job is.
#[derive(Clone, Copy, Debug)]
enum Progress {
    /// Time of sampling, beyond that spent earlier, of the budget.
    Time { earlier_ms: f64, budget_ms: u64 },
    /// Models that are done.
    Models { done: u64, of: u64 },
}

impl Progress {
    /// None of so many models.
    fn models(count: usize) -> Self {
        Self::Models { done: 0, of: count as u64 }
    }

    fn bar(self) -> ProgressBar {
        let (length, template) = match self {
            Self::Time { budget_ms, .. } => (budget_ms, "{prefix} {bar:30} {elapsed}, at most {eta} left; {msg}"),
            Self::Models { of, .. } => (of, "{prefix} {bar:30} {pos} of {len} models, {elapsed}, about {eta} left; {msg}"),
        };
        let style = ProgressStyle::with_template(template);
        ProgressBar::new(length).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
    }

    /// Where the bar stands after an event.
    fn after(&mut self, event: &Event, samples: &Samples) -> u64 {
        match self {
            Self::Time { earlier_ms, .. } => (samples.spent_ms() - *earlier_ms) as u64,
            Self::Models { done, .. } => {
                *done += u64::from(matches!(event, Event::Ready { .. }));
                *done
            }
        }
    }
}

/// Whether an item has its one time, and that with cold caches where it is wanted.
pub fn measured_exactly(samples: &Samples, subject: &Subject, cold: bool) -> bool {
    samples.items.get(subject).is_some_and(|item| !item.samples.is_empty() && (!cold || !item.cold.is_empty()))
}

/// Takes the agent's lines.
struct Listener<'a> {
    samples: Samples,
    raw: Option<RawFile>,
    bar: ProgressBar,
    progress: Progress,
    loading: Option<String>,
    /// What was asked for.
    asked: BTreeSet<Subject>,
    failed: Option<Failure>,
    /// When the pass began to sample, by this machine's clock.
    began: Option<Instant>,
    /// Of the pass.
    bounds: Bounds,
    /// Lines of the pass.
    lines: u64,
    accept: Option<&'a Accept<'a>>,
}

impl<'a> Listener<'a> {
    fn new(
        samples: Samples,
        raw: Option<RawFile>,
        bar: ProgressBar,
        progress: Progress,
        asked: BTreeSet<Subject>,
        accept: Option<&'a Accept<'a>>,
    ) -> Self {
        let (bounds, lines) = (Bounds::default(), 0);
        Self { samples, raw, bar, progress, loading: None, asked, failed: None, began: None, bounds, lines, accept }
    }

    /// Whether the pass ended as it should.
    fn verdict(&mut self, ended: Result<Ended, TransportError>, device: &str, pass: usize) -> Result<(), CollectError> {
        let kept = self.raw.as_ref().and_then(RawFile::kept);
        let raw = || kept.clone();
        if interrupt::requested() {
            return Err(CollectError::Interrupted { raw: raw() });
        }
        let agent = |reason: String| CollectError::Agent { device: device.to_string(), reason, raw: raw() };
        if let Some(failure) = self.failed.take() {
            return Err(match failure {
                Failure::Said(reason) => agent(reason),
                Failure::Refused(reason) => CollectError::Refused { device: device.to_string(), reason },
                Failure::Own(e) => e,
            });
        }
        let ended = ended.map_err(|trouble| CollectError::Broken { trouble: Box::new(trouble), raw: raw() })?;
        if ended.good && self.samples.passes >= pass {
            return Ok(());
        }
        let during = self.loading.take().map(|id| format!(" while it loaded '{id}'")).unwrap_or_default();
        let half = if ended.half_line { "; its last line was cut off" } else { "" };
        let said = if ended.stderr.is_empty() { String::new() } else { format!("\n{}", ended.stderr) };
        Err(agent(format!("the agent ended early{during} ({}){half}{said}", ended.how)))
    }

    fn line(&mut self, line: &[u8]) -> Flow {
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
            return said(format!("the agent does not stop: {} lines in {:.0} s", self.lines, here_ms * 1e-3));
        }
        if let Some(id) = event.id().filter(|id| !self.asked.contains(&Subject::from(*id))) {
            return said(format!("the agent reports an unknown model {:?}", short(id)));
        }
        match &event {
            Event::Start(start) if start.protocol != PROTOCOL => {
                return said(other_version(start.protocol.into()));
            }
            Event::Start(start) => self.accept.map_or(Ok(()), |accept| accept(start)).map_err(|e| Failure::Own(e.into()))?,
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
                    "the device's clock jumped: it counts {there:.1} s of sampling, here {:.1} s have passed",
                    here_ms * 1e-3
                ));
            }
            Event::Resting { celsius } => self.bar.set_message(format!("waiting for the temperature, {celsius:.1} °C")),
            Event::Round { settled, .. } => self.bar.set_message(format!("{settled} of {} precise", self.asked.len())),
            Event::Failed { reason, by_user: true, .. } => return Err(Failure::Refused(reason.clone())),
            Event::Failed { reason, .. } => return said(reason.clone()),
            _ => {}
        }
        self.samples.add(&event).or_else(said)?;
        self.bar.set_position(self.progress.after(&event, &self.samples));
        match &mut self.raw {
            Some(raw) => raw.line(line).map_err(|e| Failure::Own(e.into())),
            None => Ok(()),
        }
    }
}

/// As much of a text as fits on a line.
fn short(text: &str) -> String {
    text.chars().take(80).collect()
}

fn other_version(found: u64) -> String {
    format!("the agent has protocol {found}, this program {PROTOCOL}; they must be of one version")
}
