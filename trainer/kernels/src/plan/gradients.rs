//! The gradients while a backward pass runs.

use std::sync::Arc;

use super::forward::View;
use super::{Plan, ValueId};
use crate::buffer::{Buffer, Ptr};
use crate::ops::rows::{self, Coefficients};
use crate::simd::LANES;

/// Σ g and Σ g·ŷ, a pair a block.
pub(super) type Sums = Vec<[[f64; LANES]; 2]>;

/// Gradient with respect to what readers of a value see: some blocks of a buffer, times a factor.
///
/// A value that is added into another shares the other's buffer; only one with several readers gets its own.
#[derive(Clone, Debug)]
pub(super) struct Gradient {
    pub buffer: Arc<Buffer>,
    pub offset: usize,
    pub factor: f32,
}

/// Gradients of a backward pass.
#[derive(Debug)]
pub struct Gradients {
    /// Of the trained parameters, in the plan's order; `None` where they were not asked for.
    pub params: Option<Vec<f32>>,
    /// Of the inputs, `[n][c][h][w]` each; `None` where they were not asked for.
    pub inputs: Vec<Option<Vec<f32>>>,
    /// Of the masks, `[layers][width]`.
    pub masks: Vec<f32>,
    pub(super) values: Vec<Option<Gradient>>,
    pub(super) sums: Vec<Option<Sums>>,
}

/// Where the gradient of a value lies.
#[derive(Clone, Copy)]
pub(super) struct GradientView {
    pub g: Ptr,
    pub offset: usize,
    pub n: usize,
    pub pixels: usize,
}

impl GradientView {
    /// The plane of one block of one image.
    ///
    /// # Safety
    /// `block` and `image` must be inside the value.
    pub unsafe fn plane(&self, block: usize, image: usize) -> *mut f32 {
        unsafe { self.g.at(((self.offset + block) * self.n + image) * self.pixels) }
    }
}

/// The gradient of a raw output, row by row.
pub(super) struct RawGradient {
    pub y: View,
    pub g: GradientView,
    pub factor: f32,
    pub abc: Option<[Buffer; 3]>,
}

impl RawGradient {
    /// Whether the rows of `g` are the gradient as they stand.
    pub fn is_plain(&self) -> bool {
        self.y.is_plain() && self.factor == 1.0
    }

    /// The gradient of `pixels` pixels of a block of an image, from pixel `first` on, into `dst`.
    ///
    /// # Safety
    /// The pixels must be inside the value, and `dst` valid for them.
    pub unsafe fn row(&self, plan: &Plan, block: usize, image: usize, first: usize, pixels: usize, dst: *mut f32) {
        // SAFETY: A, B and C have a vector a block; the rest is promised by the caller.
        unsafe {
            let abc = match &self.abc {
                Some(abc) => [0, 1, 2].map(|i| abc[i].ptr().at(block).cast_const()),
                None => [std::ptr::null(); 3],
            };
            let how = Coefficients { reading: self.y.reading(block), factor: self.factor, abc };
            let g = self.g.plane(block, image).add(first * LANES);
            let y = self.y.plane(block, image).add(first * LANES);
            rows::raw_gradient(plan.level, g, y, dst, pixels, &how);
        }
    }
}

impl Gradients {
    /// Those that a GPU has computed.
    pub(crate) fn of(params: Option<Vec<f32>>, inputs: Vec<Option<Vec<f32>>>, masks: Vec<f32>) -> Self {
        Self { params, inputs, masks, values: Vec::new(), sums: Vec::new() }
    }

    /// Those of this share of a batch and the next: weights and masks add up, images follow each other.
    pub(crate) fn joined(mut self, next: Self) -> Self {
        let add = |to: &mut [f32], from: Vec<f32>| std::iter::zip(to, from).for_each(|(to, from)| *to += from);
        if let (Some(to), Some(from)) = (&mut self.params, next.params) {
            add(to, from);
        }
        add(&mut self.masks, next.masks);
        for (to, from) in std::iter::zip(&mut self.inputs, next.inputs) {
            if let (Some(to), Some(from)) = (to, from) {
                to.extend(from);
            }
        }
        self
    }

    pub(super) fn view(&self, v: ValueId, of: &View) -> GradientView {
        let gradient = self.values[v].as_ref().expect("only values with a gradient are asked for it");
        GradientView { g: gradient.buffer.ptr(), offset: gradient.offset, n: of.stride() / of.pixels, pixels: of.pixels }
    }

    /// Whether any reader has given a gradient yet.
    pub(super) fn has(&self, v: ValueId) -> bool {
        self.values[v].is_some()
    }

    pub(super) fn factor(&self, v: ValueId) -> f32 {
        self.values[v].as_ref().map_or(1.0, |g| g.factor)
    }

    pub(super) fn take_sums(&mut self, v: ValueId) -> Option<Sums> {
        self.sums[v].take()
    }

    pub(super) fn set_sums(&mut self, v: ValueId, sums: Sums) {
        self.sums[v] = Some(sums);
    }
}

/// A value's gradient that is about to be written.
pub(super) struct Target {
    pub buffer: Buffer,
    /// Whether it holds a sum that is to be added to; else its contents are unspecified.
    pub accumulate: bool,
    pub n: usize,
    pub pixels: usize,
}

impl Target {
    /// The plane of one block of one image.
    ///
    /// # Safety
    /// `block` and `image` must be inside the value; threads must write disjoint planes.
    pub unsafe fn plane(&self, block: usize, image: usize) -> *mut f32 {
        unsafe { self.buffer.ptr().at((block * self.n + image) * self.pixels) }
    }

    /// Vectors from one block to the next.
    pub fn stride(&self) -> usize {
        self.n * self.pixels
    }
}
