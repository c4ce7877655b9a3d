//! NNI's FBNet example on PFLD: its checkpoints, converted to this trainer's, and what it does otherwise.
//!
//! | module | what it holds |
//! |---|---|
//! | `torch` | the file that `torch.save` writes: dicts of tensors |
//! | `import` | NNI's names and shapes, matched with a search space |
//! | `reference` | what the example does otherwise, restored by `--reference` |

mod import;
mod import_error;
mod reference;
mod torch;

pub use import::{Choice, Import, Imported};
pub use import_error::ImportError;
pub use reference::Reference;
pub use torch::{Tensor, TorchError, TorchFile};
