//! FBNet search, finetuning and export of facial landmark networks.

pub mod loss;
pub mod masks;
pub mod model;
pub mod space;
