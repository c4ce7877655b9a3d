//! What a network is trained on: the CPU or GPUs.

use std::fmt;
use std::str::FromStr;

use kernels::gpu::GpuError;
use serde::{Deserialize, Serialize};

use crate::model::{Backend, Gpus};

/// The CPU or GPUs. Validation, recalibration and the optimizers' arithmetic are on the CPU in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Compute {
    /// The CPU.
    #[default]
    Cpu,
    /// NVIDIA's GPUs; needs the feature `cuda`.
    Cuda(Gpus),
}

/// Why a network cannot be trained there.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// The program has no CUDA.
    #[error(
        "--compute {0}: this program was built without support for GPUs; build it with `cargo build --release -p trainer --features cuda`"
    )]
    WithoutCuda(Compute),
    /// CUDA does not give the GPUs.
    #[error("--compute {compute}: {source}")]
    Gpu {
        /// The GPUs.
        compute: Compute,
        /// CUDA's reason.
        source: GpuError,
    },
}

impl Compute {
    /// Whether it is the CPU. Configurations leave it out then.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// Threads that read the next pictures during a step. A CPU's training takes all cores itself, so that one is enough; beside GPUs
    /// all of the program's threads are free for it.
    pub fn loader_threads(&self) -> usize {
        if self.is_cpu() { 1 } else { rayon::current_num_threads() }
    }

    /// What computes there.
    ///
    /// # Errors
    /// There is no such GPU, or this program was built without CUDA.
    pub fn backend(self) -> Result<Backend, ComputeError> {
        match self {
            Self::Cpu => Ok(Backend::Fused),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(ComputeError::WithoutCuda(self)),
            Self::Cuda(gpus) => {
                let backend = Backend::Gpus(gpus);
                backend.open().map_err(|source| ComputeError::Gpu { compute: self, source })?;
                Ok(backend)
            }
        }
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(gpus) => write!(f, "cuda:{gpus}"),
        }
    }
}

impl FromStr for Compute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Ok(Self::Cpu),
            None if text == "cuda" => Ok(Self::Cuda(Gpus::one(0))),
            Some(("cuda", gpus)) => gpus.parse().map(Self::Cuda),
            _ => Err("must be cpu, cuda, cuda:NUMBER or cuda:NUMBER,NUMBER…".to_string()),
        }
    }
}

impl TryFrom<String> for Compute {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Compute> for String {
    fn from(compute: Compute) -> Self {
        compute.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gpu_is_fed_by_all_threads() {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
        let threads = |compute: Compute| pool.install(|| compute.loader_threads());
        assert_eq!([threads(Compute::Cpu), threads(Compute::Cuda(Gpus::one(0)))], [1, 3]);
    }

    #[test]
    fn they_are_read_as_they_are_written() {
        let several = "0,2,63".parse().unwrap();
        for compute in [Compute::Cpu, Compute::Cuda(Gpus::one(0)), Compute::Cuda(Gpus::one(3)), Compute::Cuda(several)] {
            assert_eq!(compute.to_string().parse(), Ok(compute));
        }
        assert_eq!("cuda".parse(), Ok(Compute::Cuda(Gpus::one(0))));
        assert_eq!("cuda:2,0,63".parse(), Ok(Compute::Cuda(several)));
        assert_eq!((several.numbers(), several.count()), (vec![0, 2, 63], 3));
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0", "cuda:64", "cuda:1,1", "cuda:0,", "cuda:0 1"] {
            assert!(text.parse::<Compute>().is_err(), "{text}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_is_refused_where_there_is_no_support_for_it() {
        let gpu = Compute::Cuda(Gpus::one(0));
        assert!(matches!(gpu.backend(), Err(ComputeError::WithoutCuda(refused)) if refused == gpu));
    }

    #[cfg(feature = "cuda")]
    #[test]
    fn a_gpu_that_is_not_there_is_refused() {
        let gpu = Compute::Cuda(Gpus::one(63));
        assert!(matches!(gpu.backend(), Err(ComputeError::Gpu { .. })));
    }
}
