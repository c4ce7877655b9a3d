//! Has a device do a job, keeps its samples, shows how far it is.

use std::path::{Path, PathBuf};

use engines::EngineKind;
use indicatif::{ProgressBar, ProgressStyle};

use super::job::JobFolder;
use super::raw::{RawFile, Samples, partial};
use super::transport::{Address, Flow};
use super::{HostError, interrupt};
use crate::protocol::{Event, Job, PROTOCOL, Plan, Start};

/// What every measuring command is told.
#[derive(Clone, Debug)]
pub struct Setting {
    /// The device.
    pub device: Address,
    /// The engine.
    pub engine: EngineKind,
    /// Its library on the host, where given.
    pub engine_lib: Option<PathBuf>,
    /// Threads of the engine.
    pub threads: usize,
    /// CPUs to be pinned to; the agent chooses where empty.
    pub cpus: Vec<usize>,
    /// How and how long to measure.
    pub plan: Plan,
    /// Seed of the order.
    pub seed: u64,
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
    /// The raw file's final name, for messages.
    pub raw_path: Option<&'a Path>,
}

impl Task<'_> {
    /// Does it. The raw file is left unfinished where this fails.
    ///
    /// # Errors
    /// [`HostError`]: interrupted, or whatever happened on the device.
    pub fn run(mut self) -> Result<(Samples, Option<RawFile>), HostError> {
        let setting = self.setting;
        let mut transport = super::transport::open(&setting.device)?;
        for item in &mut self.folder.items {
            item.earlier = self.samples.items.get(&item.id).map(|s| s.ratios()).unwrap_or_default();
        }
        let job = Job {
            protocol: PROTOCOL,
            engine: setting.engine.name().to_string(),
            engine_lib: transport.library(setting.engine, setting.engine_lib.as_deref())?,
            threads: setting.threads,
            cpus: setting.cpus.clone(),
            seed: setting.seed,
            plan: setting.plan,
            items: std::mem::take(&mut self.folder.items),
        };
        self.folder.write_job(&job)?;
        transport.push(self.folder.path())?;
        let mut listener = Listener {
            samples: self.samples,
            raw: self.raw,
            bar: progress_bar(&job),
            loading: None,
            items: job.items.len(),
            failed: None,
        };
        let ended = transport.run(&mut |line| listener.line(line));
        listener.bar.finish_and_clear();
        let cleaned = transport.clean();
        let raw = || self.raw_path.map(partial).filter(|part| part.exists());
        if interrupt::requested() {
            return Err(HostError::Interrupted { raw: raw() });
        }
        let agent = |reason: String| HostError::Agent { device: transport.name(), reason, raw: raw() };
        if let Some(failure) = listener.failed {
            return Err(match failure {
                Failure::Said(reason) => agent(reason),
                Failure::Own(e) => e,
            });
        }
        let ended = ended.map_err(|trouble| HostError::Broken { trouble, raw: raw() })?;
        if !ended.good || listener.samples.done.is_none() {
            let during = listener.loading.map(|id| format!(" while it loaded '{id}'")).unwrap_or_default();
            let half = if ended.half_line { "; its last line was cut off" } else { "" };
            let said = if ended.stderr.is_empty() { String::new() } else { format!("\n{}", ended.stderr) };
            return Err(agent(format!("the agent ended early{during} ({}){half}{said}", ended.how)));
        }
        cleaned?;
        Ok((listener.samples, listener.raw))
    }
}

enum Failure {
    /// The agent said what went wrong.
    Said(String),
    /// Something on this side.
    Own(HostError),
}

/// Takes the agent's lines.
struct Listener {
    samples: Samples,
    raw: Option<RawFile>,
    bar: ProgressBar,
    loading: Option<String>,
    items: usize,
    failed: Option<Failure>,
}

impl Listener {
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
                let shown: String = String::from_utf8_lossy(line).chars().take(80).collect();
                return said(format!("the agent's line {shown:?} cannot be read: {e}"));
            }
        };
        match &event {
            Event::Start(Start { protocol, .. }) if *protocol != PROTOCOL => {
                return said(format!("the agent has protocol {protocol}, this program {PROTOCOL}; they must be of one version"));
            }
            Event::Loading { id } => {
                self.loading = Some(id.clone());
                self.bar.set_message(format!("loading {id}"));
            }
            Event::Sampling => self.loading = None,
            Event::Sample(sample) => self.bar.set_position(sample.at_ms as u64),
            Event::Round { settled, .. } => self.bar.set_message(format!("{settled} of {} precise", self.items)),
            Event::Failed { reason, .. } => return said(reason.clone()),
            _ => {}
        }
        self.samples.add(&event).or_else(said)?;
        match &mut self.raw {
            Some(raw) => raw.line(line).map_err(Failure::Own),
            None => Ok(()),
        }
    }
}

fn progress_bar(job: &Job) -> ProgressBar {
    let style = ProgressStyle::with_template("{bar:30} {elapsed}, at most {eta} to go; {msg}");
    let bar = ProgressBar::new(job.plan.budget_ms);
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
