//! NNI's FBNet example on PFLD: its checkpoints, converted to this trainer's, and what it does otherwise.
//!
//! | module | what it holds |
//! |---|---|
//! | `torch` | the file that `torch.save` writes: dicts of tensors |
//! | `source` | its nets, by NNI's names and shapes, beside a search space |
//! | `import` | from that to a checkpoint |
//! | `reference` | what the example does otherwise, restored by `--reference` |

mod import;
mod import_error;
mod reference;
mod source;
mod torch;

pub use import::{Choice, Import, Imported};
pub use import_error::ImportError;
pub use reference::Reference;
pub use torch::{Tensor, TorchError, TorchFile};
