//! A block graph as a candle module.
//!
//! All trained parameters of a graph are **one** flat variable, laid out by [`Layout`]; so an optimizer is one loop, a checkpoint one
//! tensor, and an executor may hand back all gradients at once. Running statistics of batch norm are plain numbers beside it.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use blocks::graph::BN_MOMENTUM;
use blocks::weights::WeightError;
use blocks::{Graph, Weights};
use candle_core::{Device, Tensor, Var};

use super::backend::{Backend, Opened};
use super::engine::Engine;
use super::executor::{Call, Executor, Mode, Stats};
use super::fused::Fused;
use super::layout::Layout;
use crate::parallel;

/// Why a model cannot be made or run.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The weights do not fit the graph.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// candle failed.
    #[error(transparent)]
    Candle(#[from] candle_core::Error),
}

/// How a model is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// How batch norm and dropout behave.
    pub mode: Mode,
    /// Decides what dropout drops; not read in [`Mode::Eval`].
    pub dropout_seed: u64,
    /// Whether the weights get gradients; else they are constants.
    pub train_weights: bool,
}

impl Pass {
    /// Weights with gradients in the modes of training, dropout's seed 0.
    pub fn new(mode: Mode) -> Self {
        Self { mode, dropout_seed: 0, train_weights: mode.is_training() }
    }
}

/// A graph with weights, ready to run forwards and backwards.
pub struct Model {
    graph: Arc<Graph>,
    layout: Arc<Layout>,
    params: Var,
    stats: Stats,
    executor: Box<dyn Executor>,
}

impl Model {
    /// The graph with these weights, run on the CPU by the project's kernels, its tensors on the CPU.
    ///
    /// # Errors
    /// A weight is missing or has another size.
    pub fn new(graph: Graph, weights: &Weights) -> Result<Self, ModelError> {
        Self::with_backend(graph, weights, Backend::Fused)
    }

    /// The same with a chosen backend.
    ///
    /// # Errors
    /// A weight is missing or has another size, or the backend is not there.
    pub fn with_backend(graph: Graph, weights: &Weights, backend: Backend) -> Result<Self, ModelError> {
        Self::with_executor(graph, weights, |graph, layout| backend.executor(graph, layout, parallel::group()))
    }

    /// The same on GPUs, of no group of processes.
    ///
    /// # Errors
    /// A weight is missing or has another size.
    pub fn on_gpus(graph: Graph, weights: &Weights, gpus: &Opened) -> Result<Self, ModelError> {
        Self::with_executor(graph, weights, |graph, _| Ok(Box::new(Fused::new(gpus.engine(graph, None)?))))
    }

    /// The same on the CPU and of no group: of several processes that train together, each that has one computes with all of its batch.
    ///
    /// # Errors
    /// A weight is missing or has another size.
    pub fn alone(graph: Graph, weights: &Weights) -> Result<Self, ModelError> {
        Self::with_executor(graph, weights, |graph, _| Ok(Box::new(Fused::new(Engine::cpu(graph, None)))))
    }

    fn with_executor(
        graph: Graph,
        weights: &Weights,
        executor: impl FnOnce(&Arc<Graph>, &Arc<Layout>) -> candle_core::Result<Box<dyn Executor>>,
    ) -> Result<Self, ModelError> {
        let graph = Arc::new(graph);
        let layout = Arc::new(Layout::new(&graph));
        let (trained, stats) = layout.gather(weights)?;
        let params = Var::from_vec(trained, layout.trained_len(), &Device::Cpu)?;
        let executor = executor(&graph, &layout)?;
        Ok(Self { graph, layout, params, stats: Arc::new(Mutex::new(stats)), executor })
    }

    /// Runs the graph on `inputs` (`[n,c,h,w]` each, in the graph's order) and returns its outputs (`[n,c,h,w]`) in order.
    ///
    /// `masks` (`[layers, candidates]`) weigh the mixtures of a supernet and are part of the autograd graph.
    ///
    /// # Errors
    /// Shapes do not fit, or candle fails.
    pub fn run(&self, inputs: &[Tensor], masks: Option<&Tensor>, pass: Pass) -> candle_core::Result<Vec<Tensor>> {
        let params = if pass.train_weights { self.params.as_tensor().clone() } else { self.params.as_detached_tensor() };
        let Pass { mode, dropout_seed, .. } = pass;
        self.executor.forward(Call { inputs, params: &params, masks, stats: &self.stats, mode, dropout_seed })
    }

    /// The same with dropout's seed and gradients of the weights as [`Pass::new`] has them.
    ///
    /// # Errors
    /// Shapes do not fit, or candle fails.
    pub fn forward(&self, inputs: &[Tensor], masks: Option<&Tensor>, mode: Mode) -> candle_core::Result<Vec<Tensor>> {
        self.run(inputs, masks, Pass::new(mode))
    }

    /// What the model runs.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where each weight lies.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All trained parameters, `[P]`.
    pub fn params(&self) -> &Var {
        &self.params
    }

    /// All weights by name, running statistics included.
    ///
    /// # Errors
    /// The device does not give them back.
    pub fn weights(&self) -> candle_core::Result<Weights> {
        self.weights_with(&self.lock_stats())
    }

    /// All weights by name, with these running statistics (in the layout's order) in place of its own.
    ///
    /// # Errors
    /// The device does not give them back.
    pub fn weights_with(&self, stats: &[f32]) -> candle_core::Result<Weights> {
        Ok(self.layout.scatter(&self.params.to_vec1::<f32>()?, stats))
    }

    /// What batch norm takes of a batch in training: means and unbiased variances, in the layout's order. Its running statistics are
    /// others afterwards.
    ///
    /// # Errors
    /// Shapes do not fit, or candle fails.
    pub fn batch_statistics(&self, images: &Tensor) -> candle_core::Result<Vec<f64>> {
        // Moved from 0, they are the batch's share of the step.
        self.lock_stats().fill(0.0);
        self.run(std::slice::from_ref(images), None, Pass { train_weights: false, ..Pass::new(Mode::Train) })?;
        Ok(self.lock_stats().iter().map(|&moved| f64::from(moved) / f64::from(BN_MOMENTUM)).collect())
    }

    /// Replaces all weights.
    ///
    /// # Errors
    /// A weight is missing or has another size; nothing is changed then.
    pub fn set_weights(&self, weights: &Weights) -> Result<(), ModelError> {
        let (trained, stats) = self.layout.gather(weights)?;
        self.params.set(&Tensor::from_vec(trained, self.layout.trained_len(), self.params.device())?)?;
        *self.lock_stats() = stats;
        Ok(())
    }

    fn lock_stats(&self) -> MutexGuard<'_, Vec<f32>> {
        self.stats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
