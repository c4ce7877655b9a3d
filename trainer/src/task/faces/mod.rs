//! Landmarks of faces: pictures with points and pose, the loss of the points weighed by pose, and NME.
//!
//! | module | what it holds |
//! |---|---|
//! | `settings` | [`FaceTask`]: the task, and its settings |
//! | `data` | lists of faces, opened and brought into batches on a device |
//! | [`loss`] | the loss of the points, and how pose weighs a face |
//! | `nets` | the backbone and the pose network, and the steps that move them |
//! | `evaluate` | NME, failure rate and AUC of a network |
//! | `recalibrate` | batch norm's running statistics of a subnet's own |
//! | `network_file`, `onnx` | networks out of checkpoints and ONNX files |
//! | `export` | ONNX and MNN files, checked before they are left |

mod data;
mod error;
mod evaluate;
mod export;
pub mod loss;
mod nets;
mod network_file;
mod onnx;
mod recalibrate;
mod settings;

pub use data::{FaceBatch, open_dataset, scheme_sha256};
pub use error::FaceError;
pub use evaluate::{Candle, Evaluation, Network, evaluate_like};
pub use export::{Check, Converted, ExportError, Exported, TOLERANCE, export};
pub use nets::{FaceNets, Objective};
pub use network_file::{NetworkFile, OF_MIXTURES, Opened, Subnet, TRAINED_ON, subnet};
pub use onnx::Onnx;
pub use recalibrate::{STEPS, recalibrated};
pub use settings::FaceTask;
