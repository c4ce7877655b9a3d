//! What kind of device agent and engine are for.

/// An architecture and a system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The kernel's architecture: `aarch64`.
    pub arch: String,
    /// Whether it is an Android.
    pub android: bool,
}

impl Target {
    /// Its kind, for messages.
    pub fn abi(&self) -> String {
        format!("{} {}", if self.android { "Android" } else { "Linux" }, self.arch)
    }
}
