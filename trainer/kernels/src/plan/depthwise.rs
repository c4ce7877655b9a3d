//! Depthwise convolutions, a channel block of an image at a time.

use blocks::{Conv, Shape};

use super::forward::Tape;
use super::gradients::Gradients;
use super::parameter_sums::{ParameterSums, add_bias_gradient};
use super::step::Convolution;
use super::{Plan, ValueId};
use crate::buffer::Ptr;
use crate::ops::depthwise::{self, Window};
use crate::ops::layout::{pack_depthwise, pad_channels, unpack_depthwise_add};
use crate::ops::rows::{self, Reading};
use crate::ops::{for_parts, with_scratch};
use crate::simd::{LANES, Level, V16};

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

    /// Zeroes the border.
    ///
    /// # Safety
    /// `plane` must have [`Self::len`].
    unsafe fn clear_border(&self, plane: Ptr) {
        // SAFETY: promised by the caller. What is right of a row and left of the next lies together.
        unsafe {
            clear(plane, self.row(0));
            for row in 0..self.h {
                let end = self.row(row) + self.w;
                let next = if row + 1 < self.h { self.row(row + 1) } else { self.len() };
                clear(Ptr(plane.at(end)), next - end);
            }
        }
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

    pub(super) fn depthwise_forward(&self, tape: &Tape, convolution: &Convolution) {
        let &Convolution { x, y, ref conv, ref weight, ref bias } = convolution;
        let from = self.values[x].shape;
        let padded = Padded { h: from.h, w: from.w, padding: conv.padding };
        let window = self.window(y, conv, &padded);
        let taps = conv.kernel * conv.kernel;
        let (input, out) = (self.view(tape, x), self.view(tape, y));
        let mut packed = self.pool.take(out.blocks * taps);
        pack_depthwise(&tape.params[weight.clone()], taps, false, &mut packed);
        let w = packed.ptr();
        let bias: Vec<V16> = bias.clone().map(|b| pad_channels(&tape.params[b], 0.0).collect()).unwrap_or_default();
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

    pub(super) fn depthwise_backward(&self, tape: &Tape, grads: &mut Gradients, convolution: &Convolution, want_x: bool) {
        let &Convolution { x, y, ref conv, ref weight, ref bias } = convolution;
        let g = self.raw_gradient(tape, grads, y);
        let (from, to) = (self.values[x].shape, self.values[y].shape);
        let input = self.view(tape, x);
        let taps = conv.kernel * conv.kernel;
        let padded = Padded { h: from.h, w: from.w, padding: conv.padding };
        let window = self.window(y, conv, &padded);
        let back = Back::of(conv, padded, to, &window);
        let mut packed = self.pool.take(g.y.blocks * taps);
        pack_depthwise(&tape.params[weight.clone()], taps, back.convolution.is_some(), &mut packed);
        let w = packed.ptr();
        let want_params = grads.params.is_some();
        let len = g.y.blocks * taps;
        let sums = ParameterSums::new(self, want_params, len, bias.as_ref().map(|_| g.y.blocks), tape.n);
        let target = want_x.then(|| self.gradient_target(tape, grads, x));
        for_parts(tape.n, |part, images| {
            let (dw, db) = sums.start(part);
            with_scratch([padded.len(), back.around.len(), to.pixels()], |[plane, gradient_plane, dy]| {
                // SAFETY: the scratch planes have their lengths, blocks and images are inside the values, parts have different
                // images and partial sums.
                unsafe {
                    clear(plane, padded.len());
                    clear(gradient_plane, back.around.len());
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
                            if let Some(target) = &target {
                                let (w, dx) = (w.at(b * taps), (target.plane(b, image), target.accumulate));
                                back.data(self.level, dy, w, dx, plane, gradient_plane);
                            }
                        }
                    }
                }
            });
        });
        if let Some(target) = target {
            self.set_gradient(grads, x, target);
        }
        if let Some(params) = &mut grads.params {
            sums.add_to(params, weight.clone(), bias.clone(), |sum, to| unpack_depthwise_add(sum, taps, to));
        }
    }
}

/// How the gradient of an input is computed from that of the output.
struct Back {
    /// The input's plane.
    padded: Padded,
    /// The output gradient's plane.
    around: Padded,
    /// The forward convolution.
    window: Window,
    /// With stride 1 the gradient is itself a convolution, of the padded output gradient with the reversed kernel.
    convolution: Option<Window>,
}

impl Back {
    fn of(conv: &Conv, padded: Padded, to: Shape, window: &Window) -> Self {
        let reach = conv.dilation * (conv.kernel - 1);
        let is_convolution = conv.stride == 1 && reach >= conv.padding;
        let around = Padded { h: to.h, w: to.w, padding: if is_convolution { reach - conv.padding } else { 0 } };
        let convolution = Window { padded_w: around.width(), out_h: padded.h, out_w: padded.w, stride: 1, ..*window };
        Self { padded, around, window: *window, convolution: is_convolution.then_some(convolution) }
    }

    /// Writes a block's gradient `dx` from the output's, `dy`, or adds to it where its second part says so.
    ///
    /// # Safety
    /// `dy`, `w` and `dx` must be valid for a block, `plane` and `gradient_plane` for the two planes. The plane's values are no longer
    /// needed; its border and that of `gradient_plane` are zero, before and after.
    unsafe fn data(&self, level: Level, dy: Ptr, w: *const f32, dx: (*mut f32, bool), plane: Ptr, gradient_plane: Ptr) {
        let (padded, around, (dx, accumulate)) = (&self.padded, &self.around, dx);
        // SAFETY: promised by the caller.
        unsafe {
            if let Some(convolution) = &self.convolution {
                for row in 0..around.h {
                    let src = dy.at(row * around.w).cast::<V16>();
                    std::ptr::copy_nonoverlapping(src, gradient_plane.at(around.row(row)).cast(), around.w);
                }
                depthwise::forward(level, gradient_plane.0, w, std::ptr::null(), dx, convolution, accumulate);
                return;
            }
            if padded.padding == 0 {
                if !accumulate {
                    clear(Ptr(dx), padded.len());
                }
                depthwise::backward_data(level, dy.0, w, dx, &self.window);
                return;
            }
            clear(plane, padded.len());
            depthwise::backward_data(level, dy.0, w, plane.0, &self.window);
            for row in 0..padded.h {
                let (src, dst) = (plane.at(padded.row(row)), dx.add(row * padded.w * LANES));
                rows::add_scaled(level, src, dst, padded.w, &Reading::PLAIN, 1.0, accumulate);
            }
            padded.clear_border(plane);
        }
    }
}
