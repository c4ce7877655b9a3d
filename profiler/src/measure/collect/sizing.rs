//! A first look at models of a job: what they take decides how much of it is measured, in which time. Before a build that is each block,
//! alone and before any network: what an engine refuses is then told by its file.

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
use crate::protocol::{Item, Job, Plan};

/// Networks that are looked at.
const NETS: usize = 3;
/// Most bytes of files in one process: what models take of memory is not known yet.
const AT_ONCE: u64 = 128 << 20;
/// Seed of these networks.
const SEED: u64 = 7;

/// What the models of `source` take on a device, and then some networks of its space; nothing of a simulated one, on which that would take
/// as long as measuring.
///
/// # Errors
/// [`CollectError`].
pub fn look(source: Source, setting: &Setting, bars: &MultiProgress, accept: Option<&Accept>) -> Result<Sizes, CollectError> {
    if setting.device.is_simulated() {
        return Ok(Sizes::default());
    }
    let layers = source.space.layers();
    let nets = design::unknown(source.space, NETS, SEED, &[]);
    let nets = nets.iter().map(|places| Model::net(&layers, &choice::full(places)));
    let models: Vec<Model> = source.models.iter().cloned().chain(nets).collect();
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
        let progress = Progress::models(folder.items.len());
        let bar = bars.add(progress.bar()).with_prefix(setting.device.to_string());
        let asked = folder.items.iter().map(|item| Subject::from(&item.id)).collect();
        let mut listener = Listener { sizes, ..Listener::new(samples, None, bar, progress, asked, accept) };
        let done = groups(&folder, AT_ONCE).into_iter().try_for_each(|group| {
            let job: Job = setting.job(setting.seed, engine_lib.clone(), plan, setting.hold, group.to_vec());
            listener.begin(Bounds::of(&job));
            let passes = listener.samples.passes + 1;
            listener.process(&folder, transport.as_mut(), &job, passes)
        });
        listener.bar.finish_and_clear();
        let cleaned = transport.clean();
        done?;
        cleaned?;
        Ok(listener.sizes)
    }
}

/// A folder's models in their order, in groups of at most so many bytes of files; a larger one alone.
fn groups<'a>(folder: &'a JobFolder, most: u64) -> Vec<&'a [Item]> {
    let (mut groups, mut begin, mut bytes) = (Vec::new(), 0, 0);
    for (i, item) in folder.items.iter().enumerate() {
        // A network that is joined on the device is small here: there are few.
        let size = std::fs::metadata(folder.path().join(&item.model)).map_or(0, |file| file.len());
        if bytes + size > most && i > begin {
            groups.push(&folder.items[begin..i]);
            (begin, bytes) = (i, 0);
        }
        bytes += size;
    }
    groups.push(&folder.items[begin..]);
    groups
}

#[cfg(test)]
mod tests {
    use blocks::{PrimitiveSpace, Space};
    use engines::EngineKind;

    use super::*;
    use crate::measure::expected::Judge;

    #[test]
    fn models_are_looked_at_in_their_order_in_groups_of_so_many_bytes() {
        let space = PrimitiveSpace { space: Space::load("pfld").unwrap(), points: 106 };
        let parts = Model::parts(&space);
        let source = Source { space: &space, models: &parts[..5], judge: &Judge::default(), is_joined: true };
        let folder = JobFolder::prepare(source, EngineKind::OnnxRuntime, &MultiProgress::new()).unwrap();
        let dealt = |most| groups(&folder, most).into_iter().map(<[Item]>::len).collect::<Vec<_>>();
        assert_eq!((dealt(AT_ONCE), dealt(1)), (vec![5], vec![1; 5]));
        let size = |item: &Item| std::fs::metadata(folder.path().join(&item.model)).unwrap().len();
        let most = folder.items[..3].iter().map(size).sum();
        let some = groups(&folder, most);
        assert_eq!(some[0].len(), 3);
        assert!(some.iter().all(|group| group.len() == 1 || group.iter().map(size).sum::<u64>() <= most));
        assert_eq!(some.concat(), folder.items);
    }
}
