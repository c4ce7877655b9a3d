//! Batch norm: statistics to scale and shift, and gradients to the coefficients of the raw gradient.

use blocks::graph::{BN_EPSILON, BN_MOMENTUM};

use super::arguments::{Norm, Reading, args};
use super::gradients::GpuGradients;
use super::machine::{Address, Result};
use super::memory::Memory;
use super::pass::{Affine, GpuPlan, Tape};
use crate::plan::{self, Mode, ValueId};

/// Values that one block adds up, and the most parts that a channel is cut into.
const PART: usize = 4096;
const MOST_PARTS: usize = 64;

/// Parts that `len` values are cut into: the same for the same length, so that sums repeat.
pub(super) fn parts(len: usize) -> usize {
    (len / PART).clamp(1, MOST_PARTS)
}

impl GpuPlan {
    /// Sums over all shares of the batch, from those of this one; none where this is the whole batch.
    fn over_shares(&self, sums: &Memory, channels: usize) -> Result<Option<Memory>> {
        let Some(group) = &self.plan.group else { return Ok(None) };
        let joined = self.gpu.doubles(2 * channels)?;
        if group.sum_on_gpu(sums.at(), joined.at(), 2 * channels) {
            return Ok(Some(joined));
        }
        let mut values = vec![0.0f64; 2 * channels];
        self.gpu.download(sums, &mut values)?;
        group.sum(&mut values);
        self.gpu.upload(&values).map(Some)
    }

    /// Values of a channel in the whole batch.
    fn count(&self, per: usize) -> f64 {
        (per * self.plan.group.as_ref().map_or(1, |group| group.size())) as f64
    }

    /// Scale and shift of a value whose raw output is complete; moves the running statistics in [`Mode::Train`].
    pub(super) fn normalise(&self, tape: &Tape, v: ValueId, norm: &plan::Norm, running: &Memory) -> Result<Affine> {
        let (channels, per) = (norm.gamma.len(), tape.n * self.plan.values[v].shape.pixels());
        let affine = Affine { memory: self.gpu.floats(4 * channels)?, channels };
        let sums = if tape.mode.is_training() { Some(self.moments(tape, v, channels, per)?) } else { None };
        let weights = Norm {
            gamma: tape.params.float(norm.gamma.start),
            beta: tape.params.float(norm.beta.start),
            running_mean: running.float(norm.mean.start),
            running_var: running.float(norm.var.start),
            scale: affine.row(0),
            shift: affine.row(1),
            mean: affine.row(2),
            istd: affine.row(3),
            momentum: BN_MOMENTUM,
            epsilon: BN_EPSILON,
        };
        let sums_at = sums.as_ref().map_or(0, Memory::at);
        let (count, moves) = (self.count(per), tape.mode == Mode::Train);
        self.gpu.each("normalise", channels, args![sums_at, channels, count, weights, moves])?;
        Ok(affine)
    }

    /// Sums and sums of squares of the whole batch, `[channel][2]`.
    fn moments(&self, tape: &Tape, v: ValueId, channels: usize, per: usize) -> Result<Memory> {
        let y = tape.raw[v].as_ref().expect("the value has just been made").at();
        let parts = parts(per);
        let of_parts = self.gpu.doubles(2 * channels * parts)?;
        self.gpu.reduce("moments", channels * parts, args![y, of_parts.at(), per, parts])?;
        let sums = self.gpu.doubles(2 * channels)?;
        self.gpu.each("join_moments", channels, args![of_parts.at(), sums.at(), channels, per, parts])?;
        Ok(self.over_shares(&sums, channels)?.unwrap_or(sums))
    }

    /// Σ g of each channel, the first of each pair.
    pub(super) fn channel_sums(&self, g: Address, channels: usize, per: usize) -> Result<Memory> {
        self.sums(g, (g, Reading::PLAIN), (0, 0), channels, per)
    }

    /// Σ g and Σ g·ŷ of a value with a batch norm, without the gradient's factor.
    pub(super) fn gradient_sums(&self, tape: &Tape, grads: &GpuGradients, v: ValueId) -> Result<Memory> {
        let view = self.view(tape, v);
        let affine = tape.affine[v].as_ref().expect("the value has a batch norm");
        let (mean, istd) = (affine.row(2), affine.row(3));
        self.sums(grads.at(v, view.per), (view.at, view.how), (mean, istd), view.channels, view.per)
    }

    fn sums(
        &self,
        g: Address,
        (y, how): (Address, Reading),
        (mean, istd): (Address, Address),
        channels: usize,
        per: usize,
    ) -> Result<Memory> {
        let parts = parts(per);
        let of_parts = self.gpu.doubles(2 * channels * parts)?;
        self.gpu.reduce("gradient_sums", channels * parts, args![g, y, how, mean, istd, of_parts.at(), per, parts])?;
        let sums = self.gpu.doubles(2 * channels)?;
        self.gpu.each("join_sums", channels, args![of_parts.at(), sums.at(), channels, parts])?;
        Ok(sums)
    }

    /// A, B, C of `norm.cu`, `[3][channel]`, and the gradients of γ and β; none for a value without a batch norm.
    pub(super) fn norm_backward(&self, tape: &Tape, grads: &mut GpuGradients, v: ValueId) -> Result<Option<Memory>> {
        let Some(norm) = &self.plan.values[v].norm else { return Ok(None) };
        let sums = match grads.sums[v].take() {
            Some(sums) => sums,
            None => self.gradient_sums(tape, grads, v)?,
        };
        let (channels, per) = (norm.gamma.len(), tape.n * self.plan.values[v].shape.pixels());
        // The parameters' gradients stay those of this share; what reaches the images depends on the whole batch.
        let joined = self.over_shares(&sums, channels)?;
        let (own, whole) = (sums.at(), joined.as_ref().unwrap_or(&sums).at());
        let affine = tape.affine[v].as_ref().expect("the value has a batch norm");
        let abc = self.gpu.floats(3 * channels)?;
        let of = |range: &std::ops::Range<usize>| grads.params.as_ref().map_or(0, |params| params.float(range.start));
        let (gamma, factor, count) = (tape.params.float(norm.gamma.start), grads.factor(v), self.count(per));
        let (mean, istd, dgamma, dbeta) = (affine.row(2), affine.row(3), of(&norm.gamma), of(&norm.beta));
        let arguments = args![own, whole, channels, count, factor, gamma, mean, istd, abc.at(), dgamma, dbeta];
        self.gpu.each("norm_back", channels, arguments)?;
        Ok(Some(abc))
    }
}
