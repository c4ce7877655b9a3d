//! Convolutions: matrix products, of patches where a kernel has several taps, and depthwise.

use std::ops::Range;

use super::arguments::{Images, Window, args};
use super::gradients::GpuGradients;
use super::machine::{Address, Product, Result};
use super::memory::Memory;
use super::pass::{GpuPlan, Tape, View};
use crate::plan::Convolution;

/// Pixels that one product of a weight's gradient sums over at least, and the most products.
const PIXELS: usize = 4096;
const MOST_PRODUCTS: usize = 64;

/// A dense convolution in numbers.
struct Dense {
    win: Window,
    /// Output values of an image, input values of an image.
    pixels: (usize, usize),
    /// Rows of the weights, and what a row holds: input channels × taps.
    c_out: usize,
    k: usize,
    /// The patches are the input itself.
    is_pointwise: bool,
    /// Images whose patches are written out at once.
    chunk: usize,
}

impl Dense {
    /// First image and count of each chunk.
    fn chunks(&self) -> impl Iterator<Item = Images> + use<> {
        let (n, chunk) = (self.win.images, self.chunk as u32);
        (0..n).step_by(chunk as usize).map(move |first| Images { first, count: chunk.min(n - first) })
    }
}

impl GpuPlan {
    fn dense(&self, tape: &Tape, convolution: &Convolution) -> Dense {
        let &Convolution { x, y, ref conv, .. } = convolution;
        let values = &self.plan.values;
        let (pixels, k) = ((values[y].shape.pixels(), values[x].shape.pixels()), conv.c_in * conv.kernel * conv.kernel);
        let is_pointwise = conv.kernel == 1 && conv.stride == 1 && conv.padding == 0;
        let chunk = if is_pointwise { tape.n } else { (self.patches / (k * pixels.0)).clamp(1, tape.n) };
        Dense { win: self.conv_window(tape, convolution), pixels, c_out: conv.c_out, k, is_pointwise, chunk }
    }

    fn conv_window(&self, tape: &Tape, Convolution { x, y, conv, .. }: &Convolution) -> Window {
        let [dilation, padding] = [conv.dilation, conv.padding].map(|v| v as u32);
        Window { dilation, padding, ..self.window(tape, *x, *y, conv.kernel, conv.stride) }
    }

    /// What the product reads: the input as readers see it, or patches of some images; and values from one row to the next.
    fn columns(
        &self,
        dense: &Dense,
        from: Address,
        view: &View,
        images: Images,
        room: Option<&Memory>,
    ) -> Result<(Address, usize)> {
        let Some(room) = room else { return Ok((from, view.per)) };
        let row = images.count as usize * dense.pixels.0;
        let len = dense.k * row;
        self.gpu.each("patches", len, args![view.at, view.how, room.at(), len, dense.win, images])?;
        Ok((room.at(), row))
    }

    /// Room for patches; none where there are none.
    fn room(&self, dense: &Dense) -> Result<Option<Memory>> {
        if dense.is_pointwise { Ok(None) } else { self.gpu.floats(dense.chunk * dense.pixels.0 * dense.k).map(Some) }
    }

    pub(super) fn conv_forward(&self, tape: &Tape, convolution: &Convolution) -> Result<()> {
        let Convolution { x, y, weight, bias, .. } = convolution;
        let (dense, view, out) = (self.dense(tape, convolution), self.view(tape, *x), self.view(tape, *y));
        if let Some(bias) = bias {
            self.gpu.each("fill_channels", out.len(), args![tape.params.float(bias.start), out.at, out.len(), out.per])?;
        }
        let seen = if dense.is_pointwise { self.seen(&view)? } else { None };
        let from = seen.as_ref().map_or(view.at, Memory::at);
        let room = self.room(&dense)?;
        for images in dense.chunks() {
            let (columns, row) = self.columns(&dense, from, &view, images, room.as_ref())?;
            self.gpu.multiply(&Product {
                m: dense.c_out,
                n: images.count as usize * dense.pixels.0,
                k: dense.k,
                a: (tape.params.float(weight.start), dense.k, false),
                b: (columns, row, false),
                c: (out.at + 4 * (images.first as usize * dense.pixels.0) as u64, out.per),
                accumulate: bias.is_some(),
                count: 1,
                steps: [0; 3],
            })?;
        }
        Ok(())
    }

    pub(super) fn conv_backward(
        &self,
        tape: &Tape,
        grads: &mut GpuGradients,
        convolution: &Convolution,
        wanted: bool,
    ) -> Result<()> {
        let Convolution { x, y, weight, bias, .. } = convolution;
        let g = self.own(tape, grads, *y)?;
        let (dense, view, out) = (self.dense(tape, convolution), self.view(tape, *x), self.view(tape, *y));
        self.bias_gradient(grads, g, &out, bias.as_ref())?;
        let room = self.room(&dense)?;
        if let Some(params) = &grads.params {
            let seen = if dense.is_pointwise { self.seen(&view)? } else { None };
            let from = seen.as_ref().map_or(view.at, Memory::at);
            for images in dense.chunks() {
                let (columns, row) = self.columns(&dense, from, &view, images, room.as_ref())?;
                let from = g + 4 * (images.first as usize * dense.pixels.0) as u64;
                self.weight_gradient(&dense, images.count as usize, (from, out.per), (columns, row), params.float(weight.start))?;
            }
        }
        if wanted { self.conv_backward_data(tape, grads, convolution, &dense, (g, out.per), room.as_ref()) } else { Ok(()) }
    }

