//! The task: its settings, and what [`Task`] asks of it.

use std::path::PathBuf;
use std::sync::Arc;

use blocks::{Graph, Shape, Weights};
use faces::augment::Augment;
use faces::data::{Dataset, Loader, LoaderOptions, Share};
use serde::{Deserialize, Serialize};

use super::data::{open_dataset, scheme_sha256};
use super::error::FaceError;
use super::evaluate::{Candle, Evaluation, evaluate_like};
use super::loss::{PointLoss, PoseWeight};
use super::nets::{FaceNets, Objective};
use super::recalibrate::recalibrated;
use crate::nni::Reference;
use crate::parallel;
use crate::run::sha256_of_file;
use crate::task::{Draws, Networks, Split, Task, TaskError};

/// Landmarks of faces.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FaceTask {
    /// The data folder.
    pub data: PathBuf,
    /// File name of the lists.
    pub list: String,
    /// SHA-256 of the training list.
    pub list_sha256: String,
    /// A landmark scheme of the user's.
    pub points_file: Option<PathBuf>,
    /// SHA-256 of the file with the landmark scheme, the user's or the data folder's; empty if it is built in.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub points_sha256: String,
    /// SHA-256 of the test list, if the run reads it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_list_sha256: Option<String>,
    /// Name of the augmentation: none, mild, strong.
    pub augment: String,
    /// Loss of the points.
    pub loss: PointLoss,
    /// How pose weighs a face.
    pub pose_weight: PoseWeight,
}

impl FaceTask {
    /// Where a list lies.
    pub fn list_path(&self, split: Split) -> PathBuf {
        self.data.join(folder(split).folder()).join(&self.list)
    }
}

/// The split as the data folder has it.
fn folder(split: Split) -> faces::data::Split {
    match split {
        Split::Train => faces::data::Split::Train,
        Split::Test => faces::data::Split::Test,
    }
}

impl Task for FaceTask {
    const EXAMPLES: &'static str = "faces";
    const METRIC: &'static str = "NME";
    type Data = Arc<Dataset>;
    type Loader = Loader;
    type Nets = FaceNets;
    type Scores = Evaluation;

    fn list_sha256(&self, split: Split) -> Option<&str> {
        match split {
            Split::Train => Some(&self.list_sha256),
            Split::Test => self.test_list_sha256.as_deref(),
        }
    }

    fn changed(&self) -> Result<Option<String>, TaskError> {
        for split in [Split::Train, Split::Test] {
            let (path, recorded) = (self.list_path(split), self.list_sha256(split));
            let now = || sha256_of_file(&path).map_err(FaceError::from);
            if let Some(recorded) = recorded.filter(|_| path.is_file())
                && now()? != recorded
            {
                return Ok(Some(path.display().to_string()));
            }
        }
        let scheme = scheme_sha256(&self.data, self.points_file.as_deref()).map_err(FaceError::from)?;
        Ok((scheme != self.points_sha256).then(|| "the landmark scheme".to_string()))
    }

    fn open(&self, split: Split, input: Shape) -> Result<Arc<Dataset>, TaskError> {
        Ok(open_dataset(&self.data, folder(split), &self.list, self.points_file.as_deref(), input)?)
    }

    fn loader(&self, data: &Arc<Dataset>, which: Vec<usize>, draws: Draws) -> Result<Loader, TaskError> {
        let Draws { batch, seed, shuffle, drop_last, threads } = draws;
        let augment = Augment::preset(&self.augment).map_err(FaceError::from)?;
        // One batch is in use and one is ready while every thread makes another.
        let options = LoaderOptions {
            threads,
            ahead: threads + 2,
            shuffle,
            drop_last,
            share: Share { index: parallel::rank(), of: parallel::size() },
            ..LoaderOptions::train(batch, seed, augment)
        };
        Ok(Loader::new(data.clone(), which, options).map_err(FaceError::from)?)
    }

    fn nets(&self, networks: Networks<'_>) -> Result<FaceNets, TaskError> {
        let objective = Objective { points: self.loss, pose: self.pose_weight };
        let how = (networks.algorithm, networks.weight_decay);
        Ok(FaceNets::new(networks.backbone, networks.head, objective, how, networks.backend)?)
    }

    fn recalibrated(
        &self,
        graph: &Graph,
        weights: &Weights,
        train: &Arc<Dataset>,
        which: Vec<usize>,
    ) -> Result<Weights, TaskError> {
        Ok(recalibrated(graph, weights, train, which)?)
    }

    fn evaluate(
        &self,
        reference: Reference,
        graph: Graph,
        weights: &Weights,
        data: &Arc<Dataset>,
        which: &[usize],
    ) -> Result<Evaluation, TaskError> {
        let mut network = Candle::like(reference, graph, weights)?;
        Ok(evaluate_like(reference, &mut network, data, which.to_vec(), |_| {})?)
    }
}
