//! What a search reads and checks before it begins.

use std::sync::Arc;

use blocks::{Graph, Space};
use faces::data::{Dataset, Split};

use super::{ARCH_FRACTION, Costs};
use crate::error::{Error, Result};
use crate::loss::{LatencyTerm, TermError};
use crate::parallel;
use crate::pass::open_dataset;
use crate::run::{ArchData, ConfigError, EPOCHS, PerfMetric, SearchConfig, TrainedOn};

/// The faces that a search's weights are trained on.
pub(super) fn trained_on(config: &SearchConfig) -> TrainedOn {
    let held_back = match config.arch_data {
        ArchData::Split => ARCH_FRACTION,
        ArchData::Test => 0.0,
    };
    TrainedOn { list_sha256: config.list_sha256.clone(), held_back, seed: config.seed }
}

/// The term that the configuration asks for, which some network of the space must be able to satisfy.
fn latency_term(config: &SearchConfig, space: &Space, costs: &Costs) -> Result<LatencyTerm> {
    let Some(target) = config.target_us else {
        return Ok(LatencyTerm::new(config.mode, config.alpha, config.beta, costs.cheapest(), costs.unit)?);
    };
    let term = LatencyTerm::above(target, config.mode, config.alpha, config.beta)?;
    let alike: Vec<Vec<f32>> = space.layers().iter().map(|layer| vec![0.0; layer.primitives.len()]).collect();
    if costs.best(&alike, Some(target)).is_none() {
        return Err(unreachable_target(config, costs).into());
    }
    Ok(term)
}

pub(super) fn unreachable_target(config: &SearchConfig, costs: &Costs) -> TermError {
    TermError::Target { target: config.target_us.unwrap_or(f64::NAN), cheapest: costs.cheapest(), unit: costs.unit }
}

/// What a search reads before it begins.
pub(super) struct Input {
    pub space: Space,
    pub pose_graph: Graph,
    pub train: Arc<Dataset>,
    pub costs: Costs,
    pub term: LatencyTerm,
}

impl Input {
    pub fn load(config: &SearchConfig, allow_emulated: bool) -> Result<Self> {
        check(config)?;
        let space = Space::load(&config.space)?;
        let Some(pose_graph) = space.pose_net() else {
            return Err(Error::Usage(format!(
                "search space '{space}' has no trunk: it makes no whole network that could be trained"
            )));
        };
        let train = open_dataset(&config.data, Split::Train, &config.list, config.points_file.as_deref(), space.input())?;
        let costs = Costs::new(config, &space, train.scheme().count, allow_emulated)?;
        let term = latency_term(config, &space, &costs)?;
        Ok(Self { space, pose_graph, train, costs, term })
    }
}

/// Whether a search could begin with this configuration.
///
/// # Errors
/// What is wrong with it, its table or its list.
pub fn examine(config: &SearchConfig, allow_emulated: bool) -> Result<()> {
    Input::load(config, allow_emulated).map(|_| ())
}

/// Values that no training could start with.
fn check(config: &SearchConfig) -> Result<()> {
    let positive = [("--theta-lr", config.theta_lr), ("--base-lr", config.base_lr), ("--tau", config.tau)];
    if let Some((flag, value)) = positive.into_iter().find(|(_, v)| !(v.is_finite() && *v > 0.0)) {
        return Err(Error::Usage(format!("{flag} must be above 0, not {value}")));
    }
    let not_negative = [("--weight-decay", config.weight_decay), ("--tau-decay", config.tau_decay)];
    if let Some((flag, value)) = not_negative.into_iter().find(|(_, v)| !(v.is_finite() && *v >= 0.0)) {
        return Err(Error::Usage(format!("{flag} must not be negative, not {value}")));
    }
    if !(1..=EPOCHS).contains(&config.end_epoch) || config.batch == 0 {
        return Err(Error::Usage(format!("--end-epoch must be a number from 1 to {EPOCHS}, and --batch at least 1")));
    }
    if config.perf_metric == PerfMetric::Latency && config.lut.is_empty() {
        return Err(ConfigError::Needed { flag: "--lut (or --perf-metric flops)" }.into());
    }
    if config.perf_metric == PerfMetric::Flops && config.target_us.is_some() {
        return Err(Error::Usage("--target-us is a time: it needs a --lut, not --perf-metric flops".to_string()));
    }
    parallel::check_batch(config.batch)?;
    if config.start_epoch > config.end_epoch {
        return Err(Error::Usage(format!(
            "--start-epoch {} (the warm-up's length) lies behind --end-epoch {}",
            config.start_epoch, config.end_epoch
        )));
    }
    Ok(())
}
