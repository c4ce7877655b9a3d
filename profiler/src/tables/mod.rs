//! Several tables: compared, merged.

pub mod diff;
#[cfg(test)]
pub(crate) mod examples;
pub mod merge;
