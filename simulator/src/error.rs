//! What can be wrong with a core's or chip's file.

use std::path::PathBuf;

/// Why a chip cannot be simulated.
#[derive(Debug, thiserror::Error)]
pub enum ChipError {
    /// Neither a chip nor a file has the name.
    #[error("no chip is called '{name}', and there is no such file; known chips: {known}. A TOML file of your own works too")]
    NoChip {
        /// What was asked for.
        name: String,
        /// The known chips.
        known: String,
    },
    /// A chip's file names a core that does not exist.
    #[error("{file}: no core is called '{name}', and there is no such file beside it; there are {known}")]
    NoCore {
        /// The chip's file.
        file: String,
        /// The core's name.
        name: String,
        /// The known cores.
        known: String,
    },
    /// A file cannot be read.
    #[error("{}: cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file's content is invalid.
    #[error("{file}: {source}")]
    Toml {
        /// The file.
        file: String,
        /// What is wrong.
        source: Box<toml::de::Error>,
    },
    /// A value makes no sense.
    #[error("{file}: {field}: {rule}")]
    Value {
        /// The file.
        file: String,
        /// The value's name.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// Kinds of instructions have no timing.
    #[error("{file}: no timing under [kinds] for {missing}")]
    Kinds {
        /// The file.
        file: String,
        /// The kinds.
        missing: String,
    },
}
