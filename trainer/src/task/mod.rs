//! What networks are trained for. [`Task`] is the seam: everything that is about one task lies in its folder, and the training loop, the
//! configuration and the comparisons know a task only through these traits.
//!
//! | module | what it holds |
//! |---|---|
//! | `seam` | the traits |
//! | [`faces`] | landmarks of faces |

pub mod faces;
mod seam;

pub use seam::{Batches, Data, Draws, Loader, Nets, Networks, Part, Scores, Split, Task, TaskError};
