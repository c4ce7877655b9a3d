//! Optimizers over flat variables, whose state can be saved, and the schedule of the learning rate.

mod adamw;
mod algorithm;
mod optimizer;
mod rmsprop;
mod schedule;

pub use adamw::AdamW;
pub use algorithm::{Algorithm, step, step_parts};
pub use optimizer::Optimizer;
pub use rmsprop::RmsProp;
pub use schedule::cosine;
