//! NNI's checkpoints, read and made into this trainer's.
//!
//! | module | what it holds |
//! |---|---|
//! | `torch` | the file that `torch.save` writes: dicts of tensors |
//! | `import` | NNI's names and shapes, matched with a search space |

mod import;
mod torch;

pub use import::{Choice, Import, ImportError, Imported};
pub use torch::{Tensor, TorchError, TorchFile};
