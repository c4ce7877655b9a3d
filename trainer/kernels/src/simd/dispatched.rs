//! Kernels that are written once, as functions that run them at the level in use.

/// Declares functions that run a kernel, generic over [`Simd`](super::Simd), at the current [`Level`](super::Level).
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
