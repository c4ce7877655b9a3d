//! Dense convolutions: pointwise ones as one product over pixels, those of an input that comes as planes straight from these, the others over
//! patches of some output rows.

use blocks::Conv;

use super::backward::{raw_rows, read_rows};
use super::forward::Tape;
use super::forward::View;
use super::gradients::{Gradients, Target};
use super::parameter_sums::{ParameterSums, add_bias_gradient};
use super::step::Convolution;
use super::{Plan, ValueId};
use crate::buffer::{Buffer, Ptr};
use crate::ops::layout::{Packing, Patches, blocks as blocks_of, pad_channels};
use crate::ops::matmul::{self, Product};
use crate::ops::planar::{self, Planes, Windows};
use crate::ops::{for_parts, with_scratch};
use crate::simd::{LANES, V16};

/// Vectors that a tile's operands may fill: about half of a first-level cache.
const TILE_VECTORS: usize = 384;

/// Pixels a tile: a multiple of the widest register tile.
fn tile_pixels(blocks: usize) -> usize {
    (TILE_VECTORS / blocks / 14).max(1) * 14
}

/// What a dense convolution reads.
enum Source<'a> {
    Blocked(View),
    /// `[n][c][h][w]` as it came from outside.
    Planar {
        images: &'a [f32],
        planes: Planes,
        offsets: Vec<usize>,
    },
}

/// Geometry of one dense convolution.
struct Dense<'a> {
    plan: &'a Plan,
    source: Source<'a>,
    in_pixels: usize,
    in_blocks: usize,
    packing: Packing,
    pointwise: bool,
    patches: Patches,
    out_h: usize,
}

impl Dense<'_> {
    /// Blocks of a patch.
    fn patch_blocks(&self) -> usize {
        self.packing.k().div_ceil(LANES)
    }

    /// The tiles of an image: output rows for patches, runs of pixels for a pointwise product.
    fn tiles(&self) -> impl Iterator<Item = Patches> + use<> {
        let pixels = tile_pixels(self.patch_blocks());
        let patches = self.patches;
        // A pointwise product does not care for rows: one long row.
        let (width, height) = if self.pointwise { (1, patches.out_w * self.out_h) } else { (patches.out_w, self.out_h) };
        let rows = (pixels / width).clamp(1, height);
        (0..height).step_by(rows).map(move |row| Patches { row, rows: rows.min(height - row), out_w: width, ..patches })
    }

    /// Vectors of scratch for an image's input planes and for one tile's patch.
    fn scratch_lens(&self) -> (usize, usize) {
        let tile = self.tiles().map(|t| t.pixels()).max().unwrap_or(0);
        let patch = self.patch_blocks() * tile;
        match &self.source {
            Source::Blocked(x) if !self.pointwise && !x.is_plain() => (self.in_blocks * self.in_pixels, patch),
            Source::Blocked(_) => (0, patch),
            Source::Planar { planes, .. } => (planes.vectors(), 0),
        }
    }

    /// The input plane of an image as the convolution reads it.
    ///
    /// # Safety
    /// `plane` must have [`Self::scratch_lens`].
    unsafe fn read_plane(&self, image: usize, plane: Ptr) -> (Ptr, usize) {
        match &self.source {
            // SAFETY: promised by the caller.
            Source::Blocked(x) if !self.pointwise => unsafe { read_rows(self.plan, x, image, 0, self.in_pixels, plane) },
            Source::Blocked(_) => (plane, 0),
            Source::Planar { images, planes, .. } => {
                let volume = planes.channels * self.in_pixels;
                // SAFETY: promised by the caller.
                unsafe { planes.pad(&images[image * volume..(image + 1) * volume], plane) };
                (plane, 0)
            }
        }
    }

    /// What a tile reads.
    ///
    /// # Safety
    /// `input` must come from [`Self::read_plane`] of the same image, `patch` have [`Self::scratch_lens`].
    unsafe fn read(&self, image: usize, tile: &Patches, input: (Ptr, usize), patch: Ptr) -> Read<'_> {
        // SAFETY: promised by the caller.
        unsafe {
            match &self.source {
                Source::Blocked(x) if self.pointwise => {
                    let (x, stride) = read_rows(self.plan, x, image, tile.row, tile.rows, patch);
                    Read::Patch { x, stride }
                }
                Source::Blocked(_) => {
                    tile.gather(input.0, input.1, self.in_blocks, patch);
                    Read::Patch { x: patch, stride: tile.pixels() }
                }
                Source::Planar { planes, offsets, .. } => {
                    let row_step = planes.row_step(tile.stride);
                    Read::Windows { x: input.0.0.add(tile.row * row_step), offsets, row_step }
                }
            }
        }
    }

    /// y = weights · what a tile reads, plus the bias where `b` is not null.
    ///
    /// # Safety
    /// Pointers must be valid for the tile's shapes, `y` for `blocks`, `y_stride` vectors apart.
    unsafe fn product(&self, tile: &Patches, read: &Read, (w, b): (Ptr, Ptr), y: *mut f32, blocks: usize, y_stride: usize) {
        let level = self.plan.level;
        // SAFETY: promised by the caller.
        unsafe {
            match *read {
                Read::Patch { x, stride } => {
                    matmul::product(level, x.0, w.0, b.0, y, &self.patch_product(tile, stride, blocks, y_stride));
                }
                Read::Windows { x, offsets, row_step } => {
                    planar::product(level, x, w.0, b.0, y, &windows(tile, offsets, row_step, blocks, y_stride));
                }
            }
        }
    }

    /// w += the gradient of the weights, from what a tile reads and the gradient `dy` of its output.
    ///
    /// # Safety
    /// As [`Self::product`].
    unsafe fn outer(&self, tile: &Patches, read: &Read, dy: (Ptr, usize), w: Ptr, blocks: usize) {
        let level = self.plan.level;
        // SAFETY: promised by the caller.
        unsafe {
            match *read {
                Read::Patch { x, stride } => {
                    matmul::outer(level, x.0, dy.0.0, w.0, &self.patch_product(tile, stride, blocks, dy.1))
                }
                Read::Windows { x, offsets, row_step } => {
                    planar::outer(level, x, dy.0.0, w.0, &windows(tile, offsets, row_step, blocks, dy.1));
                }
            }
        }
    }

    /// The shape of the product of the weights with a tile's patch.
    fn patch_product(&self, tile: &Patches, x_stride: usize, blocks: usize, y_stride: usize) -> Product {
        let k = self.packing.k();
        Product { pixels: tile.pixels(), k, blocks, x_stride, y_stride, w_stride: k, accumulate: false }
    }
}

