//! Steps that put values together: sums, and joins along the channels.

use super::forward::Tape;
use super::gradients::Gradients;
use super::{Plan, ValueId};
use crate::ops::lanes::{self, Piece};
use crate::ops::rows;
use crate::ops::{for_parts, with_scratch};
use crate::simd::{LANES, V16};

/// Pixels that pass through the scratch at once when channels change lanes, so that they stay in the first-level cache.
const PIXELS_AT_ONCE: usize = 128;

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
        let channels: Vec<usize> = parts.iter().map(|&v| self.values[v].shape.c).collect();
        let inputs: Vec<_> = std::iter::zip(Piece::of_parts(&channels), parts.iter().map(|&v| self.view(tape, v))).collect();
        let last_is_whole = self.values[y].shape.c.is_multiple_of(LANES);
        for_parts(tape.n, |_, images| {
            with_scratch([PIXELS_AT_ONCE, 0, 0], |[z, ..]| {
                for image in images {
                    if !last_is_whole {
                        // SAFETY: as below; all-zero bits are 0.0.
                        unsafe { std::ptr::write_bytes(out.plane(out.blocks - 1, image).cast::<V16>(), 0, out.pixels) };
                    }
                    for (piece, x) in inputs.iter().flat_map(|(pieces, x)| pieces.iter().map(move |piece| (piece, x))) {
                        let reading = x.reading(piece.part_block);
                        // SAFETY: blocks and images are inside the values, parts have different images, the scratch holds the pixels.
                        unsafe {
                            let (from, to) = (x.plane(piece.part_block, image), out.plane(piece.whole_block, image));
                            if piece.is_block() {
                                rows::read(self.level, from, to, out.pixels, &reading);
                                continue;
                            }
                            for first in (0..out.pixels).step_by(PIXELS_AT_ONCE) {
                                let pixels = PIXELS_AT_ONCE.min(out.pixels - first);
                                rows::read(self.level, from.add(first * LANES), z.0, pixels, &reading);
                                lanes::join(self.level, z.0, to.add(first * LANES), pixels, piece);
                            }
                        }
                    }
                }
            });
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
        let channels: Vec<usize> = parts.iter().map(|&v| self.values[v].shape.c).collect();
        for (&x, pieces) in std::iter::zip(parts, Piece::of_parts(&channels)) {
            let target = self.zeroed_gradient_target(tape, grads, x);
            for_parts(tape.n, |_, images| {
                for image in images {
                    for piece in &pieces {
                        // SAFETY: blocks and images are inside the values, parts have different images.
                        unsafe {
                            let (from, to) = (g.plane(piece.whole_block, image), target.plane(piece.part_block, image));
                            lanes::add_part(self.level, from, to, out.pixels, piece);
                        }
                    }
                }
            });
            self.set_gradient(grads, x, target);
        }
    }
}
