//! Measures blocks on a device and writes latency tables.
//!
//! Gather on the device, fit on the host: the [`agent`] runs and times, and writes raw samples as JSON lines; the host prepares jobs,
//! sends them to a device, and turns samples into tables.
//!
//! ```
//! use profiler::stats::Median;
//!
//! // Times of ten runs in µs, one of them disturbed: the median and its 95 % interval hardly change.
//! let times = [10.1, 10.0, 10.2, 10.1, 57.0, 9.9, 10.0, 10.1, 10.2, 10.0];
//! let median = Median::of(&times).expect("six values at least");
//! assert!((median.value - 10.1).abs() < 1e-9 && median.low >= 9.9 && median.high <= 10.2 + 1e-9);
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`agent`] | what runs on the device (feature `agent`) |
//! | [`hardware`] | what a device is made of: processors, clocks, sensors |
//! | [`protocol`] | what agent and host say to each other |
//! | [`stats`], [`idle`], [`steady`], [`random`] | arithmetic that agent and host share |
//!
//! The host's part (feature `host`, on by default):
//!
//! | module | what it holds |
//! |---|---|
//! | [`devices`] | how a device is reached: local, adb, ssh, simulated; whether two are the same |
//! | [`measure`] | jobs, their execution, raw samples |
//! | [`fit`] | from samples to the rows of a table |
//! | [`check`] | whole networks against a table |
//! | [`tables`] | tables compared, merged, written in other forms |
//! | [`show`] | results for people: terminal, SVG, PNG, HTML |
//! | [`commands`] | the command line |

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: support::fuzz::Watched = support::fuzz::Watched;

#[cfg(feature = "agent")]
pub mod agent;
#[cfg(feature = "host")]
pub mod check;
#[cfg(feature = "host")]
pub mod commands;
#[cfg(feature = "host")]
pub mod devices;
#[cfg(feature = "host")]
pub mod fit;
pub mod hardware;
pub mod idle;
#[cfg(feature = "host")]
pub mod measure;
#[cfg(feature = "host")]
pub mod notices;
pub mod protocol;
pub mod random;
#[cfg(feature = "host")]
pub mod show;
pub mod stats;
pub mod steady;
#[cfg(feature = "host")]
pub mod tables;
