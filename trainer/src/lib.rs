//! FBNet search, finetuning and export of facial landmark networks.
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | networks as candle modules: supernet, subnets, the baseline |
//! | [`optim`] | optimizers, and the schedule of the learning rate |
//! | [`cost`] | what networks cost on a device, and the latency term of the loss |
//! | [`task`] | what networks are trained for: the seam, and landmarks of faces |
//! | [`train`] | the training loop, its phases search and finetune, and their configuration |
//! | [`compare`] | the searched network beside random ones, the baseline and other searches |
//! | [`report`] | a run on one HTML page |
//! | [`run`] | a run's folder: checkpoints and metrics |
//! | [`nni`] | NNI's checkpoints, and what its example does otherwise |
//! | [`commands`] | the command line |
//! | [`compute`], [`parallel`] | the CPU or a GPU; several processes |
//! | [`console`] | messages and progress |

pub mod commands;
pub mod compare;
pub mod compute;
pub mod console;
pub mod cost;
#[cfg(test)]
mod fuzz;
pub mod model;
pub mod nni;
pub mod optim;
pub mod parallel;
pub mod report;
pub mod run;
pub mod task;
pub mod train;
