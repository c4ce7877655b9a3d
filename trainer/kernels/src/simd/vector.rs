//! A vector of 16 floats, and what every instruction set can do with it.

/// Floats in a vector, and channels in a block of a feature map.
pub const LANES: usize = 16;

/// One vector of channels of one pixel, aligned to a cache line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, align(64))]
pub struct V16(pub [f32; LANES]);

impl V16 {
    /// All zeros.
    pub const ZERO: Self = Self([0.0; LANES]);
}

/// Operations on 16 floats.
///
/// # Safety
/// Every method needs a processor that has the implementing level; pointers must be valid for 16 floats and, for `load`
/// and `store`, aligned to 64 bytes.
pub(crate) trait Simd: Copy {
    type V: Copy;
    /// Output blocks × pixels of the matrix product's register tile.
    const TILE: (usize, usize);
    /// Rows of the weight gradient's register tile.
    const ROWS: usize;
    unsafe fn load(p: *const f32) -> Self::V;
    unsafe fn store(p: *mut f32, v: Self::V);
    unsafe fn splat(x: f32) -> Self::V;
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V;
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V;
    /// a·b + c
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V;
    /// `v` where `condition` > 0, else 0.
    unsafe fn where_positive(condition: Self::V, v: Self::V) -> Self::V;
    #[inline(always)]
    unsafe fn zero() -> Self::V {
        unsafe { Self::splat(0.0) }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Portable;

impl Simd for Portable {
    type V = [f32; LANES];
    const TILE: (usize, usize) = (1, 2);
    const ROWS: usize = 2;
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        unsafe { *p.cast() }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        unsafe { *p.cast() = v }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        [x; LANES]
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] + b[i])
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] - b[i])
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| a[i] * b[i])
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        std::array::from_fn(|i| if a[i] > b[i] { a[i] } else { b[i] })
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        // Not `mul_add`: without the instruction that is a library call.
        std::array::from_fn(|i| a[i] * b[i] + c[i])
    }
    #[inline(always)]
    unsafe fn where_positive(condition: Self::V, v: Self::V) -> Self::V {
        std::array::from_fn(|i| if condition[i] > 0.0 { v[i] } else { 0.0 })
    }
}
