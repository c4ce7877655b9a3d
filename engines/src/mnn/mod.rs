//! MNN, an engine in C++ that is part of the program, and its converter, which is not.
//!
//! It loads files of its own kind, which its converter makes of ONNX files on the host ([`convert`]); the engine itself is there
//! with feature `mnn`, and [`python`] runs a file by MNN's Python package without it. All must be of one version ([`VERSION`]).

pub mod convert;
pub mod python;
#[cfg(feature = "mnn")]
mod session;

use std::path::{Path, PathBuf};

#[cfg(feature = "mnn")]
pub use session::Mnn;

/// The version that is built in, and that the converter must have.
pub const VERSION: &str = "3.6.1";

/// Where `scripts/setup-mnn.sh` puts the converter and MNN's Python package, below the cache folder.
fn folder(cache: &Path) -> PathBuf {
    cache.join("mnn").join(VERSION)
}

#[cfg(test)]
mod tests {
    use super::VERSION;

    #[test]
    fn the_script_brings_the_converter_of_that_version() {
        let script = support::project_root().join("scripts/setup-mnn.sh");
        let script = std::fs::read_to_string(script).unwrap();
        assert!(script.lines().any(|line| line == format!("version={VERSION}")), "{script}");
    }
}
