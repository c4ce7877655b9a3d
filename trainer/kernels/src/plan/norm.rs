//! Batch norm: from statistics to scale and shift, and from gradients to the coefficients of the raw gradient.

use std::sync::Mutex;

use blocks::graph::{BN_EPSILON, BN_MOMENTUM};

use super::forward::Tape;
use super::gradients::{Gradients, Sums};
use super::{Affine, Norm, Plan, ValueId};
use crate::buffer::Buffer;
use crate::group::Group;
use crate::ops::layout::pad_channels;
use crate::ops::statistics::{self, Moments};
use crate::ops::{PARTS, for_parts};
use crate::simd::{LANES, V16};

/// Pixels whose moments are taken in single precision before they are joined in double.
const RUN: usize = 64;

/// Moments of the whole batch from those of this process's share. One sum is enough: in double precision the squares' part that
/// cancels is far below what single precision can hold.
fn join_over(group: &dyn Group, moments: &mut [Moments]) {
    let mut sums: Vec<[[f64; LANES]; 2]> = moments
        .iter()
        .map(|of| {
            let total = of.mean.map(|mean| mean * of.count);
            let squares = std::array::from_fn(|i| of.m2[i] + of.mean[i] * total[i]);
            [total, squares]
        })
        .collect();
    group.sum(sums.as_flattened_mut().as_flattened_mut());
    for (of, [total, squares]) in std::iter::zip(moments, sums) {
        of.count *= group.size() as f64;
        of.mean = total.map(|total| total / of.count);
        of.m2 = std::array::from_fn(|i| (squares[i] - of.mean[i] * total[i]).max(0.0));
    }
}

impl Plan {
    /// Scale and shift of a value whose raw output is complete; moves the running statistics where the mode says so.
    pub(super) fn normalise(&self, tape: &Tape, v: ValueId, norm: &Norm, stats: &mut [f32]) -> Affine {
        let c = norm.gamma.len();
        let (mut means, mut variances) = (stats[norm.mean.clone()].to_vec(), stats[norm.var.clone()].to_vec());
        if tape.mode.is_training() {
            let mut moments = self.moments(tape, v);
            if let Some(group) = &self.group {
                join_over(group.as_ref(), &mut moments);
            }
            for i in 0..c {
                let of = &moments[i / LANES];
                means[i] = of.mean[i % LANES] as f32;
                variances[i] = (of.m2[i % LANES] / of.count) as f32;
                if tape.mode.moves_statistics() {
                    let unbiased = (of.m2[i % LANES] / (of.count - 1.0).max(1.0)) as f32;
                    for (running, of_batch) in [(norm.mean.start + i, means[i]), (norm.var.start + i, unbiased)] {
                        stats[running] += BN_MOMENTUM * (of_batch - stats[running]);
                    }
                }
            }
        }
        let gamma = &tape.params[norm.gamma.clone()];
        let beta = &tape.params[norm.beta.clone()];
        let istd: Vec<f32> = variances.iter().map(|v| 1.0 / (v + BN_EPSILON).sqrt()).collect();
        let scale: Vec<f32> = std::iter::zip(gamma, &istd).map(|(g, s)| g * s).collect();
        let shift: Vec<f32> = (0..c).map(|i| beta[i] - scale[i] * means[i]).collect();
        let packed = |values: &[f32]| {
            let mut buffer = self.pool.take(values.len().div_ceil(LANES));
            for (to, from) in std::iter::zip(buffer.iter_mut(), pad_channels(values, 0.0)) {
                *to = from;
            }
            buffer
        };
        Affine { scale: packed(&scale), shift: packed(&shift), mean: packed(&means), istd: packed(&istd) }
    }

    /// Moments of each block of a raw output.
    fn moments(&self, tape: &Tape, v: ValueId) -> Vec<Moments> {
        let view = self.view(tape, v);
        let parts: Vec<Mutex<Vec<Moments>>> = (0..PARTS).map(|_| Mutex::new(vec![Moments::NONE; view.blocks])).collect();
        for_parts(tape.n, |p, images| {
            let mut moments = vec![Moments::NONE; view.blocks];
            for (b, total) in moments.iter_mut().enumerate() {
                for image in images.clone() {
                    for first in (0..view.pixels).step_by(RUN) {
                        let run = RUN.min(view.pixels - first);
                        let mut out = [V16::ZERO; 2];
                        // SAFETY: block, image and pixels are inside the value.
                        unsafe {
                            let y = view.plane(b, image).add(first * LANES);
                            statistics::moments(self.level, y, run, out.as_mut_ptr().cast());
                        }
                        total.join(&Moments { count: run as f64, mean: out[0].0.map(f64::from), m2: out[1].0.map(f64::from) });
                    }
                }
            }
            *parts[p].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = moments;
        });
        let mut total = vec![Moments::NONE; view.blocks];
        for part in parts {
            let part = part.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
            for (total, part) in std::iter::zip(&mut total, &part) {
                total.join(part);
            }
        }
        total
    }

