//! NEON.

use std::arch::aarch64::*;

use super::vector::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Neon;

/// Applies an intrinsic to all four quarters.
macro_rules! quarters {
    ($f:ident, $($v:expr),+) => { [$f($($v[0]),+), $f($($v[1]),+), $f($($v[2]),+), $f($($v[3]),+)] };
}

impl Simd for Neon {
    type V = [float32x4_t; 4];
    const TILE: (usize, usize) = (1, 6);
    const ROWS: usize = 4;
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        unsafe { [vld1q_f32(p), vld1q_f32(p.add(4)), vld1q_f32(p.add(8)), vld1q_f32(p.add(12))] }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        unsafe {
            vst1q_f32(p, v[0]);
            vst1q_f32(p.add(4), v[1]);
            vst1q_f32(p.add(8), v[2]);
            vst1q_f32(p.add(12), v[3]);
        }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        unsafe { [vdupq_n_f32(x); 4] }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        unsafe { quarters!(vaddq_f32, a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        unsafe { quarters!(vsubq_f32, a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        unsafe { quarters!(vmulq_f32, a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        unsafe { quarters!(vmaxq_f32, a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        unsafe { quarters!(vfmaq_f32, c, a, b) }
    }
    #[inline(always)]
    unsafe fn where_positive(condition: Self::V, v: Self::V) -> Self::V {
        unsafe {
            let keep = |c, v| vreinterpretq_f32_u32(vandq_u32(vcgtzq_f32(c), vreinterpretq_u32_f32(v)));
            [keep(condition[0], v[0]), keep(condition[1], v[1]), keep(condition[2], v[2]), keep(condition[3], v[3])]
        }
    }
}
