//! The passes of a search's epoch: over the weights, of mixtures or of paths, and over the architecture.

use candle_core::Tensor;

use super::super::error::TrainError;
use super::super::pass::{Passed, Stopped, Watch, pass};
use super::super::steps::ArchPaths;
use super::Search;
use crate::cost::CostTensors;
use crate::model::{ArchWeights, Draw, FairPaths, Purpose, path_weights};
use crate::optim;
use crate::task::{Loader, Nets, Part, Task};

impl<T: Task> Search<T> {
    /// The addresses of an epoch's random numbers.
    fn draws(&self, epoch: usize) -> impl Fn(Purpose, u64) -> Draw + use<T> {
        let (seed, epoch) = (self.config.train.seed, epoch as u64);
        move |purpose, step| Draw { seed, purpose, epoch, step }
    }

    pub(super) fn weight_pass(&mut self, epoch: usize, lr: f64, watch: &Watch<'_>) -> Result<Passed, Stopped> {
        let (draw, temperature) = (self.draws(epoch), self.temperature(epoch));
        let Self { nets, arch, term, loader, cost_tensors, .. } = self;
        pass(loader, epoch, watch, |step, batch| {
            // The architecture is a constant here.
            let masks = arch.masks(&arch.noise(draw(Purpose::WeightMasks, step))?, temperature)?.detach();
            let cost = expected_cost(arch, draw(Purpose::WeightLatency, step), temperature, cost_tensors)?.detach();
            let loss = nets.training_loss(batch, Part::Mixture(&masks), draw(Purpose::WeightDropout, step).seed())?;
            let loss = term.apply(&loss, &cost)?;
            nets.step(&loss, Part::Mixture(&masks), lr)?;
            Ok(loss)
        })
    }

    /// A pass over the weights in which each step trains a path. The latency term is left out: it would train slow candidates more.
    pub(super) fn path_pass(&mut self, epoch: usize, lr: f64, watch: &Watch<'_>) -> Result<Passed, Stopped> {
        let draw = self.draws(epoch);
        let before = (epoch * self.loader.batches()) as u64;
        let paths = FairPaths::new(&self.space, self.config.train.seed);
        let Self { nets, arch, loader, .. } = self;
        pass(loader, epoch, watch, |step, batch| {
            let path = paths.at(before + step);
            let (masks, weights) = (arch.path(&path)?, path_weights(nets.backbone().layout(), &path));
            let part = Part::Path { masks: &masks, weights: &weights };
            let loss = nets.training_loss(batch, part, draw(Purpose::WeightDropout, step).seed())?;
            nets.step(&loss, part, lr)?;
            Ok(loss)
        })
    }

    pub(super) fn arch_pass(&mut self, epoch: usize, watch: &Watch<'_>) -> Result<Passed, Stopped> {
        let (draw, temperature) = (self.draws(epoch), self.temperature(epoch));
        let Self { nets, arch, arch_optimizer, term, arch_loader, cost_tensors, config, .. } = self;
        let mode = config.train.reference.arch_mode();
        pass(arch_loader, epoch, watch, |step, batch| {
            let masks = arch.masks(&arch.noise(draw(Purpose::ArchMasks, step))?, temperature)?;
            let masks = if config.arch_paths == ArchPaths::Single { arch.rounded(&masks)? } else { masks };
            let cost = expected_cost(arch, draw(Purpose::ArchLatency, step), temperature, cost_tensors)?;
            let loss = nets.architecture_loss(batch, &masks, mode, draw(Purpose::ArchDropout, step).seed())?;
            let loss = term.apply(&loss, &cost)?;
            let gradients = loss.backward()?;
            if let Some(gradient) = gradients.get(arch.path_alpha()) {
                optim::step(arch_optimizer, arch.path_alpha(), gradient, config.theta_lr)?;
            }
            Ok(loss)
        })
    }
}

/// Σ mask · cost, with a noise of its own.
fn expected_cost(arch: &ArchWeights, draw: Draw, temperature: f64, costs: &CostTensors) -> Result<Tensor, TrainError> {
    Ok(costs.expected(&arch.masks(&arch.noise(draw)?, temperature)?)?)
}
