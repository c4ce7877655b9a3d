//! When the device counts as quiet, from its canaries. Agent and host use this one rule.

/// The canary's quiet time is this quantile of all canaries: the median of the fastest tenth.
pub const QUIETEST: f64 = 0.05;
/// Samples whose canary is at most this many times its quiet time are those of a quiet device. What slows the canary by more slows
/// networks by a varying percent or two besides.
pub const NEAR: f64 = 1.1;
