//! Its name and its version.

use std::path::{Path, PathBuf};

/// Its name on the command line, in tables and messages.
pub const NAME: &str = "mnn";

/// The version that is built in, and that the converter must have.
pub const VERSION: &str = "3.6.1";

/// Where `scripts/setup-mnn.sh` puts the converter and MNN's Python package, below the cache folder.
pub fn folder(cache: &Path) -> PathBuf {
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
