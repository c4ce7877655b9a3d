//! What each step of a plan costs at least, and how it is timed.

use std::sync::Arc;
use std::time::Instant;

use super::step::{Convolution, Step};
use super::times::{Direction, Times};
use super::{Plan, ValueId};
use crate::simd::LANES;

/// Least costs of a step for one image, in one direction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Multiply-adds of its convolution; 0 for other steps.
    pub multiply_adds: f64,
    /// Bytes of the maps that it must read and write, each once a pass over them; sums of a batch norm are a pass of their own.
    pub bytes: f64,
}

/// A step with its least costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Described {
    /// Its operator with its shapes; steps that do the same have the same name.
    pub name: String,
    /// Costs forward.
    pub forward: Cost,
    /// Costs backward, with gradients of inputs and parameters.
    pub backward: Cost,
}

impl Plan {
    /// The same plan, whose steps note how long they take.
    #[must_use]
    pub fn timed(mut self, times: Arc<Times>) -> Self {
        self.times = Some(times);
        self
    }

    /// Does the work of a step, and notes how long it took where the plan is timed.
    pub(super) fn time<T>(&self, step: usize, direction: Direction, work: impl FnOnce() -> T) -> T {
        let Some(times) = &self.times else { return work() };
        let start = Instant::now();
        let done = work();
        times.add(step, direction, start.elapsed());
        done
    }

    /// The steps, in the order in which a forward pass runs them.
    pub fn described(&self) -> Vec<Described> {
        self.steps.iter().map(|step| self.describe(step)).collect()
    }

    /// Bytes of a value of one image, with the channels that pad it.
    fn bytes(&self, v: ValueId) -> f64 {
        let value = &self.values[v];
        let channels = if value.planar { value.shape.c } else { value.blocks() * LANES };
        (channels * value.shape.pixels() * size_of::<f32>()) as f64
    }

    fn describe(&self, step: &Step) -> Described {
        let y = step.makes();
        let (read, made): (f64, f64) = (step.reads().into_iter().map(|x| self.bytes(x)).sum(), self.bytes(y));
        let norm = if self.values[y].norm.is_some() { 1.0 } else { 0.0 };
        let multiply_adds = self.multiply_adds(step);
        // An input that is read in place has no gradient.
        let products = if step.reads().iter().any(|&x| self.values[x].planar) { 1.0 } else { 2.0 };
        Described {
            name: self.name(step),
            forward: Cost { multiply_adds, bytes: read + made + norm * made },
            // The gradient of y with y itself, twice behind a batch norm, and x with its gradient.
            backward: Cost { multiply_adds: products * multiply_adds, bytes: 2.0 * (1.0 + norm) * made + 2.0 * read },
        }
    }

    fn multiply_adds(&self, step: &Step) -> f64 {
        let y = step.makes();
        match step {
            Step::Conv(Convolution { conv, .. }) | Step::Depthwise(Convolution { conv, .. }) => {
                let taps = conv.kernel * conv.kernel * conv.c_in / conv.groups;
                (taps * self.values[y].shape.volume()) as f64
            }
            _ => 0.0,
        }
    }

    fn name(&self, step: &Step) -> String {
        let out = self.values[step.makes()].shape;
        match step {
            Step::Pack { .. } => format!("layout {out}"),
            Step::Conv(Convolution { x, conv, .. }) | Step::Depthwise(Convolution { x, conv, .. }) => {
                let kind = if conv.is_depthwise() { "depthwise" } else { "dense" };
                let dilated = if conv.dilation > 1 { format!(" dilation {}", conv.dilation) } else { String::new() };
                format!("{kind} {0}x{0} stride {1}{dilated} {2} to {out}", conv.kernel, conv.stride, self.values[*x].shape)
            }
            Step::Add { .. } => format!("add {out}"),
            Step::Concat { parts, .. } => format!("concat of {} {out}", parts.len()),
            Step::Mixture { terms, .. } => format!("mixture of {} {out}", terms.len()),
            Step::Simple(simple) => format!("{} {out}", simple.name()),
        }
    }
}
