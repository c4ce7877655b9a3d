//! The shapes of one searchable position.

use crate::shape::Shape;

/// One searchable position: the shapes that every candidate there has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Layer {
    /// Input channels.
    pub c_in: usize,
    /// Output channels.
    pub c_out: usize,
    /// 1, or 2 where the layer halves the feature map; pools may divide it by more.
    pub stride: usize,
    /// Height of the **input** in pixels.
    pub h: usize,
    /// Width of the **input** in pixels.
    pub w: usize,
}

impl Layer {
    /// Input shape.
    pub fn input(&self) -> Shape {
        Shape::new(self.c_in, self.h, self.w)
    }

    /// Output shape.
    pub fn output(&self) -> Shape {
        Shape::new(self.c_out, self.out_h(), self.out_w())
    }

    pub(crate) fn out_h(&self) -> usize {
        self.h.div_ceil(self.stride)
    }

    pub(crate) fn out_w(&self) -> usize {
        self.w.div_ceil(self.stride)
    }
}
