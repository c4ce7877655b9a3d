//! Random networks about as fast as the searched one, trained as it was.

use std::cell::OnceCell;
use std::collections::{BTreeSet, HashMap};

use blocks::Space;
use rand::RngExt;
use serde::Deserialize;

use super::error::CompareError;
use super::finished::Finished;
use super::statistics::{Comparison, Trained};
use super::trainings::{self, Context};
use crate::console::note;
use crate::cost::Costs;
use crate::model::{Draw, Purpose, names};
use crate::run::{read_json, to_json, write_atomically};
use crate::task::{Scores, Task};
use crate::train::{FinetuneConfig, Search, Start, TrainConfig, TrainingLoop, digest};

/// The file with the comparison, in a run's folder.
const RANDOM: &str = "baselines/random.json";
/// Random networks are at most this much faster or slower than the searched one, as a fraction of its predicted latency.
pub const WINDOW: f64 = 0.03;
/// Draws after which no more random networks are looked for.
const DRAWS: u64 = 1_000_000;

/// `count` different networks whose predicted cost is within ±[`WINDOW`] of that of `searched`, which is not among them: a faster one and
/// a slower one in turn, each as likely as any other of its side. If one side has no more, the rest is from the other side. Equal seeds
/// give equal networks, and a larger count begins with the networks of a smaller one.
///
/// # Errors
/// There are not that many.
pub fn random_networks(
    space: &Space,
    costs: &Costs,
    searched: &[usize],
    count: usize,
    seed: u64,
) -> Result<Vec<Vec<usize>>, CompareError> {
    let centre = costs.network(searched);
    let mut rng = Draw { seed, purpose: Purpose::RandomNetworks, epoch: 0, step: 0 }.rng();
    let mut seen = BTreeSet::from([searched.to_vec()]);
    let (mut faster, mut slower) = (Vec::new(), Vec::new());
    let wanted = [count.div_ceil(2), count / 2];
    for _ in 0..DRAWS {
        if faster.len() >= wanted[0] && slower.len() >= wanted[1] {
            break;
        }
        let network: Vec<usize> = space.layers().iter().map(|layer| rng.random_range(0..layer.primitives.len())).collect();
        let part = costs.network(&network) / centre - 1.0;
        if part.abs() <= WINDOW && seen.insert(network.clone()) {
            if part <= 0.0 { &mut faster } else { &mut slower }.push(network);
        }
    }
    let found = faster.len() + slower.len();
    if found < count {
        return Err(CompareError::TooFewNetworks { found, window: 100.0 * WINDOW, centre, unit: costs.unit });
    }
    let pairs = faster.len().min(slower.len());
    let (more_faster, more_slower) = (faster.split_off(pairs), slower.split_off(pairs));
    let in_turn = std::iter::zip(faster, slower).flat_map(|(faster, slower)| [faster, slower]);
    Ok(in_turn.chain(more_faster).chain(more_slower).take(count).collect())
}

/// How many random networks are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nets {
    /// Random networks.
    pub count: usize,
    /// The first of them that are trained once more, with another seed: how much an error depends on chance alone.
    pub again: usize,
}

/// A second training has the run's seed and this.
const OTHER_SEED: u64 = 1 << 32;