    /// Σ g and Σ g·ŷ of a value with a batch norm, a pair of vectors a block, without the gradient's factor.
    pub(super) fn gradient_sums(&self, tape: &Tape, grads: &Gradients, v: ValueId) -> Sums {
        let view = self.view(tape, v);
        let g = grads.view(v, &view);
        let affine = tape.affine[v].as_ref().expect("the value has a batch norm");
        let (mean, istd) = (affine.mean.ptr(), affine.istd.ptr());
        let mut partial = self.pool.zeros(PARTS * view.blocks * 2);
        let out = partial.ptr();
        for_parts(tape.n, |p, images| {
            for b in 0..view.blocks {
                let mut total = [[0.0f64; LANES]; 2];
                for image in images.clone() {
                    let mut sums = [V16::ZERO; 2];
                    // SAFETY: block and image are inside the value; mean and istd have a vector a block.
                    unsafe {
                        let (g, y) = (g.plane(b, image), view.plane(b, image));
                        let sums = sums.as_mut_ptr().cast();
                        statistics::gradient_sums(self.level, g, y, view.pixels, &view.reading(b), mean.at(b), istd.at(b), sums);
                    }
                    for (total, sum) in std::iter::zip(&mut total, &sums) {
                        for lane in 0..LANES {
                            total[lane] += f64::from(sum.0[lane]);
                        }
                    }
                }
                for (i, total) in total.into_iter().enumerate() {
                    // SAFETY: each part has its own vectors.
                    unsafe { *out.at((p * view.blocks + b) * 2 + i).cast() = total.map(|x| x as f32) };
                }
            }
        });
        let mut sums = vec![[[0.0f64; LANES]; 2]; view.blocks];
        for (i, v) in partial.iter_mut().enumerate() {
            let (b, which) = (i / 2 % view.blocks, i % 2);
            for lane in 0..LANES {
                sums[b][which][lane] += f64::from(v.0[lane]);
            }
        }
        sums
    }

    /// A, B, C of [`crate::ops::rows`], a vector a block each, and the gradients of γ and β.
    pub(super) fn norm_backward(&self, tape: &Tape, grads: &mut Gradients, v: ValueId) -> Option<[Buffer; 3]> {
        let norm = self.values[v].norm.as_ref()?;
        let sums = match grads.take_sums(v) {
            Some(sums) => sums,
            None => self.gradient_sums(tape, grads, v),
        };
        let factor = f64::from(grads.factor(v));
        let mut m = (tape.n * self.values[v].shape.pixels()) as f64;
        // The parameters' gradients stay those of this share; what reaches the images depends on the whole batch.
        let joined = self.group.as_ref().map(|group| {
            let mut joined = sums.clone();
            group.sum(joined.as_flattened_mut().as_flattened_mut());
            m *= group.size() as f64;
            joined
        });
        let whole = joined.as_ref().unwrap_or(&sums);
        let affine = tape.affine[v].as_ref().expect("the value has a batch norm");
        let mut abc = [0, 1, 2].map(|_| self.pool.zeros(sums.len()));
        for (i, parameter) in norm.gamma.clone().enumerate() {
            let (b, lane) = (i / LANES, i % LANES);
            if let Some(params) = &mut grads.params {
                let [s0, s1] = sums[b].map(|s| s[lane] * factor);
                params[parameter] += s1 as f32;
                params[norm.beta.start + i] += s0 as f32;
            }
            let [s0, s1] = whole[b].map(|s| s[lane] * factor);
            let (istd, mean) = (f64::from(affine.istd[b].0[lane]), f64::from(affine.mean[b].0[lane]));
            let a = f64::from(tape.params[parameter]) * istd;
            let slope = -a * istd * s1 / m;
            abc[0][b].0[lane] = a as f32;
            abc[1][b].0[lane] = slope as f32;
            abc[2][b].0[lane] = (-a * s0 / m - slope * mean) as f32;
        }
        Some(abc)
    }
}
