//! Networks as candle modules: the supernet with its architecture weights, and the subnets that are chosen from it.
//!
//! | module | what it holds |
//! |---|---|
//! | `module` | a graph of blocks with weights, ready to run forwards and backwards |
//! | `executor`, `backend` | the seam between a module and what computes it; what there is |
//! | `fused`, `engine` | the project's kernels as an operation of candle; the CPU or the GPUs that run them |
//! | `stock` | candle's own operations |
//! | `layout` | where each weight lies |
//! | [`init`] | weights at the start of training |
//! | `masks`, `draw` | architecture weights, the Gumbel-softmax masks drawn from them, and where random numbers come from |
//! | `paths` | which candidates a step trains, one a layer |
//! | `subnet` | a subnet's weights from the supernet's |
//! | `architecture` | a network that is trained as a whole: a subnet, or the baseline |

mod architecture;
mod backend;
mod draw;
mod engine;
mod executor;
mod fused;
mod gpus;
pub mod init;
mod layout;
mod masks;
mod module;
mod paths;
mod stock;
mod subnet;

pub use architecture::{Architecture, ArchitectureError};
pub use backend::{Backend, Opened};
pub use draw::{Draw, Purpose};
pub use executor::{Call, Executor, Mode, Stats};
pub use gpus::Gpus;
pub use layout::{Layout, Slot};
pub use masks::ArchWeights;
pub use module::{Model, ModelError, Pass};
pub use paths::{FairPaths, path_weights};
pub use subnet::{SubnetError, names, primitives, subnet_weights};
