//! What a network is trained on: the CPU or a GPU.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
use serde::{Deserialize, Serialize};

/// The CPU or a GPU.
///
/// Models on a GPU run on candle's own operations, with the max pool composed of others, since candle's has a wrong gradient
/// ([`Backend::for_device`](crate::model::Backend::for_device)). Validation, recalibration and the optimizers' arithmetic stay on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Compute {
    /// The CPU, with the project's kernels.
    #[default]
    Cpu,
    /// The NVIDIA GPU of that number; needs the feature `cuda`.
    Cuda(usize),
}

/// Why a network cannot be trained there.
#[derive(Debug, thiserror::Error)]
pub enum ComputeError {
    /// The program has no CUDA.
    #[error(
        "--compute {0}: this program was built without CUDA; build it on a machine with CUDA's compiler nvcc: \
         `cargo build --release -p trainer --features cuda`"
    )]
    WithoutCuda(Compute),
    /// CUDA does not give the GPU.
    #[error("--compute {compute}: CUDA cannot open this GPU")]
    Gpu {
        /// The GPU.
        compute: Compute,
        /// CUDA's reason.
        source: candle_core::Error,
    },
}

impl Compute {
    /// Whether it is the CPU. Configurations leave it out then.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// candle's name for it.
    ///
    /// # Errors
    /// There is no such GPU, or this program was built without CUDA.
    pub fn device(self) -> Result<Device, ComputeError> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(ComputeError::WithoutCuda(self)),
            Self::Cuda(number) => Device::new_cuda(number).map_err(|source| ComputeError::Gpu { compute: self, source }),
        }
    }
}

impl fmt::Display for Compute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Compute {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text.split_once(':') {
            None if text == "cpu" => return Ok(Self::Cpu),
            None if text == "cuda" => Some(0),
            Some(("cuda", number)) => number.parse().ok(),
            _ => None,
        };
        number.map(Self::Cuda).ok_or_else(|| "must be cpu, cuda or cuda:NUMBER".to_string())
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
    fn they_are_read_as_they_are_written() {
        for compute in [Compute::Cpu, Compute::Cuda(0), Compute::Cuda(3)] {
            assert_eq!(compute.to_string().parse(), Ok(compute));
        }
        assert_eq!("cuda".parse(), Ok(Compute::Cuda(0)));
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0"] {
            assert!(text.parse::<Compute>().is_err(), "{text}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_is_refused_where_there_is_no_support_for_it() {
        assert!(matches!(Compute::Cuda(0).device(), Err(ComputeError::WithoutCuda(Compute::Cuda(0)))));
    }
}
