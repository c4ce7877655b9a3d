//! Errors.

/// Whatever went wrong, in words.
pub type Problem = Box<dyn std::error::Error>;
