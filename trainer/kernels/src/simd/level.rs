//! Instruction sets, and which of them a processor has.

use std::sync::OnceLock;

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
