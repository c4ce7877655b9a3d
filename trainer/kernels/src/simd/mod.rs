//! Vectors of 16 floats on whatever the processor has, chosen once at run time.
//!
//! Every kernel is written once, generic over the instruction set, and compiled for each level. `BLOCKTIME_SIMD=portable|avx2|avx512|neon`
//! forces a level that the processor has (tests run each of them).

#[cfg(target_arch = "aarch64")]
pub(crate) mod arm;
mod dispatched;
mod level;
mod tiles;
mod vector;
#[cfg(target_arch = "x86_64")]
pub(crate) mod x86;

pub(crate) use dispatched::dispatched;
pub use level::Level;
pub(crate) use tiles::{descending, in_rows, in_tiles};
pub use vector::{LANES, V16};
pub(crate) use vector::{Portable, Simd};
