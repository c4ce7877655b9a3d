//! Tables of NNI's FBNet, read and written: `lut.npy` and `lut.txt`.
//!
//! | form | what it is | unit |
//! |---|---|---|
//! | `lut.npy` | an array of Python objects: a dict a layer, primitive's name → value; a pickle inside | not stated: multiply-adds or µs |
//! | `lut.txt` | a Python dict a line: `op_name`, `op_data_shape` (width, height, input channels, output channels, stride), `op_dtype`, `op_latency` | µs |
//!
//! NNI reads the first as `MODEL_DIR/lut/lut.npy` (`lut_load_format="numpy"`) and the second as `lut.txt` in the working folder
//! (`"json"`), both with `lut_load=True`. Neither holds a trunk or says what device it is from, so that an imported table
//! has no trunk rows and its source is [`Imported`](crate::Source::Imported).
//!
//! A pickle is a program. It is never run: the crate [`pickle`] knows the few opcodes that such an array needs, and refuses all
//! others.
//!
//! | module | what it holds |
//! |---|---|
//! | [`form`] | the two forms, and what their values are |
//! | [`mod@import`] | NNI's values made into a table |
//! | [`mod@export`] | a table's values written for NNI |
//! | [`npy`] | the frame around the pickle, and the layers in it |
//! | [`text`] | the lines of `lut.txt` |
//! | [`literal`] | Python's literals, which both forms use |
//! | [`error`] | what can be wrong |

pub mod error;
pub mod export;
pub mod form;
pub mod import;
pub mod literal;
pub mod npy;
pub mod text;

pub use error::NniError;
pub use export::export;
pub use form::{Form, Repeats, Unit};
pub use import::{Import, Imported};
