//! The executors, and which computes what.

use std::fmt;
use std::sync::Arc;

use blocks::Graph;
use kernels::gpu::{Gpu, GpuError, Several};
use kernels::{Group, Plan};

use super::engine::Engine;
use super::executor::Executor;
use super::fused::Fused;
use super::gpus::Gpus;
use super::layout::Layout;
use super::stock::Stock;

/// What computes a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// candle's own operations, which the others are compared with: slow.
    Stock,
    /// The project's kernels, on the CPU.
    Fused,
    /// The project's kernels, on GPUs.
    Gpus(Gpus),
}

/// GPUs, ready to compute, and the group that they are.
#[derive(Clone, Debug)]
pub struct Opened {
    gpus: Vec<Gpu>,
    members: Vec<Arc<dyn Group>>,
}

impl Opened {
    /// GPUs that exchange sums through the host's memory.
    pub fn new(gpus: Vec<Gpu>) -> Self {
        let members = kernels::group::threads(gpus.len());
        Self { gpus, members }
    }

    /// The GPUs.
    pub fn gpus(&self) -> &[Gpu] {
        &self.gpus
    }

    /// A plan on them; of several processes, `group` shares the batches.
    pub(super) fn engine(&self, graph: &Graph, group: Option<Arc<dyn Group>>) -> candle_core::Result<Engine> {
        let plan = Plan::new(graph);
        match (&self.gpus[..], group) {
            ([gpu], Some(group)) => Ok(Engine::Gpus(Several::one(plan.in_group(group), gpu))),
            ([gpu], None) => Ok(Engine::Gpus(Several::one(plan, gpu))),
            (gpus, None) => Ok(Engine::Gpus(Several::in_group(&plan, gpus, &self.members))),
            (_, Some(_)) => candle_core::bail!("each of several processes can use only one GPU"),
        }
    }
}

impl Backend {
    /// Those that every machine has.
    pub const ALL: [Self; 2] = [Self::Fused, Self::Stock];

    /// The GPUs; none for a backend on the CPU. They are opened once: all networks share their memory.
    ///
    /// # Errors
    /// They are not there, or this program was built without CUDA.
    pub fn open(self) -> Result<Opened, GpuError> {
        match self {
            Self::Gpus(gpus) => open(gpus),
            _ => Ok(Opened::new(Vec::new())),
        }
    }

    /// Of several processes, `group` shares the batches.
    pub(super) fn executor(
        self,
        graph: &Arc<Graph>,
        layout: &Arc<Layout>,
        group: Option<Arc<dyn Group>>,
    ) -> candle_core::Result<Box<dyn Executor>> {
        match self {
            Self::Stock if group.as_ref().is_some_and(|group| group.size() > 1) => {
                candle_core::bail!("several processes train with the fused backend only")
            }
            Self::Stock => Ok(Box::new(Stock::new(graph.clone(), layout.clone()))),
            Self::Fused => Ok(Box::new(Fused::new(Engine::cpu(graph, group)))),
            Self::Gpus(_) => Ok(Box::new(Fused::new(self.open().map_err(candle_core::Error::wrap)?.engine(graph, group)?))),
        }
    }
}

#[cfg(feature = "cuda")]
fn open(gpus: Gpus) -> Result<Opened, GpuError> {
    use std::sync::{Mutex, PoisonError};

    use kernels::gpu::{Cuda, has_nccl, nccl_group};

    static OPENED: Mutex<Vec<(Gpus, Opened)>> = Mutex::new(Vec::new());
    let mut opened = OPENED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, opened)) = opened.iter().find(|(of, _)| *of == gpus) {
        return Ok(opened.clone());
    }
    let machines = gpus.numbers().into_iter().map(Cuda::open).collect::<Result<Vec<_>, _>>()?;
    let mut new = Opened::new(machines.iter().map(|machine| Gpu::new(machine.clone())).collect());
    if machines.len() > 1 && has_nccl() {
        new.members = nccl_group(&machines)?;
    }
    opened.push((gpus, new.clone()));
    Ok(new)
}

#[cfg(not(feature = "cuda"))]
fn open(_: Gpus) -> Result<Opened, GpuError> {
    Err(GpuError("this program was built without support for GPUs".to_string()))
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stock => f.write_str("stock"),
            Self::Fused => f.write_str("fused"),
            Self::Gpus(gpus) => write!(f, "gpus {gpus}"),
        }
    }
}
