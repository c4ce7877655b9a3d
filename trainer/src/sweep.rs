//! One search after another from the same warm-up, over β or over targets: which networks are the best of their latency.

use serde::Serialize;

use crate::baseline::Finished;
use crate::error::{Error, Result};
use crate::finetune;
use crate::loss::TARGET_BETA;
use crate::pass::note;
use crate::run::{FinetuneConfig, LatencyScope, RunFolder, SearchConfig, Stage, digest, sha256_of_file};
use crate::search::{ArchFile, WARM_UP, examine};
use crate::stage::{self, Context};

/// What one search of a sweep differs in from the run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Point {
    /// The latency term's exponent; no target.
    Beta(f64),
    /// A target in µs.
    Target(f64),
}

impl Point {
    /// Its folder's name in the run's `sweep/`.
    pub fn name(self) -> String {
        match self {
            Self::Beta(beta) => format!("beta-{beta}"),
            Self::Target(target) => format!("target-{target}us"),
        }
    }

    /// The run's search, but for this.
    fn apply(self, search: &SearchConfig) -> SearchConfig {
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

/// Searches and finetunes each point, from the warm-up of the run; goes on where it stopped. A point that is the run itself is not
/// trained again.
///
/// # Errors
/// The run has no warm-up to share; whatever ends a training.
pub fn sweep(
    run: &Finished,
    points: &[Point],
    end_epoch: Option<usize>,
    allow_emulated: bool,
    context: &Context<'_>,
) -> Result<Vec<Swept>> {
    let warm_up = run.folder.checkpoint(Stage::Search, WARM_UP);
    if !warm_up.is_file() {
        return Err(Error::Usage(format!(
            "{} is missing: a sweep shares the warm-up of its run, whose search must have had one (--start-epoch)",
            warm_up.display()
        )));
    }
    let recipe = FinetuneConfig { end_epoch: end_epoch.unwrap_or(run.finetune.end_epoch), ..run.finetune.clone() };
    // A point that cannot be trained is told before hours are spent on those before it.
    finetune::check(&recipe)?;
    for point in points {
        let faulty = |source| Error::Point { point: point.name(), source: Box::new(source) };
        examine(&point.apply(&run.search), allow_emulated).map_err(faulty)?;
    }
    let mut swept = Vec::new();
    for (i, point) in points.iter().enumerate() {
        let name = point.name();
        let config = point.apply(&run.search);
        note(format_args!("{name} ({} of {})", i + 1, points.len()));
        let own = digest(&config)? == digest(&run.search)? && recipe.end_epoch == run.finetune.end_epoch;
        let (arch, ended) = if own {
            (run.arch.clone(), run.ended)
        } else {
            let folder = run.inner(&format!("sweep/{name}"));
            let arch = stage::search(&config, &folder, &warm_up, allow_emulated, context)?;
            let ended = stage::finetune(&of(&arch, &folder, recipe.clone())?, &folder, context)?;
            (arch, ended)
        };
        note(format_args!("{name}: predicted {:.1} {}, NME {:.2} % ({})", arch.predicted.total, arch.unit, ended.nme, ended.on));
        swept.push(Swept { name, choice: arch.choice, predicted: arch.predicted.total, nme: ended.nme });
    }
    Ok(swept)
}

/// The recipe for what a search in `folder` chose.
fn of(arch: &ArchFile, folder: &RunFolder, recipe: FinetuneConfig) -> Result<FinetuneConfig> {
    let supernet = folder.checkpoint(Stage::Search, "last");
    let sha256 = sha256_of_file(&supernet)?;
    Ok(FinetuneConfig { supernet: Some(supernet), supernet_sha256: Some(sha256), choice: arch.choice.clone(), ..recipe })
}
