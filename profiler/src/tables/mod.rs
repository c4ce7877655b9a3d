//! What is done with tables: compared, merged, written in other forms.

pub mod diff;
#[cfg(test)]
pub(crate) mod examples;
pub mod export;
pub mod merge;
