//! One search after another from the same warm-up, over β or over targets: which networks are the best of their latency.

use serde::Serialize;

use super::error::CompareError;
use super::finished::Finished;
use super::trainings::{self, Context};
use crate::console::note;
use crate::cost::{LatencyScope, TARGET_BETA};
use crate::run::Training;
use crate::task::Task;
use crate::train::{FinetuneConfig, SearchConfig, Start, TrainConfig, WARM_UP, digest, examine};

/// What one search of a sweep differs in from the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// The latency term's exponent; no target.
    Beta(f64),
    /// A target in µs.
    Target(f64),
}

impl Point {
    /// Those of these exponents, then those of these target times, µs.
    pub fn all(betas: &[f64], targets_us: &[f64]) -> Vec<Self> {
        let betas = betas.iter().map(|&beta| Self::Beta(beta));
        betas.chain(targets_us.iter().map(|&us| Self::Target(us))).collect()
    }

    /// Its folder's name in the run's `sweep/`.
    pub fn name(self) -> String {
        match self {
            Self::Beta(beta) => format!("beta-{beta}"),
            Self::Target(target) => format!("target-{target}us"),
        }
    }

    /// Whether it is that search itself.
    pub(super) fn is_of<T: Task>(self, search: &SearchConfig<T>) -> Result<bool, CompareError> {
        Ok(digest(&self.apply(search))? == digest(search)?)
    }

    /// The run's search, except for this.
    fn apply<T: Task>(self, search: &SearchConfig<T>) -> SearchConfig<T> {
        let target_beta = if search.target_us.is_some() { search.beta } else { TARGET_BETA };
        match self {
            Self::Beta(beta) => SearchConfig { beta, target_us: None, ..search.clone() },
            Self::Target(target) => {
                SearchConfig { beta: target_beta, target_us: Some(target), latency_scope: LatencyScope::Whole, ..search.clone() }
            }
        }
    }
}

/// A network that a sweep found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Swept {
    /// What its search differed in.
    pub name: String,
    /// What was chosen.
    pub choice: Vec<String>,
    /// Predicted cost of the whole network.
    pub predicted: f64,
    /// NME of the last epoch, per cent.
    pub nme: f64,
}

/// Searches and finetunes each point, from the warm-up of the run. Continues where it stopped. A point that is the run itself is not
/// trained again.
///
/// # Errors
/// The run has no warm-up to share; whatever ends a training.
pub fn sweep<T: Task>(
    run: &Finished<T>,
    points: &[Point],
    end_epoch: Option<usize>,
    allow_emulated: bool,
    context: &Context<'_>,
) -> Result<Vec<Swept>, CompareError> {
    let warm_up = run.folder.checkpoint(Training::Search, WARM_UP);
    if !warm_up.is_file() {
        return Err(CompareError::NoWarmUp(warm_up));
    }
    let own = &run.finetune.train;
    let train = TrainConfig { end_epoch: end_epoch.unwrap_or(own.end_epoch), ..own.clone() };
    let recipe = FinetuneConfig { train, ..run.finetune.clone() };
    let begin = Start::WarmUp(warm_up);
    // A point that cannot be trained is reported before hours are spent on those before it.
    recipe.check()?;
    for point in points {
        let faulty = |source| CompareError::Point { point: point.name(), source: Box::new(source) };
        examine(&point.apply(&run.search), allow_emulated).map_err(faulty)?;
    }
    let mut swept = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let name = point.name();
        let config = point.apply(&run.search);
        note(format_args!("{name} ({} of {})", i + 1, points.len()));
        let is_own = point.is_of(&run.search)? && recipe.train.end_epoch == own.end_epoch;
        let (arch, ended) = if is_own {
            (run.arch.clone(), run.ended)
        } else {
            let folder = run.inner(&format!("sweep/{name}"));
            let arch = trainings::search(&config, &folder, &begin, allow_emulated, context)?;
            let ended = trainings::finetune(&trainings::of_choice(&arch, &folder, recipe.clone())?, &folder, context)?;
            (arch, ended)
        };
        note(format_args!(
            "{name}: predicted {:.1} {}, {} {:.2} % ({})",
            arch.predicted.total,
            arch.unit,
            T::METRIC,
            ended.nme,
            ended.on
        ));
        swept.push(Swept { name, choice: arch.choice, predicted: arch.predicted.total, nme: ended.nme });
    }
    Ok(swept)
}
