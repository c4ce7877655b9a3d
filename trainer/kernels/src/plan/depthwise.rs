//! Depthwise convolutions, a channel block of an image at a time.

use std::ops::Range;

use blocks::Conv;

use super::backward::{Gradients, add_bias_gradient, add_channels};
use super::{Plan, Tape, ValueId};
use crate::buffer::Ptr;
use crate::ops::depthwise::{self, Window};
use crate::ops::layout::{pack_depthwise, pad_channels, unpack_depthwise_add};
use crate::ops::rows::{self, Reading};
use crate::ops::{Partial, for_parts, with_scratch};
use crate::simd::{LANES, V16};

/// Zeroes a plane of `h`×`w` pixels.
///
/// # Safety
/// `plane` must be valid for it.
unsafe fn clear(plane: Ptr, len: usize) {
    // SAFETY: promised by the caller; all-zero bits are 0.0.
    unsafe { std::ptr::write_bytes(plane.0.cast::<V16>(), 0, len) };
}

/// The plane of a map of `h`×`w` pixels with `padding` zeros on each side.
#[derive(Clone, Copy)]
struct Padded {
    h: usize,
    w: usize,
    padding: usize,
}

impl Padded {
    fn width(&self) -> usize {
        self.w + 2 * self.padding
    }

    fn len(&self) -> usize {
        self.width() * (self.h + 2 * self.padding)
    }

    /// Vectors before a row of the map itself.
    fn row(&self, row: usize) -> usize {
        (row + self.padding) * self.width() + self.padding
    }
}

impl Plan {
    fn window(&self, y: ValueId, conv: &Conv, padded: &Padded) -> Window {
        let to = self.values[y].shape;
        Window {
            kernel: conv.kernel,
            stride: conv.stride,
            dilation: conv.dilation,
            padded_w: padded.width(),
            out_h: to.h,
            out_w: to.w,
        }
    }

    pub(super) fn depthwise_forward(&self, tape: &Tape, x: ValueId, y: ValueId, conv: &Conv, weight: &[f32], bias: Option<&[f32]>) {
        let from = self.values[x].shape;
        let padded = Padded { h: from.h, w: from.w, padding: conv.padding };
        let window = self.window(y, conv, &padded);
        let taps = conv.kernel * conv.kernel;
        let (input, out) = (self.view(tape, x), self.view(tape, y));
        let mut packed = self.pool.take(out.blocks * taps);
        pack_depthwise(weight, taps, false, &mut packed);
        let w = packed.ptr();
        let bias: Vec<V16> = bias.map(|b| pad_channels(b, 0.0).collect()).unwrap_or_default();
        for_parts(tape.n, |_, images| {
            with_scratch([padded.len(), 0, 0], |[plane, ..]| {
                // SAFETY: the plane has `padded.len()` vectors, blocks and images are inside the values, parts have different images.
                unsafe {
                    clear(plane, padded.len());
                    for image in images {
                        for b in 0..out.blocks {
                            let reading = input.reading(b);
                            for row in 0..from.h {
                                let src = input.plane(b, image).add(row * from.w * LANES);
                                rows::read(self.level, src, plane.at(padded.row(row)), from.w, &reading);
                            }
                            let bias = bias.get(b).map_or(std::ptr::null(), |v| v.0.as_ptr());
                            depthwise::forward(self.level, plane.0, w.at(b * taps), bias, out.plane(b, image), &window, false);
                        }
                    }
                }
            });
        });
    }

