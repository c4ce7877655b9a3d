//! What goes onto a device: the agent built for it, and the engine's library for it.
//!
//! | module | what it holds |
//! |---|---|
//! | [`target`] | what kind of device it is for |
//! | [`agent`] | the agent, with what it brings along |
//! | [`library`] | the engine's library |
//! | `vendor` | libraries that the user brings, and that must not change unnoticed |
//! | [`error`] | what can be missing or wrong |

pub mod agent;
pub mod error;
pub mod library;
pub mod target;
mod vendor;

pub use agent::Bundle;
pub use error::DeliveryError;
pub use target::Target;