/// What a tile reads.
enum Read<'a> {
    /// Its pixels' input values in vectors, blocks `stride` vectors apart.
    Patch { x: Ptr, stride: usize },
    /// The planes themselves, from its first window on.
    Windows { x: *const f32, offsets: &'a [usize], row_step: usize },
}

/// The windows of a tile.
fn windows<'a>(tile: &Patches, offsets: &'a [usize], row_step: usize, blocks: usize, y_stride: usize) -> Windows<'a> {
    Windows { offsets, stride: tile.stride, row_step, rows: tile.rows, width: tile.out_w, blocks, y_stride }
}

impl Plan {
    fn dense<'a>(&'a self, tape: &'a Tape, x: ValueId, y: ValueId, conv: &Conv) -> Dense<'a> {
        let (from, to) = (self.values[x].shape, self.values[y].shape);
        let source = match self.planar(tape, x) {
            Some(images) => {
                let planes = Planes { channels: from.c, h: from.h, w: from.w, border: conv.padding };
                Source::Planar { images, planes, offsets: planes.offsets(conv.kernel, conv.dilation) }
            }
            None => Source::Blocked(self.view(tape, x)),
        };
        let tap_stride = if matches!(source, Source::Planar { .. }) { from.c } else { blocks_of(from.c) * LANES };
        Dense {
            plan: self,
            pointwise: conv.kernel == 1 && conv.stride == 1 && conv.padding == 0 && matches!(source, Source::Blocked(_)),
            source,
            in_pixels: from.pixels(),
            in_blocks: blocks_of(from.c),
            packing: Packing { c_out: conv.c_out, c_in: conv.c_in, taps: conv.kernel * conv.kernel, tap_stride },
            patches: Patches {
                kernel: conv.kernel,
                stride: conv.stride,
                padding: conv.padding,
                dilation: conv.dilation,
                in_h: from.h,
                in_w: from.w,
                out_w: to.w,
                row: 0,
                rows: to.h,
            },
            out_h: to.h,
        }
    }