    #[allow(clippy::too_many_arguments)]
    pub(super) fn depthwise_backward(
        &self,
        tape: &Tape,
        grads: &mut Gradients,
        x: ValueId,
        y: ValueId,
        conv: &Conv,
        weight: Range<usize>,
        bias: Option<Range<usize>>,
        want_x: bool,
    ) {
        let g = self.raw_gradient(tape, grads, y);
        let (from, to) = (self.values[x].shape, self.values[y].shape);
        let input = self.view(tape, x);
        let taps = conv.kernel * conv.kernel;
        let padded = Padded { h: from.h, w: from.w, padding: conv.padding };
        let window = self.window(y, conv, &padded);
        // With stride 1 the gradient of the input is itself a convolution, of the padded gradient with the reversed kernel.
        let reach = conv.dilation * (conv.kernel - 1);
        let as_convolution = conv.stride == 1 && reach >= conv.padding;
        let around = Padded { h: to.h, w: to.w, padding: if as_convolution { reach - conv.padding } else { 0 } };
        let back = Window { padded_w: around.width(), out_h: from.h, out_w: from.w, stride: 1, ..window };
        let mut packed = self.pool.take(g.y.blocks * taps);
        pack_depthwise(&tape.params[weight.clone()], taps, as_convolution, &mut packed);
        let w = packed.ptr();
        let want_params = grads.params.is_some();
        let len = g.y.blocks * taps;
        let mut partial = want_params.then(|| Partial::new(&self.pool, len, tape.n));
        let mut bias_partial = (want_params && bias.is_some()).then(|| Partial::new(&self.pool, g.y.blocks, tape.n));
        let target = want_x.then(|| self.gradient_target(tape, grads, x));
        for_parts(tape.n, |part, images| {
            let (dw, db) = (partial.as_ref().map(|p| p.start(part)), bias_partial.as_ref().map(|p| p.start(part)));
            with_scratch([padded.len(), around.len(), to.pixels()], |[plane, gradient_plane, dy]| {
                // SAFETY: the scratch planes have their lengths, blocks and images are inside the values, parts have different
                // images and partial sums.
                unsafe {
                    clear(plane, padded.len());
                    clear(gradient_plane, around.len());
                    for image in images {
                        for b in 0..g.y.blocks {
                            g.row(self, b, image, 0, to.pixels(), dy.0);
                            if let Some(db) = db {
                                add_bias_gradient(self, (dy, 0), 1, to.pixels(), Ptr(db.at(b)));
                            }
                            if let Some(dw) = dw {
                                let reading = input.reading(b);
                                for row in 0..from.h {
                                    let src = input.plane(b, image).add(row * from.w * LANES);
                                    rows::read(self.level, src, plane.at(padded.row(row)), from.w, &reading);
                                }
                                depthwise::backward_weights(self.level, plane.0, dy.0, dw.at(b * taps), &window);
                            }
                            let Some(target) = &target else { continue };
                            let dx = target.plane(b, image);
                            if as_convolution {
                                for row in 0..to.h {
                                    let src = dy.at(row * to.w).cast::<V16>();
                                    std::ptr::copy_nonoverlapping(src, gradient_plane.at(around.row(row)).cast(), to.w);
                                }
                                let none = std::ptr::null();
                                let w = w.at(b * taps);
                                depthwise::forward(self.level, gradient_plane.0, w, none, dx, &back, target.accumulate);
                            } else {
                                // The plane is free again: its values have been used for the weights.
                                clear(plane, padded.len());
                                depthwise::backward_data(self.level, dy.0, w.at(b * taps), plane.0, &window);
                                for row in 0..from.h {
                                    let (src, dst) = (plane.at(padded.row(row)), dx.add(row * from.w * LANES));
                                    rows::add_scaled(self.level, src, dst, from.w, &Reading::PLAIN, 1.0, target.accumulate);
                                }
                                // Its border must be zero for the next block.
                                clear(plane, padded.len());
                            }
                        }
                    }
                }
            });
        });
        if let Some(target) = target {
            self.set_gradient(grads, x, target);
        }
        let Some(params) = &mut grads.params else { return };
        if let Some(partial) = &mut partial {
            unpack_depthwise_add(partial.sum(), taps, &mut params[weight]);
        }
        if let (Some(partial), Some(range)) = (&mut bias_partial, bias) {
            add_channels(partial.sum(), &mut params[range]);
        }
    }
}
