//! When the device counts as idle, from its canaries. Agent and host use this one rule.

/// The canary's idle time is this quantile of all canaries: the median of the fastest tenth.
pub const FASTEST: f64 = 0.05;
/// Samples whose canary is at most this many times its idle time are those of an idle device. What slows the canary by more slows
/// networks by a varying percent or two besides.
pub const NEAR: f64 = 1.1;
