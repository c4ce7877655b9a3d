//! FBNet search, finetuning and export of facial landmark networks.
//!
//! Example: the cost of each candidate on a device, and the term that adds the expected cost to the loss.
//!
//! ```
//! use blocks::Space;
//! use candle_core::{Device, Tensor};
//! use trainer::cost::{Combine, Costs, LatencyScope, LatencyTerm, MICROS, TermMode};
//!
//! let space = Space::load("pfld")?;
//! # let table = concat!(env!("CARGO_MANIFEST_DIR"), "/../luts/amd-epyc.csv").into();
//! // let table = "luts/phone.csv".into();
//! let costs = Costs::from_tables(&[table], Combine::Max, &space, 106, LatencyScope::Whole, false)?;
//! // The network of each layer's first candidate, in µs, and a loss of 2 with it.
//! let us = costs.network(&[0; 5]);
//! let term = LatencyTerm::new(TermMode::Mul, 0.25, 0.6, costs.cheapest(), MICROS)?;
//! let (loss, cost) = (Tensor::new(2f32, &Device::Cpu)?, Tensor::new(us as f32, &Device::Cpu)?);
//! let with_latency = term.apply(&loss, &cost)?.to_scalar::<f32>()?;
//! assert!((f64::from(with_latency) - 2.0 * 0.25 * us.ln().powf(0.6)).abs() < 1e-4);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`model`] | networks as candle modules: supernet, subnets, the baseline |
//! | [`optim`] | optimizers, and the schedule of the learning rate |
//! | [`cost`] | what networks cost on a device, and the latency term of the loss |
//! | [`choose`] | which of the probable networks a search ends with |
//! | [`task`] | what networks are trained for: the trait `Task`, and landmarks of faces |
//! | [`train`] | the training loop, its phases search and finetune, and their configuration |
//! | [`compare`] | the searched network beside random ones, the baseline and other searches |
//! | [`report`] | a run on one HTML page |
//! | [`run`] | a run's folder: checkpoints and metrics |
//! | [`nni`] | NNI's checkpoints, and what its example does differently |
//! | [`commands`] | the command line |
//! | [`compute`], [`parallel`] | the CPU or a GPU; several processes |
//! | [`console`] | messages and progress |

pub mod choose;
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
