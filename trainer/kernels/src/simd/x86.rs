//! AVX-512 and AVX2.

use std::arch::x86_64::*;

use super::vector::Simd;

#[derive(Clone, Copy)]
pub(crate) struct Avx512;

impl Simd for Avx512 {
    type V = __m512;
    const TILE: (usize, usize) = (2, 14);
    const ROWS: usize = 16;
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        unsafe { _mm512_load_ps(p) }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        unsafe { _mm512_store_ps(p, v) }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        unsafe { _mm512_set1_ps(x) }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_add_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_sub_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_mul_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        unsafe { _mm512_max_ps(a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }
    #[inline(always)]
    unsafe fn where_positive(condition: Self::V, v: Self::V) -> Self::V {
        unsafe { _mm512_maskz_mov_ps(_mm512_cmp_ps_mask::<_CMP_GT_OQ>(condition, _mm512_setzero_ps()), v) }
    }
}

#[derive(Clone, Copy)]
pub(crate) struct Avx2;

/// Applies an intrinsic to both halves.
macro_rules! halves {
    ($f:ident, $($v:expr),+) => { [$f($($v[0]),+), $f($($v[1]),+)] };
}

impl Simd for Avx2 {
    type V = [__m256; 2];
    const TILE: (usize, usize) = (1, 6);
    const ROWS: usize = 4;
    #[inline(always)]
    unsafe fn load(p: *const f32) -> Self::V {
        unsafe { [_mm256_load_ps(p), _mm256_load_ps(p.add(8))] }
    }
    #[inline(always)]
    unsafe fn store(p: *mut f32, v: Self::V) {
        unsafe {
            _mm256_store_ps(p, v[0]);
            _mm256_store_ps(p.add(8), v[1]);
        }
    }
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self::V {
        unsafe { [_mm256_set1_ps(x); 2] }
    }
    #[inline(always)]
    unsafe fn add(a: Self::V, b: Self::V) -> Self::V {
        unsafe { halves!(_mm256_add_ps, a, b) }
    }
    #[inline(always)]
    unsafe fn sub(a: Self::V, b: Self::V) -> Self::V {
        unsafe { halves!(_mm256_sub_ps, a, b) }
    }
    #[inline(always)]
    unsafe fn mul(a: Self::V, b: Self::V) -> Self::V {
        unsafe { halves!(_mm256_mul_ps, a, b) }
    }
    #[inline(always)]
    unsafe fn max(a: Self::V, b: Self::V) -> Self::V {
        unsafe { halves!(_mm256_max_ps, a, b) }
    }
    #[inline(always)]
    unsafe fn fma(a: Self::V, b: Self::V, c: Self::V) -> Self::V {
        unsafe { halves!(_mm256_fmadd_ps, a, b, c) }
    }
    #[inline(always)]
    unsafe fn where_positive(condition: Self::V, v: Self::V) -> Self::V {
        unsafe {
            let zero = _mm256_setzero_ps();
            let keep = |c, v| _mm256_and_ps(_mm256_cmp_ps::<_CMP_GT_OQ>(c, zero), v);
            [keep(condition[0], v[0]), keep(condition[1], v[1])]
        }
    }
}
