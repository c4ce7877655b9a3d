//! A block graph turned into kernel calls.
//!
//! [`Plan::new`] joins each convolution with the batch norm and ReLU behind it into one stored *value*, and each mixture
//! with the additions and concatenations that feed only it. [`Plan::forward`] leaves what it stored, and [`Plan::backward`] walks that
//! back. Weights are one flat slice in the order of the graph's trained parameters, running statistics another.

mod backward;
mod compile;
mod conv;
mod depthwise;
mod forward;
mod gradients;
mod joins;
mod mixture;
mod norm;
mod parameter_sums;
mod profile;
mod program;
mod simple;
mod step;
mod times;

pub use forward::{Arguments, Kept};
pub use gradients::Gradients;
pub use profile::{Cost, Described};
pub(crate) use program::Norm;
use program::{Affine, Value};
pub use program::{Mode, Plan};
pub(crate) use step::{Convolution, Simple, Step, Term, ValueId};
pub use times::{Direction, Times};
