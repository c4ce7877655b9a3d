//! What it and its setting are called.

/// Its name on the command line, in tables and messages.
pub const NAME: &str = "tract";

/// tract's setting of the core whose kernels it takes, and the environment variable of that name.
pub const CPU_VARIABLE: &str = "TRACT_CPU_AARCH64_KIND";
