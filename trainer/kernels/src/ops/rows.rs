//! Reading stored values: scale, shift and ReLU of a raw output, and the way back.
//!
//! With `z = relu(scale·y + shift)` of a raw output `y`, and `g` the gradient with respect to `z`, the gradient with
//! respect to `y` behind a batch norm over `m` values is
//! `A·(g masked by z > 0) + B·y + C`, where with `ŷ = (y − mean)·istd`, `s0 = Σ g`, `s1 = Σ g·ŷ` (both masked):
//! `A = γ·istd`, `B = −A·istd·s1/m`, `C = −A·s0/m − B·mean`
//! (Ioffe & Szegedy 2015, §3, rearranged so that one pass over `g` and `y` suffices).

use crate::simd::{LANES, Simd, dispatched};

/// How a row of stored values becomes what its reader sees. Pointers are to one vector each, of the row's channels.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reading {
    /// Scale and shift; null where there is no batch norm.
    pub scale: *const f32,
    pub shift: *const f32,
    pub relu: bool,
}

impl Reading {
    /// The row as it is.
    pub const PLAIN: Self = Self { scale: std::ptr::null(), shift: std::ptr::null(), relu: false };
}

// SAFETY: scale and shift are only read, and kept alive by the plan over the parallel section.
unsafe impl Sync for Reading {}

/// How a gradient behind batch norm and ReLU becomes the gradient of the raw output.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coefficients {
    pub reading: Reading,
    /// Factor of the whole gradient `g`, for values that are one term of a mixture; 1 elsewhere.
    pub factor: f32,
    /// A, B, C; null where there is no batch norm.
    pub abc: [*const f32; 3],
}

dispatched! {
    /// dst = what a reader sees of src; may be the same memory.
    ///
    /// # Safety
    /// `src` and `dst` must be valid for `pixels` vectors.
    pub(crate) fn read = read_kernel, (src: *const f32, dst: *mut f32, pixels: usize, how: &Reading);

    /// dst (+)= factor · what a reader sees of src.
    ///
    /// # Safety
    /// `src` and `dst` must be valid for `pixels` vectors.
    pub(crate) fn add_scaled = add_scaled_kernel, (src: *const f32, dst: *mut f32, pixels: usize, how: &Reading, factor: f32, accumulate: bool);

    /// dst = gradient with respect to the raw output y, from the gradient g behind its batch norm and ReLU.
    ///
    /// # Safety
    /// `g`, `y` and `dst` must be valid for `pixels` vectors.
    pub(crate) fn raw_gradient = raw_gradient_kernel, (g: *const f32, y: *const f32, dst: *mut f32, pixels: usize, how: &Coefficients);

    /// Σ g·z over pixels, z being what a reader sees of y; added to the vector `sum`.
    ///
    /// # Safety
    /// `g` and `y` must be valid for `pixels` vectors, `sum` for one.
    pub(crate) fn dot = dot_kernel, (g: *const f32, y: *const f32, pixels: usize, how: &Reading, sum: *mut f32);
}

#[inline(always)]
unsafe fn apply<S: Simd>(v: S::V, scale: S::V, shift: S::V, norm: bool, relu: bool) -> S::V {
    unsafe {
        let v = if norm { S::fma(v, scale, shift) } else { v };
        if relu { S::max(v, S::zero()) } else { v }
    }
}

/// Scale and shift as vectors, zeros where there are none.
#[inline(always)]
unsafe fn affine<S: Simd>(how: &Reading) -> (S::V, S::V, bool) {
    unsafe { if how.scale.is_null() { (S::zero(), S::zero(), false) } else { (S::load(how.scale), S::load(how.shift), true) } }
}

/// Runs `$body` with `$norm` and `$relu` as constants, so that the loops inside have no branches.
macro_rules! specialised {
    ($how:expr, |$norm:ident, $relu:ident| $body:expr) => {
        match (!$how.scale.is_null(), $how.relu) {
            (true, true) => {
                let ($norm, $relu) = (true, true);
                $body
            }
            (true, false) => {
                let ($norm, $relu) = (true, false);
                $body
            }
            (false, true) => {
                let ($norm, $relu) = (false, true);
                $body
            }
            (false, false) => {
                let ($norm, $relu) = (false, false);
                $body
            }
        }
    };
}

#[inline(always)]
unsafe fn read_kernel<S: Simd>(_: S, src: *const f32, dst: *mut f32, pixels: usize, how: &Reading) {
    unsafe {
        let (scale, shift, _) = affine::<S>(how);
        specialised!(how, |norm, relu| {
            for px in 0..pixels {
                S::store(dst.add(px * LANES), apply::<S>(S::load(src.add(px * LANES)), scale, shift, norm, relu));
            }
        });
    }
}

#[inline(always)]
unsafe fn add_scaled_kernel<S: Simd>(
    _: S,
    src: *const f32,
    dst: *mut f32,
    pixels: usize,
    how: &Reading,
    factor: f32,
    accumulate: bool,
) {
    unsafe {
        let (scale, shift, _) = affine::<S>(how);
        let factor = S::splat(factor);
        specialised!(how, |norm, relu| {
            for px in 0..pixels {
                let z = apply::<S>(S::load(src.add(px * LANES)), scale, shift, norm, relu);
                let before = if accumulate { S::load(dst.add(px * LANES)) } else { S::zero() };
                S::store(dst.add(px * LANES), S::fma(z, factor, before));
            }
        });
    }
}

#[inline(always)]
unsafe fn raw_gradient_kernel<S: Simd>(_: S, g: *const f32, y: *const f32, dst: *mut f32, pixels: usize, how: &Coefficients) {
    unsafe {
        let (scale, shift, _) = affine::<S>(&how.reading);
        let factor = S::splat(how.factor);
        let batch_norm = !how.abc[0].is_null();
        let [a, b, c] = if batch_norm { how.abc.map(|p| S::load(p)) } else { [S::zero(); 3] };
        let a = S::mul(a, factor);
        specialised!(how.reading, |norm, relu| {
            for px in 0..pixels {
                let mut v = S::load(g.add(px * LANES));
                let raw = S::load(y.add(px * LANES));
                if relu {
                    v = S::where_positive(apply::<S>(raw, scale, shift, norm, false), v);
                }
                let v = if batch_norm { S::fma(a, v, S::fma(b, raw, c)) } else { S::mul(v, factor) };
                S::store(dst.add(px * LANES), v);
            }
        });
    }
}

#[inline(always)]
unsafe fn dot_kernel<S: Simd>(_: S, g: *const f32, y: *const f32, pixels: usize, how: &Reading, sum: *mut f32) {
    unsafe {
        let (scale, shift, _) = affine::<S>(how);
        specialised!(how, |norm, relu| {
            let mut acc = S::load(sum);
            for px in 0..pixels {
                let z = apply::<S>(S::load(y.add(px * LANES)), scale, shift, norm, relu);
                acc = S::fma(S::load(g.add(px * LANES)), z, acc);
            }
            S::store(sum, acc);
        });
    }
}
