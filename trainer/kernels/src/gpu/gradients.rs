//! Gradients while a backward pass runs.

use std::sync::Arc;

use super::arguments::{Reading, args};
use super::machine::{Address, Result};
use super::memory::Memory;
use super::pass::{GpuPlan, Tape};
use crate::plan::ValueId;

/// Gradient with respect to what readers of a value see: some channels of a map, times a factor.
///
/// A value that is added into another shares the other's map; only one with several readers gets its own.
#[derive(Clone, Debug)]
struct Gradient {
    memory: Arc<Memory>,
    /// First channel.
    offset: usize,
    factor: f32,
}

/// What a mask is owed: the double of that number, times a factor, to each of the candidates' places.
#[derive(Debug)]
pub(super) struct Owed {
    pub factor: f32,
    pub masks: Vec<usize>,
}

/// The gradients of a backward pass.
#[derive(Debug)]
pub(super) struct GpuGradients {
    /// Of the trained parameters; none where they were not asked for.
    pub params: Option<Memory>,
    /// Σ g·z of the mixtures' terms, in the order of `owed`.
    pub dots: Memory,
    pub owed: Vec<Owed>,
    values: Vec<Option<Gradient>>,
    /// Σ g and Σ g·ŷ of values with a batch norm that have been taken already, without the gradient's factor.
    pub sums: Vec<Option<Memory>>,
}

/// A value's gradient that is about to be written or added to.
pub(super) struct Target {
    pub memory: Memory,
    /// Whether it holds a sum that is to be added to; else its contents are unspecified.
    pub accumulate: bool,
}

impl GpuGradients {
    pub fn new(values: usize, params: Option<Memory>, dots: Memory) -> Self {
        Self { params, dots, owed: Vec::new(), values: vec![None; values], sums: (0..values).map(|_| None).collect() }
    }

    /// Whether any reader has given a gradient yet.
    pub fn has(&self, v: ValueId) -> bool {
        self.values[v].is_some()
    }

    pub fn factor(&self, v: ValueId) -> f32 {
        self.values[v].as_ref().map_or(1.0, |g| g.factor)
    }

    /// Where it begins; a channel of it has `per` values.
    pub fn at(&self, v: ValueId, per: usize) -> Address {
        let gradient = self.values[v].as_ref().expect("only values with a gradient are asked for it");
        gradient.memory.float(gradient.offset * per)
    }

    /// Frees a gradient that is not read any more.
    pub fn drop_value(&mut self, v: ValueId) {
        self.values[v] = None;
        self.sums[v] = None;
    }

    pub fn set(&mut self, v: ValueId, memory: Memory) {
        self.values[v] = Some(Gradient { memory: Arc::new(memory), offset: 0, factor: 1.0 });
    }
}

impl GpuPlan {
    /// Takes a value's gradient out to be written or added to; [`GpuGradients::set`] puts it back.
    pub(super) fn target(&self, tape: &Tape, grads: &mut GpuGradients, v: ValueId) -> Result<Target> {
        // Sums taken before are of the gradient as it was.
        grads.sums[v] = None;
        let (len, per) = (self.len(tape, v), tape.n * self.plan.values[v].shape.pixels());
        let Some(Gradient { memory, offset, factor }) = grads.values[v].take() else {
            return Ok(Target { memory: self.gpu.floats(len)?, accumulate: false });
        };
        let is_whole = offset == 0 && factor == 1.0;
        match Arc::try_unwrap(memory) {
            Ok(memory) if is_whole => Ok(Target { memory, accumulate: true }),
            other => {
                // Shared with another value, or only a part of it: continue on an own copy.
                let shared = other.map_or_else(|shared| shared, Arc::new);
                let own = self.gpu.floats(len)?;
                self.add_seen(shared.float(offset * per), Reading::PLAIN, own.at(), len, per, factor, false)?;
                Ok(Target { memory: own, accumulate: true })
            }
        }
    }

    /// The same with zeros instead of unspecified contents, for kernels that only add.
    pub(super) fn zeroed_target(&self, tape: &Tape, grads: &mut GpuGradients, v: ValueId) -> Result<Memory> {
        if !grads.has(v) {
            grads.sums[v] = None;
            return self.gpu.zeros(self.len(tape, v));
        }
        Ok(self.target(tape, grads, v)?.memory)
    }

    /// Turns the gradient of `y` into that of its raw output, on the way giving batch norm's weights theirs.
    pub(super) fn settle(&self, tape: &Tape, grads: &mut GpuGradients, y: ValueId) -> Result<()> {
        if self.plan.values[y].is_plain() {
            return Ok(());
        }
        let abc = self.norm_backward(tape, grads, y)?;
        let view = self.view(tape, y);
        let to = self.gpu.floats(view.len())?;
        let (g, abc, factor) = (grads.at(y, view.per), abc.as_ref().map_or(0, Memory::at), grads.factor(y));
        self.gpu.each("raw_gradient", view.len(), args![g, view.at, view.how, abc, to.at(), view.len(), view.per, factor])?;
        grads.set(y, to);
        Ok(())
    }

    /// The same, as a map of its own with factor 1; returns where it begins.
    pub(super) fn own(&self, tape: &Tape, grads: &mut GpuGradients, y: ValueId) -> Result<Address> {
        self.settle(tape, grads, y)?;
        let per = tape.n * self.plan.values[y].shape.pixels();
        if grads.factor(y) != 1.0 {
            let target = self.target(tape, grads, y)?;
            grads.set(y, target.memory);
        }
        Ok(grads.at(y, per))
    }

    /// Adds `factor` times the gradient of `y`, from channel `offset` on, to that of `x`: shared where `x` has none yet.
    ///
    /// The gradient of `y` must be [settled](Self::settle).
    pub(super) fn pass_on(
        &self,
        tape: &Tape,
        grads: &mut GpuGradients,
        y: ValueId,
        x: ValueId,
        offset: usize,
        factor: f32,
    ) -> Result<()> {
        let Some(from) = grads.values[y].clone() else { return Ok(()) };
        let (offset, factor) = (from.offset + offset, from.factor * factor);
        if !grads.has(x) {
            grads.values[x] = Some(Gradient { memory: from.memory, offset, factor });
            return Ok(());
        }
        let (len, per) = (self.len(tape, x), tape.n * self.plan.values[x].shape.pixels());
        let target = self.target(tape, grads, x)?;
        let source = from.memory.float(offset * per);
        self.add_seen(source, Reading::PLAIN, target.memory.at(), len, per, factor, target.accumulate)?;
        grads.set(x, target.memory);
        Ok(())
    }
}
