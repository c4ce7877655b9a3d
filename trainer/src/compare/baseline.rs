//! The published baseline, trained as the searched network was.

use blocks::baseline;

use super::error::CompareError;
use super::finished::Finished;
use super::trainings::{self, Context, Ended};
use crate::run::RunFolder;
use crate::task::Task;
use crate::train::{FinetuneConfig, TrainConfig};

/// Trains the published baseline from scratch with the run's recipe. Without `end_epoch` it gets as many epochs as search and finetune
/// had together. Continues where it stopped.
///
/// # Errors
/// Whatever ends a training.
pub fn mobilenet<T: Task>(
    run: &Finished<T>,
    end_epoch: Option<usize>,
    context: &Context<'_>,
) -> Result<(RunFolder, Ended), CompareError> {
    let recipe = &run.finetune;
    let end_epoch = end_epoch.unwrap_or(run.search.train.end_epoch + recipe.train.end_epoch);
    let config = FinetuneConfig {
        supernet: None,
        supernet_sha256: None,
        space: baseline::NAME.to_string(),
        choice: Vec::new(),
        train: TrainConfig { end_epoch, ..recipe.train.clone() },
        ..recipe.clone()
    };
    let folder = run.inner("baselines/mobilenet");
    let ended = trainings::finetune(&config, &folder, context)?;
    Ok((folder, ended))
}
