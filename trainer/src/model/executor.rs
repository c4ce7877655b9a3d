//! The seam between a model and what computes it.

use std::fmt;
use std::sync::Arc;

use blocks::Graph;
use candle_core::{Device, Tensor};
use kernels::Group;
pub use kernels::Mode;

use super::fused::Fused;
use super::stock::Stock;
use super::{Layout, Stats};

/// What an executor is given for one forward pass; see [`super::Model::forward`].
pub struct Call<'a> {
    /// `[n,c,h,w]` each.
    pub inputs: &'a [Tensor],
    /// Trained parameters, `[P]`.
    pub params: &'a Tensor,
    /// `[layers, candidates]`.
    pub masks: Option<&'a Tensor>,
    /// Running statistics, which [`Mode::Train`] moves.
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

/// The executors there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// candle's own operations: any device, slow on a CPU.
    Stock,
    /// The project's kernels: the CPU.
    Fused,
}

impl Backend {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Fused, Self::Stock];

    /// The best one for a device.
    pub fn for_device(device: &Device) -> Self {
        if device.is_cpu() { Self::Fused } else { Self::Stock }
    }

    /// Of several processes, `group` shares the batches.
    pub(super) fn executor(
        self,
        graph: &Arc<Graph>,
        layout: &Arc<Layout>,
        device: &Device,
        group: Option<Arc<dyn Group>>,
    ) -> candle_core::Result<Box<dyn Executor>> {
        match self {
            Self::Stock if group.as_ref().is_some_and(|group| group.size() > 1) => {
                candle_core::bail!("several processes train with the fused backend only")
            }
            Self::Stock => Ok(Box::new(Stock::new(graph.clone(), layout.clone()))),
            Self::Fused if device.is_cpu() => Ok(Box::new(Fused::new(graph, group))),
            Self::Fused => candle_core::bail!("the fused backend runs on the CPU only"),
        }
    }
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stock => "stock",
            Self::Fused => "fused",
        })
    }
}
