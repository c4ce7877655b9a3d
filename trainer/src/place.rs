//! Where a net is trained.

use std::fmt;
use std::str::FromStr;

use candle_core::Device;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The CPU, or a GPU.
///
/// Models on a GPU run on candle's own operations, with the max pool composed of others, since candle's has a wrong gradient
/// ([`Backend::for_device`](crate::model::Backend::for_device)). Validation, recalibration and the optimizers' arithmetic stay on the CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Place {
    /// The project's kernels.
    #[default]
    Cpu,
    /// NVIDIA's GPU of that number; needs the feature `cuda`.
    Cuda(usize),
}

impl Place {
    /// Whether it is the CPU. Configurations leave it out then.
    pub fn is_cpu(&self) -> bool {
        *self == Self::Cpu
    }

    /// The device.
    ///
    /// # Errors
    /// There is no such GPU, or this program was built without support for it.
    pub fn device(self) -> Result<Device> {
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !cfg!(feature = "cuda") => Err(Error::Usage(format!(
                "--device {self}: this program was built without CUDA; build it where CUDA's compiler nvcc is, with \
                 `cargo build --release -p trainer --features cuda`"
            ))),
            Self::Cuda(number) => Ok(Device::new_cuda(number)?),
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let number = match text.split_once(':') {
            None if text == "cpu" => return Ok(Self::Cpu),
            None if text == "cuda" => Some(0),
            Some(("cuda", number)) => number.parse().ok(),
            _ => None,
        };
        number.map(Self::Cuda).ok_or_else(|| "must be cpu, cuda or cuda:NUMBER".to_string())
    }
}

impl TryFrom<String> for Place {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        text.parse()
    }
}

impl From<Place> for String {
    fn from(place: Place) -> Self {
        place.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_as_they_are_written() {
        for place in [Place::Cpu, Place::Cuda(0), Place::Cuda(3)] {
            assert_eq!(place.to_string().parse(), Ok(place));
        }
        assert_eq!("cuda".parse(), Ok(Place::Cuda(0)));
        for text in ["", "gpu", "cuda:", "cuda:x", "cuda:-1", "cpu:0"] {
            assert!(text.parse::<Place>().is_err(), "{text}");
        }
    }

    #[cfg(not(feature = "cuda"))]
    #[test]
    fn a_gpu_is_refused_where_there_is_no_support_for_it() {
        assert!(Place::Cuda(0).device().unwrap_err().to_string().contains("--features cuda"));
    }
}
