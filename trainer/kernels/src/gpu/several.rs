//! Several GPUs that share each batch, each driven by a thread of its own.

use std::sync::Arc;

use super::machine::{GpuError, Result};
use super::memory::Gpu;
use super::pass::{GpuKept, GpuPlan};
use crate::group::{Group, threads};
use crate::plan::{Arguments, Gradients, Mode, Plan};

/// A plan on several GPUs; on one, that one's plan. What it computes is what one GPU with the whole batch would, up to rounding. A batch that
/// cannot be shared evenly is computed by the first GPU alone.
#[derive(Clone, Debug)]
pub struct Several {
    shares: Vec<GpuPlan>,
    /// On the first of them, of no group: for batches that they cannot share evenly.
    alone: GpuPlan,
}

/// Values of share `i` of `of`.
fn share<T>(values: &[T], i: usize, of: usize) -> &[T] {
    &values[i * values.len() / of..(i + 1) * values.len() / of]
}

/// The arguments of a share: its images, all else in full.
fn arguments<'a>(inputs: &'a [&'a [f32]], args: &Arguments<'a>) -> Arguments<'a> {
    Arguments { inputs, params: args.params, masks: args.masks }
}

impl Several {
    /// A plan on one GPU; it may be one of a [group](Plan::in_group).
    pub fn one(plan: Plan, gpu: &Gpu) -> Self {
        let alone = GpuPlan::new(plan, gpu);
        Self { shares: vec![alone.clone()], alone }
    }

    /// A plan, of no group, on these GPUs, which exchange sums through the host's memory.
    pub fn new(plan: &Plan, gpus: &[Gpu]) -> Self {
        match gpus {
            [gpu] => Self::one(plan.clone(), gpu),
            gpus => Self::in_group(plan, gpus, &threads(gpus.len())),
        }
    }

    /// The same with GPUs that are a group: a member each, in its order.
    pub fn in_group(plan: &Plan, gpus: &[Gpu], members: &[Arc<dyn Group>]) -> Self {
        let on = |(gpu, group): (&Gpu, &Arc<dyn Group>)| GpuPlan::new(plan.clone().in_group(group.clone()), gpu);
        Self { shares: std::iter::zip(gpus, members).map(on).collect(), alone: GpuPlan::new(plan.clone(), &gpus[0]) }
    }

    /// What they compute, with a whole batch.
    pub fn plan(&self) -> &Plan {
        self.alone.plan()
    }

    /// Runs `work` for each share, and gives the error of the first that fails: the others do not wait for it.
    fn each<I: Send, T: Send>(&self, of: Vec<I>, work: impl Fn(usize, &GpuPlan, I) -> Result<T> + Sync) -> Result<Vec<T>> {
        if of.len() == 1 {
            return of.into_iter().map(|of| work(0, &self.alone, of)).collect();
        }
        let run = |i, plan: &GpuPlan, of| {
            let done = work(i, plan, of);
            if let (Err(_), Some(group)) = (&done, &plan.plan().group) {
                group.leave();
            }
            done
        };
        std::thread::scope(|scope| {
            let start = |(i, (plan, of))| {
                scope.spawn({
                    let run = &run;
                    move || run(i, plan, of)
                })
            };
            let threads: Vec<_> = std::iter::zip(&self.shares, of).enumerate().map(start).collect();
            let done: Vec<_> = threads.into_iter().map(std::thread::ScopedJoinHandle::join).collect();
            // Who waited for another has panicked: what the other says comes first.
            if let Some(error) = done.iter().flatten().find_map(|result| result.as_ref().err()) {
                return Err(error.clone());
            }
            done.into_iter().map(|done| done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
        })
    }

    /// As [`GpuPlan::forward`].
    ///
    /// # Errors
    /// A GPU fails or has not enough memory.
    ///
    /// # Panics
    /// Where a slice has another length than the plan's shapes ask for.
    pub fn forward(
        &self,
        args: Arguments<'_>,
        stats: &mut [f32],
        mode: Mode,
        dropout_seed: u64,
    ) -> Result<(Vec<Vec<f32>>, Vec<GpuKept>)> {
        let (n, gpus) = (self.alone.plan().batch(&args), self.shares.len());
        let of = if n.is_multiple_of(gpus) { gpus } else { 1 };
        let before = stats.to_vec();
        let passed = self.each(vec![(); of], |i, plan, ()| {
            let inputs: Vec<&[f32]> = args.inputs.iter().map(|input| share(input, i, of)).collect();
            let mut stats = before.clone();
            let (outputs, kept) = plan.forward(arguments(&inputs, &args), &mut stats, mode, dropout_seed)?;
            Ok((outputs, kept, stats))
        })?;
        let mut whole = vec![Vec::new(); passed[0].0.len()];
        let mut all_kept = Vec::new();
        for (outputs, kept, moved) in passed {
            for (whole, output) in std::iter::zip(&mut whole, outputs) {
                whole.extend(output);
            }
            all_kept.push(kept);
            // All shares move them alike.
            stats.copy_from_slice(&moved);
        }
        Ok((whole, all_kept))
    }

    /// As [`GpuPlan::backward`]; the output gradients are those of the whole batch.
    ///
    /// # Errors
    /// A GPU fails or has not enough memory.
    ///
    /// # Panics
    /// As [`GpuPlan::backward`].
    pub fn backward(
        &self,
        kept: Vec<GpuKept>,
        args: Arguments<'_>,
        outputs: &[Option<&[f32]>],
        want_params: bool,
        want_inputs: &[bool],
    ) -> Result<Gradients> {
        let of = kept.len();
        let passed = self.each(kept, |i, plan, kept| {
            let inputs: Vec<&[f32]> = args.inputs.iter().map(|input| share(input, i, of)).collect();
            let outputs: Vec<Option<&[f32]>> = outputs.iter().map(|g| g.map(|g| share(g, i, of))).collect();
            plan.backward(kept, arguments(&inputs, &args), &outputs, want_params, want_inputs)
        })?;
        let joined = passed.into_iter().reduce(Gradients::joined);
        joined.ok_or_else(|| GpuError("no GPU".into()))
    }
}
