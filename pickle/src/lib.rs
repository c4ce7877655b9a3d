//! A reader of Python's pickles that runs nothing.
//!
//! A pickle is a program for a stack machine, whose opcodes can import and call anything. This machine knows the opcodes of
//! protocols 2 to 5, but imports nothing and calls nothing: the result is a heap of plain objects. A few names of Python, numpy and
//! PyTorch are known, and what a call of them would give is noted. Anything else becomes [`Unread`]: it may lie anywhere in a file,
//! and is refused only where its value is asked for. All counts are limited.
//!
//! | module | what it holds |
//! |---|---|
//! | [`heap`] | the objects of a pickle that was read |
//! | [`object`] | what an object can be |
//! | [`error`] | what is wrong with a pickle |
//! | `numpy` | texts and numbers of numpy's, as the heap gives them |
//! | `machine` | the stack machine |
//! | `input` | the bytes, read one after the other |
//!
//! ```
//! // The list [7], as Python writes it.
//! let heap = pickle::Heap::read(b"\x80\x04]K\x07a.", 0)?;
//! assert!(matches!(heap.get(heap.root()), pickle::Object::List(items) if items.len() == 1));
//! # Ok::<(), pickle::PickleError>(())
//! ```

pub mod error;
pub mod heap;
mod input;
mod machine;
mod numpy;
pub mod object;

pub use error::{PickleError, PickleFault};
pub use heap::Heap;
pub use object::{Array, Bytes, Dtype, Element, Global, Id, Object, Unread};
