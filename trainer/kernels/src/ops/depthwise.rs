//! Depthwise convolution of one channel block of one image, on a plane padded with zeros.

use crate::simd::{LANES, Simd, descending, dispatched};

/// Shapes of a depthwise convolution; all sides in pixels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub kernel: usize,
    pub stride: usize,
    pub dilation: usize,
    /// Width of the padded input plane.
    pub padded_w: usize,
    pub out_h: usize,
    pub out_w: usize,
}

dispatched! {
    /// y = w ∗ x: `x` a padded plane, `w[tap]`, `y[out_h][out_w]`; plus a bias vector where not null; added to `y` if asked.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `win`.
    pub(crate) fn forward = forward_kernel, (x: *const f32, w: *const f32, bias: *const f32, y: *mut f32, win: &Window, accumulate: bool);

    /// x += the gradient of the padded input, from `g[out_h][out_w]`.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `win`.
    pub(crate) fn backward_data = backward_data_kernel, (g: *const f32, w: *const f32, x: *mut f32, win: &Window);

    /// w += the gradient of the weights, from the padded input and `g[out_h][out_w]`.
    ///
    /// # Safety
    /// Pointers must be valid for the shapes in `win`.
    pub(crate) fn backward_weights = backward_weights_kernel, (x: *const f32, g: *const f32, w: *mut f32, win: &Window);
}

#[inline(always)]
unsafe fn forward_kernel<S: Simd>(
    _: S,
    x: *const f32,
    w: *const f32,
    bias: *const f32,
    y: *mut f32,
    win: &Window,
    accumulate: bool,
) {
    unsafe {
        for row in 0..win.out_h {
            let x = x.add(row * win.stride * win.padded_w * LANES);
            let y = y.add(row * win.out_w * LANES);
            descending!(win.out_w, [14 if S::TILE.1 >= 14; 7 if S::TILE.1 >= 6; 2 1], |px, WIDTH| {
                forward_tile::<S, WIDTH>(x.add(px * win.stride * LANES), w, bias, y.add(px * LANES), win, accumulate)
            });
        }
    }
}

#[inline(always)]
unsafe fn forward_tile<S: Simd, const P: usize>(
    x: *const f32,
    w: *const f32,
    bias: *const f32,
    y: *mut f32,
    win: &Window,
    accumulate: bool,
) {
    unsafe {
        let mut acc = [if bias.is_null() { S::zero() } else { S::load(bias) }; P];
        for kh in 0..win.kernel {
            for kw in 0..win.kernel {
                let weight = S::load(w.add((kh * win.kernel + kw) * LANES));
                let x = x.add((kh * win.padded_w + kw) * win.dilation * LANES);
                for px in 0..P {
                    acc[px] = S::fma(S::load(x.add(px * win.stride * LANES)), weight, acc[px]);
                }
            }
        }
        for px in 0..P {
            let out = y.add(px * LANES);
            S::store(out, if accumulate { S::add(S::load(out), acc[px]) } else { acc[px] });
        }
    }
}

#[inline(always)]
unsafe fn backward_data_kernel<S: Simd>(_: S, g: *const f32, w: *const f32, x: *mut f32, win: &Window) {
    unsafe {
        for row in 0..win.out_h {
            let g = g.add(row * win.out_w * LANES);
            for kh in 0..win.kernel {
                for kw in 0..win.kernel {
                    let weight = S::load(w.add((kh * win.kernel + kw) * LANES));
                    let x = x.add(((row * win.stride + kh * win.dilation) * win.padded_w + kw * win.dilation) * LANES);
                    for px in 0..win.out_w {
                        let out = x.add(px * win.stride * LANES);
                        S::store(out, S::fma(S::load(g.add(px * LANES)), weight, S::load(out)));
                    }
                }
            }
        }
    }
}

#[inline(always)]
unsafe fn backward_weights_kernel<S: Simd>(_: S, x: *const f32, g: *const f32, w: *mut f32, win: &Window) {
    unsafe {
        for kh in 0..win.kernel {
            for kw in 0..win.kernel {
                // Four sums at once hide the latency of the additions.
                let mut acc = [S::zero(); 4];
                for row in 0..win.out_h {
                    let x = x.add(((row * win.stride + kh * win.dilation) * win.padded_w + kw * win.dilation) * LANES);
                    let g = g.add(row * win.out_w * LANES);
                    let mut px = 0;
                    while px + 4 <= win.out_w {
                        for i in 0..4 {
                            let value = S::load(x.add((px + i) * win.stride * LANES));
                            acc[i] = S::fma(value, S::load(g.add((px + i) * LANES)), acc[i]);
                        }
                        px += 4;
                    }
                    while px < win.out_w {
                        acc[0] = S::fma(S::load(x.add(px * win.stride * LANES)), S::load(g.add(px * LANES)), acc[0]);
                        px += 1;
                    }
                }
                let out = w.add((kh * win.kernel + kw) * LANES);
                let total = S::add(S::add(acc[0], acc[1]), S::add(acc[2], acc[3]));
                S::store(out, S::add(S::load(out), total));
            }
        }
    }
}