/// Trains random networks as the run's own was, from the same supernet's weights, and compares it with them. Continues where it stopped.
///
/// # Errors
/// There are not that many networks; whatever ends a training.
pub fn random<T: Task>(
    run: &Finished<T>,
    nets: Nets,
    seed: u64,
    allow_emulated: bool,
    context: &Context<'_>,
) -> Result<Comparison, CompareError> {
    if nets.count == 0 {
        return Err(CompareError::NoNetworks);
    }
    let costs = run.search.costs(&run.space, run.arch.points, allow_emulated)?;
    let searched = run.indices()?;
    let untrained = Untrained::new(run, allow_emulated)?;
    let mut trained = Vec::new();
    for (i, indices) in random_networks(&run.space, &costs, &searched, nets.count, seed)?.iter().enumerate() {
        let (name, choice, predicted) = (format!("random-{}", i + 1), names(&run.space, indices), costs.network(indices));
        let which = format!("random network {} of {}", i + 1, nets.count);
        note(format_args!("{which}: predicted {predicted:.1} {}", costs.unit));
        let config = FinetuneConfig { choice: choice.clone(), ..run.finetune.clone() };
        // The trainings before took hours, in which a list may have changed.
        run.verify()?;
        let ended = trainings::finetune(&config, &run.inner(&format!("baselines/{name}")), context)?;
        note(format_args!("{which}: {} {:.2} % ({})", T::METRIC, ended.nme, ended.on));
        let again = if i < nets.again { Some(once_more(run, &config, &name, context)?) } else { None };
        let recalibrated = Some(untrained.error(&choice, indices)?);
        trained.push(Trained { name, choice, predicted, nme: ended.nme, again, recalibrated });
    }
    let own = Trained {
        name: "searched".to_string(),
        choice: run.arch.choice.clone(),
        predicted: costs.network(&searched),
        nme: run.ended.nme,
        again: None,
        recalibrated: Some(untrained.error(&run.arch.choice, &searched)?),
    };
    let comparison = Comparison::new(own, trained, costs.unit, run.ended.on);
    let path = run.folder.file(RANDOM);
    write_atomically(&path, to_json(&comparison, &path)?.as_bytes())?;
    Ok(comparison)
}

/// The error of a second training with another seed, per cent. What is held back stays the same.
fn once_more<T: Task>(
    run: &Finished<T>,
    config: &FinetuneConfig<T>,
    name: &str,
    context: &Context<'_>,
) -> Result<f64, CompareError> {
    let split_seed = Some(config.split_seed.unwrap_or(config.train.seed));
    let train = TrainConfig { seed: config.train.seed ^ OTHER_SEED, ..config.train.clone() };
    let ended = trainings::finetune(
        &FinetuneConfig { split_seed, train, ..config.clone() },
        &run.inner(&format!("baselines/{name}-again")),
        context,
    )?;
    note(format_args!("{name} with another seed: {} {:.2} % ({})", T::METRIC, ended.nme, ended.on));
    Ok(ended.nme)
}

/// Errors of a run's networks before they are trained: with the supernet's weights, on the examples that those have not seen.
struct Untrained<'a, T: Task> {
    run: &'a Finished<T>,
    allow_emulated: bool,
    /// Those that are known from before.
    known: HashMap<Vec<String>, f64>,
    /// The supernet, once it is needed.
    search: OnceCell<TrainingLoop<Search<T>>>,
}

impl<'a, T: Task> Untrained<'a, T> {
    fn new(run: &'a Finished<T>, allow_emulated: bool) -> Result<Self, CompareError> {
        let path = run.folder.file(RANDOM);
        let before = if path.is_file() { read_json::<Before>(&path, "cannot read")? } else { Before::default() };
        let known = before.random.into_iter().chain(before.searched);
        let known = known.filter_map(|net| Some((net.choice, net.recalibrated?))).collect();
        Ok(Self { run, allow_emulated, known, search: OnceCell::new() })
    }

    /// Per cent.
    fn error(&self, choice: &[String], indices: &[usize]) -> Result<f64, CompareError> {
        if let Some(&error) = self.known.get(choice) {
            return Ok(error);
        }
        let search = match self.search.get() {
            Some(search) => search,
            None => {
                let Finished { search: config, folder, .. } = self.run;
                let search = Search::new(config.clone(), self.allow_emulated)?;
                let loaded = TrainingLoop::new(search, digest(config)?, folder.clone(), &Start::Resumed)?;
                self.search.get_or_init(|| loaded)
            }
        };
        Ok(100.0 * search.phase().scores(indices)?.error())
    }
}

/// What is needed of a file that is already there.
#[derive(Default, Deserialize)]
struct Before {
    searched: Option<Trained>,
    random: Vec<Trained>,
}
