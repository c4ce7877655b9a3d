//! NNI's checkpoints: the reference's own, and files written here.

#![allow(clippy::unwrap_used)]

mod damaged;
mod made;
mod reference;
mod written;
