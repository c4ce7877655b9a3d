//! Vectors of 16 floats on whatever the processor has, chosen once at run time.
//!
//! Every kernel is written once, generic over the instruction set, and compiled for each level. `BLOCKTIME_SIMD=portable|avx2|avx512|neon`
//! forces a level that the processor has (tests run each of them).

use std::sync::OnceLock;

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

/// An instruction set that kernels are compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// What the compiler's target guarantees.
    Portable,
    /// x86-64 with AVX2 and FMA.
    Avx2,
    /// x86-64 with AVX-512F.
    Avx512,
    /// ARMv8 (always has NEON).
    Neon,
}

impl Level {
    /// The level in use: the best the processor has, or the one `BLOCKTIME_SIMD` names if the processor has it.
    pub fn current() -> Self {
        static LEVEL: OnceLock<Level> = OnceLock::new();
        *LEVEL.get_or_init(|| {
            let wanted = std::env::var("BLOCKTIME_SIMD").ok();
            let named = Self::available().into_iter().find(|l| wanted.as_deref() == Some(l.name()));
            named.unwrap_or_else(|| Self::available()[0])
        })
    }

    /// Name in `BLOCKTIME_SIMD`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
            Self::Neon => "neon",
        }
    }

    /// The levels this processor has, best first.
    pub fn available() -> Vec<Self> {
        let mut levels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                levels.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                levels.push(Self::Avx2);
            }
        }
        #[cfg(target_arch = "aarch64")]
        levels.push(Self::Neon);
        levels.push(Self::Portable);
        levels
    }
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

#[cfg(target_arch = "x86_64")]
pub(crate) mod x86 {
    use super::Simd;
    use std::arch::x86_64::*;

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
}

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm {
    use super::Simd;
    use std::arch::aarch64::*;

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
}

/// Declares functions that run a kernel, generic over [`Simd`], at the current [`Level`].
///
/// Each generated function takes the level first. They are `unsafe` as the kernels are.
macro_rules! dispatched {
    ($($(#[$doc:meta])* $vis:vis fn $name:ident = $kernel:path, ($($arg:ident: $type:ty),* $(,)?);)*) => {$(
        $(#[$doc])*
        #[allow(clippy::too_many_arguments)]
        $vis unsafe fn $name(level: $crate::simd::Level, $($arg: $type),*) {
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f")]
            unsafe fn avx512($($arg: $type),*) {
                unsafe { $kernel($crate::simd::x86::Avx512, $($arg),*) }
            }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            unsafe fn avx2($($arg: $type),*) {
                unsafe { $kernel($crate::simd::x86::Avx2, $($arg),*) }
            }
            unsafe {
                match level {
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::Level::Avx512 => avx512($($arg),*),
                    #[cfg(target_arch = "x86_64")]
                    $crate::simd::Level::Avx2 => avx2($($arg),*),
                    #[cfg(target_arch = "aarch64")]
                    $crate::simd::Level::Neon => $kernel($crate::simd::arm::Neon, $($arg),*),
                    _ => $kernel($crate::simd::Portable, $($arg),*),
                }
            }
        }
    )*};
}
pub(crate) use dispatched;