    pub(super) fn conv_forward(&self, tape: &Tape, convolution: &Convolution) {
        let &Convolution { x, y, ref conv, ref weight, ref bias } = convolution;
        let dense = self.dense(tape, x, y, conv);
        let out = self.view(tape, y);
        let mut packed = self.pool.take(out.blocks * dense.packing.k());
        dense.packing.pack(&tape.params[weight.clone()], &mut packed);
        let bias: Vec<V16> = bias.clone().map(|b| pad_channels(&tape.params[b], 0.0).collect()).unwrap_or_default();
        let (w, b) = (packed.ptr(), Ptr(if bias.is_empty() { std::ptr::null_mut() } else { bias.as_ptr().cast_mut().cast() }));
        let (plane_len, patch_len) = dense.scratch_lens();
        for_parts(tape.n, |_, images| {
            with_scratch([plane_len, patch_len, 0], |[plane, patch, _]| {
                for image in images {
                    // SAFETY: tiles cover the image's output pixels, parts have different images.
                    unsafe {
                        let input = dense.read_plane(image, plane);
                        for tile in dense.tiles() {
                            let read = dense.read(image, &tile, input, patch);
                            let y = out.plane(0, image).add(tile.row * tile.out_w * LANES);
                            dense.product(&tile, &read, (w, b), y, out.blocks, out.stride());
                        }
                    }
                }
            });
        });
    }

    pub(super) fn conv_backward(&self, tape: &Tape, grads: &mut Gradients, convolution: &Convolution, want_x: bool) {
        let &Convolution { x, y, ref conv, ref weight, ref bias } = convolution;
        let dense = self.dense(tape, x, y, conv);
        let g = self.raw_gradient(tape, grads, y);
        let k = dense.packing.k();
        let out_blocks = g.y.blocks;
        let want_params = grads.params.is_some();
        let len = out_blocks * k;
        let sums = ParameterSums::new(self, want_params, len, bias.as_ref().map(|_| out_blocks), tape.n);
        let dx: Option<(Target, Buffer)> = want_x.then(|| {
            let target =
                if dense.pointwise { self.gradient_target(tape, grads, x) } else { self.zeroed_gradient_target(tape, grads, x) };
            let mut transposed = self.pool.take(dense.patch_blocks() * out_blocks * LANES);
            dense.packing.pack_transposed(&tape.params[weight.clone()], &mut transposed);
            (target, transposed)
        });
        let (plane_len, patch_len) = dense.scratch_lens();
        let tile_len = dense.tiles().map(|t| t.pixels()).max().unwrap_or(0);
        for_parts(tape.n, |part, images| {
            let (dw, db) = sums.start(part);
            with_scratch([plane_len, patch_len, out_blocks * tile_len], |[plane, patch, rows]| {
                for image in images {
                    // SAFETY: tiles cover the image's output pixels; parts have different images and partial sums.
                    unsafe {
                        let input = if want_params { dense.read_plane(image, plane) } else { (plane, 0) };
                        for tile in dense.tiles() {
                            let (first, pixels) = (tile.row * tile.out_w, tile.pixels());
                            let dy = raw_rows(self, &g, image, first, pixels, rows);
                            if let Some(db) = db {
                                add_bias_gradient(self, dy, out_blocks, pixels, db);
                            }
                            if let Some(dw) = dw {
                                let read = dense.read(image, &tile, input, patch);
                                dense.outer(&tile, &read, dy, dw, out_blocks);
                            }
                            if let Some((target, transposed)) = &dx {
                                dense.backward_data(&tile, image, dy, out_blocks, transposed.ptr(), target, patch);
                            }
                        }
                    }
                }
            });
        });
        if let Some((target, _)) = dx {
            self.set_gradient(grads, x, target);
        }
        if let Some(params) = &mut grads.params {
            sums.add_to(params, weight.clone(), bias.clone(), |sum, to| dense.packing.unpack_add(sum, to));
        }
    }
}

impl Dense<'_> {
    /// Adds a tile's gradient to that of the input.
    ///
    /// # Safety
    /// As the forward pass; `patch` is free to be overwritten.
    #[allow(clippy::too_many_arguments)]
    unsafe fn backward_data(
        &self,
        tile: &Patches,
        image: usize,
        dy: (Ptr, usize),
        out_blocks: usize,
        transposed: Ptr,
        target: &Target,
        patch: Ptr,
    ) {
        let k = out_blocks * LANES;
        // SAFETY: promised by the caller.
        unsafe {
            let to = Ptr(target.plane(0, image));
            let (y, y_stride) = if self.pointwise { (Ptr(to.at(tile.row)), target.stride()) } else { (patch, tile.pixels()) };
            let product = Product {
                pixels: tile.pixels(),
                k,
                blocks: self.patch_blocks(),
                x_stride: dy.1,
                y_stride,
                w_stride: k,
                accumulate: self.pointwise && target.accumulate,
            };
            matmul::product(self.plan.level, dy.0.0, transposed.0, std::ptr::null(), y.0, &product);
            if !self.pointwise {
                tile.scatter_add(patch, to, target.stride(), self.in_blocks);
            }
        }
    }
}
