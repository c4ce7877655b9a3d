//! FBNet search, finetuning and export of facial landmark networks.
//!
//! | module | what it holds |
//! |---|---|
//! | [`architecture`] | which network a finetune trains |
//! | [`model`] | block graphs as candle modules, on candle's operations or the project's kernels |
//! | [`nets`] | backbone and pose net, and the steps that move them |
//! | [`masks`] | architecture weights and Gumbel-softmax masks |
//! | [`loss`] | landmark loss, pose weight, latency term |
//! | [`optim`] | RMSprop, AdamW, the learning rate's schedule |
//! | [`search`] | the search's schedule, costs of candidates, `arch.json` |
//! | [`space`] | a subnet's weights out of the supernet's |
//! | [`finetune`] | training of the chosen subnet |
//! | [`network_file`] | networks out of checkpoints and ONNX files |
//! | [`evaluate`] | errors of a network on a list |
//! | [`mod@recalibrate`] | batch norm's statistics of a subnet's own |
//! | [`nni`] | NNI's checkpoints, read |
//! | [`place`] | the CPU, or a GPU |
//! | [`parallel`] | a run in several processes |
//! | [`mod@reference`] | what NNI's example does otherwise |
//! | [`export`] | ONNX files, checked |
//! | [`report`] | a run on one HTML page |
//! | [`run`] | a run's folder: configuration, metrics, checkpoints |
//! | [`stage`] | trainings that go on where they stopped, of which longer commands are made |
//! | [`comparison`] | a searched network among random ones, at equal time |
//! | [`baseline`] | random networks and the published baseline, trained as the searched network was |
//! | [`sweep`] | searches over β or targets from one warm-up |
//! | [`cli`] | the command line |

pub mod architecture;
pub mod baseline;
pub mod cli;
pub mod comparison;
pub mod error;
pub mod evaluate;
pub mod export;
pub mod finetune;
#[cfg(test)]
mod fuzz;
pub mod loss;
pub mod masks;
pub mod model;
pub mod nets;
pub mod network_file;
pub mod nni;
pub mod optim;
pub mod parallel;
pub mod pass;
pub mod place;
pub mod recalibrate;
pub mod reference;
pub mod report;
pub mod run;
pub mod search;
pub mod space;
pub mod stage;
pub mod sweep;

pub use error::{Error, Result};
