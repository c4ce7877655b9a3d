//! Cost of networks: what each candidate costs on a device, and how that steers the search.
//!
//! | module | what it holds |
//! |---|---|
//! | `device` | costs on one device, out of its latency table, or multiply-adds |
//! | `costs` | costs on one device or several, as numbers and as tensors |
//! | `choice` | the best networks within a limit |
//! | `term` | the latency term of the loss |
//! | `arch_file` | `arch.json`: what a search chose, and what that should cost |
//! | `provenance` | where a table's times come from |
//! | `absent` | which tables there are, where one is missing |

mod absent;
mod arch_file;
mod choice;
mod costs;
mod device;
mod predicted;
mod provenance;
mod term;
mod units;

pub use arch_file::{ArchFile, CandidateChance, LayerChoice, TablePrediction, TrunkCost};
pub use choice::few_within;
pub use costs::{CostTensors, Costs};
pub use device::CostError;
pub use predicted::Predicted;
pub use provenance::Provenance;
pub use term::{LatencyTerm, TARGET_BETA, TermError, TermMode};
pub use units::{Combine, LatencyScope, MACS, MICROS, PerfMetric, shown};
