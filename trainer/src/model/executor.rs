//! The seam between a model and what computes it.

use std::sync::{Arc, Mutex};

use candle_core::Tensor;
pub use kernels::Mode;

/// Running statistics of all batch norms of a graph, in the layout's order; shared with the executor, which moves them.
pub type Stats = Arc<Mutex<Vec<f32>>>;

/// What an executor is given for one forward pass; see [`super::Model::forward`].
pub struct Call<'a> {
    /// `[n,c,h,w]` each.
    pub inputs: &'a [Tensor],
    /// Trained parameters, `[P]`.
    pub params: &'a Tensor,
    /// `[layers, candidates]`.
    pub masks: Option<&'a Tensor>,
    /// Running statistics, which some [modes](Mode::moves_statistics) move.
    pub stats: &'a Stats,
    /// How batch norm and dropout behave.
    pub mode: Mode,
    /// Decides what dropout drops.
    pub dropout_seed: u64,
}

/// Computes a graph, as part of candle's autograd graph.
pub trait Executor: Send + Sync {
    /// The outputs, `[n,c,h,w]` each, in the graph's order.
    ///
    /// # Errors
    /// Shapes do not fit, or candle fails.
    fn forward(&self, call: Call<'_>) -> candle_core::Result<Vec<Tensor>>;
}
