//! A first look at a few models of a job: what they take decides how much of it is measured, in which time.

use indicatif::MultiProgress;

use super::bounds::Bounds;
use super::error::CollectError;
use super::listener::Listener;
use super::progress::Progress;
use super::{Accept, Setting, Sizes, Task, tell};
use crate::measure::choice;
use crate::measure::design;
use crate::measure::job::{JobFolder, Source};
use crate::measure::model::Model;
use crate::measure::raw::Samples;
use crate::measure::subject::Subject;
use crate::protocol::{Job, Plan};

/// Networks that are looked at, …
const NETS: usize = 3;
/// … and parts.
const PARTS: usize = 8;
/// Seed of these networks.
const SEED: u64 = 7;

/// What some networks and parts of a space take on a device. `source` names the space; its models are not looked at.
///
/// # Errors
/// [`CollectError`].
pub fn look(source: Source, setting: &Setting, bars: &MultiProgress, accept: Option<&Accept>) -> Result<Sizes, CollectError> {
    let layers = source.space.layers();
    let parts = Model::parts(source.space);
    // The first is the graph of one operation: what the process takes without any model.
    let step = parts.len().div_ceil(PARTS).max(1);
    let nets = design::unknown(source.space, NETS, SEED, &[]);
    let nets = nets.iter().map(|places| Model::net(&layers, &choice::full(places)));
    let models: Vec<Model> = parts.into_iter().step_by(step).chain(nets).collect();
    let folder = JobFolder::prepare(Source { models: &models, ..source }, setting.engine, bars)?;
    let task =
        Task { setting, folder, samples: Samples::default(), raw: None, bars: bars.clone(), sizes: Sizes::default(), accept };
    task.size_up()
}

impl Task<'_> {
    /// Has the device load the models, and gives what they take; nothing is sampled.
    fn size_up(self) -> Result<Sizes, CollectError> {
        let Self { setting, folder, samples, bars, sizes, accept, .. } = self;
        let mut transport = setting.open()?;
        let engine_lib = transport.library(setting.engine, setting.engine_lib.as_deref())?;
        tell(transport.as_mut());
        let plan = Plan { budget_ms: 0, cold_runs: 0, ..setting.plan };
        let job: Job = setting.job(setting.seed, engine_lib, plan, setting.hold, folder.items.clone());
        let progress = Progress::models(job.items.len());
        let bar = bars.add(progress.bar()).with_prefix(setting.device.to_string());
        let asked = job.items.iter().map(|item| Subject::from(&item.id)).collect();
        let mut listener = Listener { sizes, ..Listener::new(samples, None, bar, progress, asked, accept) };
        listener.begin(Bounds::of(&job));
        let done = listener.process(&folder, transport.as_mut(), &job, 1);
        listener.bar.finish_and_clear();
        let cleaned = transport.clean();
        done?;
        cleaned?;
        Ok(listener.sizes)
    }
}
