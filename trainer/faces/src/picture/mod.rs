//! Pictures: decoding, size, channel order.

mod decode;
mod jpeg;
mod planes;

pub use decode::{Decoded, Picture, decode, read_picture};
pub use planes::{ChannelOrder, write_planes};
