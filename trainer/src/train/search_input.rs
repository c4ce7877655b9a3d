//! What a search reads and checks before it begins.

use blocks::{Graph, Space};

use super::config::{SearchConfig, trained_on};
use super::error::TrainError;
use super::steps::ArchData;
use crate::cost::{Costs, LatencyTerm, TermError};
use crate::model::ArchitectureError;
use crate::run::TrainedOn;
use crate::task::{Data, Split, Task};

/// Part of the training list that the architecture is trained on.
pub const ARCH_FRACTION: f64 = 0.2;

/// What a search reads before it begins.
pub(super) struct Input<T: Task> {
    pub space: Space,
    pub head: Graph,
    pub train: T::Data,
    pub costs: Costs,
    pub term: LatencyTerm,
}

/// The examples of a search: whose weights see which.
pub(super) struct Examples<T: Task> {
    /// Of the weights.
    pub trained_on: TrainedOn,
    pub weights: Vec<usize>,
    /// Of the architecture, which also judge each epoch.
    pub arch: (T::Data, Vec<usize>),
}

impl<T: Task> Input<T> {
    pub fn load(config: &SearchConfig<T>, allow_emulated: bool) -> Result<Self, TrainError> {
        config.check()?;
        let space = Space::load(&config.space)?;
        let head = space.pose_net().ok_or_else(|| ArchitectureError::NoTrunk { space: space.to_string() })?;
        let train = config.task.open(Split::Train, space.input())?;
        let costs = config.costs(&space, train.points(), allow_emulated)?;
        let term = latency_term(config, &space, &costs)?;
        Ok(Self { space, head, train, costs, term })
    }

    pub fn examples(&self, config: &SearchConfig<T>) -> Result<Examples<T>, TrainError> {
        let held_back = match config.arch_data {
            ArchData::Split => ARCH_FRACTION,
            ArchData::Test => 0.0,
        };
        let trained_on = trained_on(&config.task, held_back, config.train.seed);
        let (weights, held) = self.train.split(&trained_on)?;
        let trained_on = trained_on.holding(&held);
        let arch = match config.arch_data {
            ArchData::Split => (self.train.clone(), held),
            ArchData::Test => {
                let test = config.task.open(Split::Test, self.space.input())?;
                let all = (0..test.count()).collect();
                (test, all)
            }
        };
        Ok(Examples { trained_on, weights, arch })
    }
}

/// Whether a search could begin with this configuration.
///
/// # Errors
/// What is wrong with it, its table or its list.
pub fn examine<T: Task>(config: &SearchConfig<T>, allow_emulated: bool) -> Result<(), TrainError> {
    Input::load(config, allow_emulated).map(|_| ())
}

/// The term that the configuration asks for. Some network of the space must be able to meet its target.
fn latency_term<T: Task>(config: &SearchConfig<T>, space: &Space, costs: &Costs) -> Result<LatencyTerm, TermError> {
    let Some(target) = config.target_us else {
        return LatencyTerm::new(config.mode, config.alpha, config.beta, costs.cheapest(), costs.unit);
    };
    let term = LatencyTerm::above(target, config.mode, config.alpha, config.beta)?;
    let alike: Vec<Vec<f32>> = space.layers().iter().map(|layer| vec![0.0; layer.primitives.len()]).collect();
    match costs.best(&alike, Some(target)) {
        Some(_) => Ok(term),
        None => Err(unreachable_target(target, costs)),
    }
}

pub(super) fn unreachable_target(target: f64, costs: &Costs) -> TermError {
    TermError::Target { target, cheapest: costs.cheapest(), unit: costs.unit }
}
