//! Measures blocks on a device and writes latency tables.
//!
//! Gather on the device, fit on the host: the [`agent`] runs and times, and writes raw samples as JSON lines; the [`host`]
//! prepares jobs, sends them through a transport, and turns samples into tables.
//!
//! | module | what it holds |
//! |---|---|
//! | [`protocol`] | what the two sides say to each other |
//! | [`stats`] | medians and their intervals |
//! | [`quiet`] | when the device counts as quiet |
//! | [`steady`] | which samples nothing disturbed within |
//! | [`random`] | a small random generator, the same on every device |
//! | [`device`] | what a device is |
//! | [`agent`] | the device's side (feature `agent`) |
//! | [`host`] | everything else (feature `host`, on by default) |

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: support::fuzz::Watched = support::fuzz::Watched;

#[cfg(feature = "agent")]
pub mod agent;
pub mod device;
#[cfg(feature = "host")]
pub mod host;
pub mod protocol;
pub mod quiet;
pub mod random;
pub mod stats;
pub mod steady;
