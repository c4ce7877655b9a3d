//! What runs a plan: the CPU or GPUs.

use std::sync::Arc;

use blocks::Graph;
use candle_core::{Error, Result};
use kernels::gpu::{GpuKept, Several};
use kernels::{Arguments, Gradients, Group, Kept, Mode, Plan};

/// A plan, and what runs it.
pub(super) enum Engine {
    Cpu(Plan),
    Gpus(Several),
}

/// What a forward pass leaves for the backward pass.
pub(super) enum Left {
    Cpu(Kept),
    Gpus(Vec<GpuKept>),
}

impl Engine {
    /// On the CPU; of several processes, `group` shares the batches.
    pub fn cpu(graph: &Graph, group: Option<Arc<dyn Group>>) -> Self {
        let plan = Plan::new(graph);
        Self::Cpu(if let Some(group) = group { plan.in_group(group) } else { plan })
    }

    pub fn plan(&self) -> &Plan {
        match self {
            Self::Cpu(plan) => plan,
            Self::Gpus(gpus) => gpus.plan(),
        }
    }

    pub fn forward(&self, args: Arguments<'_>, stats: &mut [f32], mode: Mode, dropout_seed: u64) -> Result<(Vec<Vec<f32>>, Left)> {
        match self {
            Self::Cpu(plan) => {
                let (outputs, kept) = plan.forward(args, stats, mode, dropout_seed);
                Ok((outputs, Left::Cpu(kept)))
            }
            Self::Gpus(_) if mode == Mode::TrainPath => {
                candle_core::bail!("single paths of a supernet are trained on the CPU only")
            }
            Self::Gpus(gpus) => {
                let (outputs, kept) = gpus.forward(args, stats, mode, dropout_seed).map_err(Error::wrap)?;
                Ok((outputs, Left::Gpus(kept)))
            }
        }
    }

    pub fn backward(
        &self,
        left: Left,
        args: Arguments<'_>,
        outputs: &[Option<&[f32]>],
        want_params: bool,
        want_inputs: &[bool],
    ) -> Result<Gradients> {
        match (self, left) {
            (Self::Cpu(plan), Left::Cpu(kept)) => Ok(plan.backward(kept, args, outputs, want_params, want_inputs)),
            (Self::Gpus(gpus), Left::Gpus(kept)) => {
                gpus.backward(kept, args, outputs, want_params, want_inputs).map_err(Error::wrap)
            }
            _ => unreachable!("an engine is given what it has left"),
        }
    }
}