    /// Adds G·columnsᵀ to the weights' gradient, of `images` images. The product sums over all their pixels and has few results: it is cut into
    /// products of some images each, so that the GPU has enough to do beside each other, and these are added in order.
    fn weight_gradient(
        &self,
        dense: &Dense,
        images: usize,
        (g, g_row): (Address, usize),
        (columns, row): (Address, usize),
        to: Address,
    ) -> Result<()> {
        let most = (images * dense.pixels.0 / PIXELS).clamp(1, MOST_PRODUCTS);
        let count = (1..=most).rev().find(|&count| images.is_multiple_of(count)).unwrap_or(1);
        let (k, len) = (images / count * dense.pixels.0, dense.c_out * dense.k);
        let products = self.gpu.floats(count * len)?;
        self.gpu.multiply(&Product {
            m: dense.c_out,
            n: dense.k,
            k,
            a: (g, g_row, false),
            b: (columns, row, true),
            c: (products.at(), dense.k),
            accumulate: false,
            count,
            steps: [k, k, len],
        })?;
        self.gpu.each("add_products", len, args![products.at(), to, len, count])
    }

    fn conv_backward_data(
        &self,
        tape: &Tape,
        grads: &mut GpuGradients,
        &Convolution { x, ref weight, .. }: &Convolution,
        dense: &Dense,
        (g, per): (Address, usize),
        room: Option<&Memory>,
    ) -> Result<()> {
        let (to, accumulate) = match room {
            None => {
                let target = self.target(tape, grads, x)?;
                (target.memory, target.accumulate)
            }
            Some(_) => (self.zeroed_target(tape, grads, x)?, false),
        };
        for images in dense.chunks() {
            let row = images.count as usize * dense.pixels.0;
            self.gpu.multiply(&Product {
                m: dense.k,
                n: row,
                k: dense.c_out,
                a: (tape.params.float(weight.start), dense.k, true),
                b: (g + 4 * (images.first as usize * dense.pixels.0) as u64, per, false),
                c: (room.unwrap_or(&to).at(), row),
                accumulate,
                count: 1,
                steps: [0; 3],
            })?;
            if let Some(room) = room {
                let len = images.count as usize * self.plan.values[x].shape.volume();
                self.gpu.each("patches_back", len, args![room.at(), to.at(), len, dense.win, images])?;
            }
        }
        grads.set(x, to);
        Ok(())
    }

    fn bias_gradient(&self, grads: &GpuGradients, g: Address, out: &View, bias: Option<&Range<usize>>) -> Result<()> {
        let (Some(params), Some(bias)) = (&grads.params, bias) else { return Ok(()) };
        let sums = self.channel_sums(g, out.channels, out.per)?;
        self.gpu.each("add_sums", out.channels, args![sums.at(), params.float(bias.start), out.channels])
    }

    pub(super) fn depthwise_forward(&self, tape: &Tape, convolution: &Convolution) -> Result<()> {
        let Convolution { x, y, weight, bias, .. } = convolution;
        let (view, out, win) = (self.view(tape, *x), self.view(tape, *y), self.conv_window(tape, convolution));
        let (weight, bias) = (tape.params.float(weight.start), bias.as_ref().map_or(0, |bias| tape.params.float(bias.start)));
        self.gpu.each("depthwise", out.len(), args![view.at, view.how, weight, bias, out.at, out.len(), win])
    }

    pub(super) fn depthwise_backward(
        &self,
        tape: &Tape,
        grads: &mut GpuGradients,
        convolution: &Convolution,
        wanted: bool,
    ) -> Result<()> {
        let &Convolution { x, y, ref weight, ref bias, .. } = convolution;
        let g = self.own(tape, grads, y)?;
        let (view, out, win) = (self.view(tape, x), self.view(tape, y), self.conv_window(tape, convolution));
        self.bias_gradient(grads, g, &out, bias.as_ref())?;
        if let Some(params) = &grads.params {
            let to = params.float(weight.start);
            self.gpu.reduce("depthwise_back_weights", weight.len(), args![view.at, view.how, g, to, win])?;
        }
        if !wanted {
            return Ok(());
        }
        let target = self.target(tape, grads, x)?;
        let weight = tape.params.float(weight.start);
        let (len, to) = (view.len(), target.memory.at());
        self.gpu.each("depthwise_back_data", len, args![g, weight, to, len, win, target.accumulate])?;
        grads.set(x, target.memory);
        Ok(())
    }
}
