//! Gradients of a convolution's weights and bias, added up over the parts of a batch.

use std::ops::Range;

use super::Plan;
use crate::buffer::Ptr;
use crate::ops::{Partial, statistics};
use crate::simd::{LANES, V16};

/// Sums of each part of a batch; without a gradient of the parameters there are none.
pub(super) struct ParameterSums {
    weights: Option<Partial>,
    bias: Option<Partial>,
}

impl ParameterSums {
    /// Room for `len` vectors of weights and a vector a block of the bias, where there is one, for a batch of `n`.
    pub fn new(plan: &Plan, is_wanted: bool, len: usize, bias_blocks: Option<usize>, n: usize) -> Self {
        let room = |len: usize| Partial::new(&plan.pool, len, n);
        Self { weights: is_wanted.then(|| room(len)), bias: bias_blocks.filter(|_| is_wanted).map(room) }
    }

    /// The weights' and the bias's sums of one part, set to zero: called once by the thread that fills them.
    pub fn start(&self, part: usize) -> (Option<Ptr>, Option<Ptr>) {
        let start = |partial: &Option<Partial>| partial.as_ref().map(|partial| partial.start(part));
        (start(&self.weights), start(&self.bias))
    }

    /// Adds the sums over all parts to the parameters' gradients; `unpack` adds the weights', which lie as the kernels want them.
    pub fn add_to(
        mut self,
        params: &mut [f32],
        weight: Range<usize>,
        bias: Option<Range<usize>>,
        unpack: impl FnOnce(&[V16], &mut [f32]),
    ) {
        if let Some(partial) = &mut self.weights {
            unpack(partial.sum(), &mut params[weight]);
        }
        if let (Some(partial), Some(range)) = (&mut self.bias, bias) {
            for (to, from) in std::iter::zip(&mut params[range], partial.sum().iter().flat_map(|v| v.0)) {
                *to += from;
            }
        }
    }
}

/// Adds Σ over pixels of rows of a raw gradient, a vector a block, to `partial`: a bias's gradient.
///
/// # Safety
/// `g` must be valid for blocks × pixels vectors, `partial` for a vector a block.
pub(super) unsafe fn add_bias_gradient(plan: &Plan, g: (Ptr, usize), blocks: usize, pixels: usize, partial: Ptr) {
    for b in 0..blocks {
        let mut sum = V16::ZERO;
        // SAFETY: promised by the caller.
        unsafe {
            statistics::sum(plan.level, g.0.at(b * g.1), pixels, sum.0.as_mut_ptr());
            let to: &mut [f32; LANES] = &mut *partial.at(b).cast();
            for lane in 0..LANES {
                to[lane] += sum.0[lane];
            }
        }
    }
}
