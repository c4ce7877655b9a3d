//! The two executors, and which one suits a device.

use std::fmt;
use std::sync::Arc;

use blocks::Graph;
use candle_core::Device;
use kernels::Group;

use super::executor::Executor;
use super::fused::Fused;
use super::layout::Layout;
use super::stock::Stock;

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
