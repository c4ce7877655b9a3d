//! The remaining operations: sums, products, joins, pools, hard sigmoid, dropout.

use super::arguments::{Dropout, Reading, args};
use super::gradients::GpuGradients;
use super::machine::Result;
use super::pass::{GpuPlan, Tape, View};
use crate::plan::{Simple, ValueId};

impl GpuPlan {
    pub(super) fn simple_forward(&self, tape: &Tape, step: &Simple) -> Result<()> {
        let views = |x: ValueId, y: ValueId| (self.view(tape, x), self.view(tape, y));
        match *step {
            Simple::Mul { x, factor, y } => {
                let (from, out) = views(x, y);
                self.product(&from, &self.view(tape, factor), out.at, false)
            }
            Simple::MaxPool { x, y, kernel, stride } => {
                let (from, out) = views(x, y);
                let win = self.window(tape, x, y, kernel, stride);
                self.gpu.each("max_pool", out.len(), args![from.at, from.how, out.at, out.len(), win])
            }
            Simple::GlobalAvgPool { x, y } => {
                let (from, out) = views(x, y);
                self.gpu.reduce("mean_planes", from.channels * tape.n, args![from.at, from.how, out.at, tape.n, from.pixels])
            }
            Simple::HardSigmoid { x, y } => {
                let (from, out) = views(x, y);
                self.gpu.each("hard_sigmoid", out.len(), args![from.at, from.how, out.at, out.len(), out.per])
            }
            Simple::Dropout { x, y, p, index } => {
                let (from, out) = views(x, y);
                if p > 0.0 && tape.mode.drops() {
                    return self.drop(tape, &from, out.at, p, index, false);
                }
                self.add_seen(from.at, from.how, out.at, out.len(), out.per, 1.0, false)
            }
        }
    }

    pub(super) fn simple_backward(&self, tape: &Tape, grads: &mut GpuGradients, step: &Simple) -> Result<()> {
        match *step {
            Simple::Mul { x, factor, y } => self.mul_backward(tape, grads, x, factor, y),
            Simple::MaxPool { x, y, kernel, stride } => {
                let (win, from) = (self.window(tape, x, y, kernel, stride), self.view(tape, x));
                self.add_gradient(tape, grads, x, y, |g, to| {
                    self.gpu.each("max_pool_back", from.len(), args![from.at, from.how, g, to, from.len(), win])
                })
            }
            Simple::GlobalAvgPool { x, y } => {
                let from = self.view(tape, x);
                self.add_gradient(tape, grads, x, y, |g, to| {
                    self.gpu.each("mean_back", from.len(), args![g, to, from.len(), from.pixels])
                })
            }
            Simple::HardSigmoid { x, y } => {
                let from = self.view(tape, x);
                self.add_gradient(tape, grads, x, y, |g, to| {
                    self.gpu.each("hard_sigmoid_back", from.len(), args![from.at, from.how, g, to, from.len(), from.per])
                })
            }
            Simple::Dropout { x, y, p: 0.0, .. } => {
                self.settle(tape, grads, y)?;
                self.pass_on(tape, grads, y, x, 0, 1.0)
            }
            Simple::Dropout { x, y, p, index } => {
                let from = self.view(tape, x);
                self.add_gradient(tape, grads, x, y, |g, to| {
                    self.drop(tape, &View { at: g, how: Reading::PLAIN, ..from }, to, p, index, true)
                })
            }
        }
    }

    /// Runs `add`, which adds to the gradient of `x` (second address) what follows from that of `y` (first address).
    fn add_gradient(
        &self,
        tape: &Tape,
        grads: &mut GpuGradients,
        x: ValueId,
        y: ValueId,
        add: impl Fn(u64, u64) -> Result<()>,
    ) -> Result<()> {
        let g = self.own(tape, grads, y)?;
        let to = self.zeroed_target(tape, grads, x)?;
        add(g, to.at())?;
        grads.set(x, to);
        Ok(())
    }

    /// The values of `from`, dropped or scaled, into or onto `to`.
    fn drop(&self, tape: &Tape, from: &View, to: u64, p: f32, index: usize, accumulate: bool) -> Result<()> {
        // A share's images are told from those of the others by their place in the whole batch.
        let first = self.plan.group.as_ref().map_or(0, |group| group.rank() * tape.n);
        let [first, images, channels, pixels] = [first, tape.n, from.channels, from.pixels].map(|v| v as u32);
        let threshold = (f64::from(p) * 2f64.powi(32)) as u64;
        let seed = tape.dropout_seed;
        let drop = Dropout { seed, index: index as u64, threshold, first, images, channels, pixels, keep: 1.0 / (1.0 - p) };
        self.gpu.each("dropout", from.len(), args![from.at, from.how, to, from.len(), drop, accumulate])
    }

    /// to (+)= x · factor.
    fn product(&self, x: &View, factor: &View, to: u64, accumulate: bool) -> Result<()> {
        let arguments = args![x.at, x.how, factor.at, factor.how, to, x.len(), x.per, x.pixels, factor.pixels, accumulate];
        self.gpu.each("product", x.len(), arguments)
    }

    fn mul_backward(&self, tape: &Tape, grads: &mut GpuGradients, x: ValueId, factor: ValueId, y: ValueId) -> Result<()> {
        let (from, by) = (self.view(tape, x), self.view(tape, factor));
        self.add_gradient(tape, grads, x, y, |g, to| self.product(&View { at: g, how: Reading::PLAIN, ..from }, &by, to, true))?;
        self.add_gradient(tape, grads, factor, y, |g, to| {
            if by.pixels == from.pixels {
                return self.product(&View { at: g, how: Reading::PLAIN, ..from }, &from, to, true);
            }
            self.gpu.reduce("product_sums", by.len(), args![from.at, from.how, g, to, tape.n, from.pixels])
        })
    }

    pub(super) fn add_forward(&self, tape: &Tape, parts: &[ValueId], y: ValueId) -> Result<()> {
        let out = self.view(tape, y);
        for (i, &v) in parts.iter().enumerate() {
            let x = self.view(tape, v);
            self.add_seen(x.at, x.how, out.at, out.len(), out.per, 1.0, i > 0)?;
        }
        Ok(())
    }

    pub(super) fn add_backward(&self, tape: &Tape, grads: &mut GpuGradients, parts: &[ValueId], y: ValueId) -> Result<()> {
        self.settle(tape, grads, y)?;
        for &x in parts {
            self.pass_on(tape, grads, y, x, 0, 1.0)?;
        }
        Ok(())
    }

    pub(super) fn concat_forward(&self, tape: &Tape, parts: &[ValueId], y: ValueId) -> Result<()> {
        let mut to = self.view(tape, y).at;
        for &v in parts {
            let x = self.view(tape, v);
            self.add_seen(x.at, x.how, to, x.len(), x.per, 1.0, false)?;
            to += 4 * x.len() as u64;
        }
        Ok(())
    }

    pub(super) fn concat_backward(&self, tape: &Tape, grads: &mut GpuGradients, parts: &[ValueId], y: ValueId) -> Result<()> {
        self.settle(tape, grads, y)?;
        let mut offset = 0;
        for &x in parts {
            self.pass_on(tape, grads, y, x, offset, 1.0)?;
            offset += self.plan.values[x].shape.c;
        }
        Ok(())
    }
}
