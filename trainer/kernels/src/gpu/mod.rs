//! Training of block graphs on a GPU: the same [`Plan`](crate::Plan), with kernels in CUDA C (`cuda/*.cu`).
//!
//! Feature maps are `[channel][image][row][column]`, so that a pointwise convolution is one matrix product over all images, forwards and
//! backwards. As on the CPU, stored values are raw, and readers apply batch norm and ReLU; only what a matrix product reads is written
//! out before. Weights, running statistics and images come from the host with every pass and gradients go back.
//!
//! Nothing here is bound to CUDA but the feature's `Cuda`, which is a [`Machine`]: memory, launches, a matrix product. A test puts
//! another in its place, which runs the same kernels, compiled as C++, on the CPU.
//!
//! | module | what it holds |
//! |---|---|
//! | [`Machine`] | the seam: what a GPU can do |
//! | [`Gpu`] | its memory, used again, and launches with typed arguments |
//! | [`GpuPlan`] | forward and backward pass, a file a kind of step |
//! | [`Several`] | several GPUs that share each batch |

mod arguments;
mod backward;
mod conv;
#[cfg(feature = "cuda")]
mod cuda;
mod forward;
mod gradients;
mod machine;
mod memory;
mod mixture;
#[cfg(feature = "cuda")]
mod nccl;
mod norm;
mod pass;
mod several;
mod simple;

#[cfg(feature = "cuda")]
pub use cuda::Cuda;
pub use machine::{Address, GpuError, Machine, Product, Result};
pub use memory::Gpu;
#[cfg(feature = "cuda")]
pub use nccl::{has_nccl, nccl_group};
pub use pass::{GpuKept, GpuPlan};
pub use several::Several;

/// Terms that one launch of the mixture's kernel adds.
pub(crate) const MAX_TERMS: usize = 16;

/// What the kernels are compiled for: the oldest architecture that CUDA 13 knows. The driver translates that for the GPU that is there.
pub const ARCHITECTURE: &str = "compute_75";

/// A kernel, by the name that it has in CUDA C.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kernel {
    /// Its name.
    pub name: &'static str,
    /// Whether it computes one result a block, whose threads wait for each other; else one value a thread.
    pub reduces: bool,
}

/// The kernels' files in CUDA C.
const FILES: [&str; 7] = [
    include_str!("../../cuda/common.cuh"),
    include_str!("../../cuda/elementwise.cu"),
    include_str!("../../cuda/depthwise.cu"),
    include_str!("../../cuda/patches.cu"),
    include_str!("../../cuda/pool.cu"),
    include_str!("../../cuda/norm.cu"),
    include_str!("../../cuda/mixture.cu"),
];

/// All kernels, as the files declare them: `KERNEL name(…) { … }`, with `EACH` where they compute one value a thread.
pub fn kernels() -> Vec<Kernel> {
    let bodies = FILES.into_iter().flat_map(|file| file.split("\nKERNEL ").skip(1));
    let kernel = |body: &'static str| {
        let (name, rest) = body.split_once('(')?;
        Some(Kernel { name, reduces: !rest.contains(" EACH(") })
    };
    bodies.filter_map(kernel).collect()
}

/// The kernels' source in CUDA C, for blocks of so many threads, a power of two.
pub fn source(threads: usize) -> String {
    format!("#define THREADS {threads}\n#define MAX_TERMS {MAX_TERMS}\n{}", FILES.concat())
}
