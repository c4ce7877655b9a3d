//! Why tables cannot be merged.

use std::path::PathBuf;

/// Why tables cannot be merged.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// None was given.
    #[error("give the tables to merge")]
    NoTables,
    /// Two that do not belong together.
    #[error("cannot merge {first} and {second}: {reason}")]
    Unlike {
        /// A table.
        first: PathBuf,
        /// Another one.
        second: PathBuf,
        /// In what they differ.
        reason: String,
    },
    /// Two that hold the same samples.
    #[error("cannot merge {first} and {second}: both hold the same samples, which would count twice")]
    Same {
        /// A table.
        first: PathBuf,
        /// The same one, a copy, or one that it was merged into.
        second: PathBuf,
    },
    /// One that was merged and does not say of what.
    #[error(
        "cannot merge {path}: it was merged by an earlier version, which did not record the tables it is made of; merge those instead"
    )]
    Unrecorded {
        /// The table.
        path: PathBuf,
    },
    /// What comes of them is no table.
    #[error("the merged table is not valid:{}", .faults.iter().map(|f| format!("\n  {f}")).collect::<String>())]
    Faults {
        /// What is wrong.
        faults: Vec<luts::Fault>,
    },
}
