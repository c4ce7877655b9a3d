//! Steps that put values together: sums, and joins along the channels.

use super::forward::Tape;
use super::gradients::Gradients;
use super::{Plan, ValueId};
use crate::buffer::Ptr;
use crate::ops::layout::{pack_block, unpack_block};
use crate::ops::rows;
use crate::ops::{for_parts, with_scratch};
use crate::simd::LANES;

impl Plan {
    pub(super) fn add_forward(&self, tape: &Tape, parts: &[ValueId], y: ValueId) {
        let out = self.view(tape, y);
        let inputs: Vec<_> = parts.iter().map(|&v| self.view(tape, v)).collect();
        for_parts(tape.n, |_, images| {
            for image in images {
                for b in 0..out.blocks {
                    for (i, x) in inputs.iter().enumerate() {
                        // SAFETY: block and image are inside the values, parts have different images.
                        unsafe {
                            let (src, dst) = (x.plane(b, image), out.plane(b, image));
                            rows::add_scaled(self.level, src, dst, out.pixels, &x.reading(b), 1.0, i > 0);
                        }
                    }
                }
            }
        });
    }

    pub(super) fn add_backward(&self, tape: &Tape, grads: &mut Gradients, parts: &[ValueId], y: ValueId) {
        self.settle(tape, grads, y);
        for &x in parts {
            self.pass_on(tape, grads, y, x, 0, 1.0);
        }
    }

    /// Whether a join falls on whole blocks, so that planes can be copied.
    fn joins_whole_blocks(&self, parts: &[ValueId]) -> bool {
        parts.iter().all(|&v| self.values[v].shape.c.is_multiple_of(LANES))
    }

    pub(super) fn concat_forward(&self, tape: &Tape, parts: &[ValueId], y: ValueId) {
        let out = self.view(tape, y);
        let inputs: Vec<_> = parts.iter().map(|&v| (self.view(tape, v), self.values[v].shape.c)).collect();
        let whole = self.joins_whole_blocks(parts);
        for_parts(tape.n, |_, images| {
            for image in images {
                let (mut channel, mut planes) = (0, Vec::new());
                for (x, c) in &inputs {
                    for b in 0..x.blocks {
                        if whole {
                            let to = channel / LANES + b;
                            // SAFETY: blocks and images are inside the values, parts have different images.
                            unsafe { rows::read(self.level, x.plane(b, image), out.plane(to, image), out.pixels, &x.reading(b)) };
                            continue;
                        }
                        let lanes = (c - b * LANES).min(LANES);
                        let mut plane = vec![0.0; lanes * out.pixels];
                        with_scratch([out.pixels, 0, 0], |[z, ..]| {
                            // SAFETY: the scratch holds a plane.
                            unsafe {
                                rows::read(self.level, x.plane(b, image), z.0, out.pixels, &x.reading(b));
                                unpack_block(z.0, out.pixels, &mut plane);
                            }
                        });
                        planes.extend(plane);
                    }
                    channel += c;
                }
                for (b, plane) in planes.chunks(LANES * out.pixels).enumerate() {
                    // SAFETY: as above.
                    unsafe { pack_block(plane, out.pixels, out.plane(b, image)) };
                }
            }
        });
    }

    pub(super) fn concat_backward(&self, tape: &Tape, grads: &mut Gradients, parts: &[ValueId], y: ValueId) {
        self.settle(tape, grads, y);
        if self.joins_whole_blocks(parts) {
            let mut offset = 0;
            for &x in parts {
                self.pass_on(tape, grads, y, x, offset, 1.0);
                offset += self.values[x].blocks();
            }
            return;
        }
        self.own_gradient(tape, grads, y);
        let out = self.view(tape, y);
        let g = grads.view(y, &out);
        let mut channel = 0;
        for &x in parts {
            let target = self.zeroed_gradient_target(tape, grads, x);
            let c = self.values[x].shape.c;
            for_parts(tape.n, |_, images| {
                for image in images {
                    for i in 0..c {
                        let from = channel + i;
                        // SAFETY: channels and images are inside the values, parts have different images.
                        unsafe {
                            let src = Ptr(g.plane(from / LANES, image));
                            let dst = Ptr(target.plane(i / LANES, image));
                            for px in 0..out.pixels {
                                *dst.at(px).add(i % LANES) += *src.at(px).add(from % LANES);
                            }
                        }
                    }
                }
            });
            self.set_gradient(grads, x, target);
            channel += c;
        }
    }
}
