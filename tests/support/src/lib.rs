//! What tests of several crates share: where data too large for the project lies, damaged files for readers, other people's ONNX files.

pub mod fuzz;
pub mod onnx;

use std::path::{Path, PathBuf};

/// The project's root folder: the one above the tested package that holds `Cargo.lock`.
///
/// Asked for when the test runs: clones that share a target folder share compiled tests, so that a path from
/// compile time may be another clone's.
///
/// # Panics
/// Outside of `cargo test`, which says where the tested package is.
pub fn project_root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR").expect("tests are run by cargo");
    let root = Path::new(&package).ancestors().find(|folder| folder.join("Cargo.lock").exists());
    root.expect("the workspace has a Cargo.lock").to_path_buf()
}

/// A path in the shared data folder (`BLOCKTIME_SHARED`, default `../shared` beside the project).
///
/// `None`, with a message, where it is not there: the calling test then returns. With `BLOCKTIME_REQUIRE_SHARED=1` its
/// absence is a failure instead.
pub fn shared(path: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("BLOCKTIME_SHARED").map_or_else(|| project_root().join("../shared"), PathBuf::from);
    let found = folder.join(path);
    if found.exists() {
        return Some(found);
    }
    skip("BLOCKTIME_REQUIRE_SHARED", &format!("{} is missing; set BLOCKTIME_SHARED to the folder that holds it", found.display()));
    None
}

/// Tells that the calling test, which then returns, is skipped, and why: `reason` says what is missing, and what to do.
///
/// # Panics
/// Where the environment variable `required` is 1: then what is missing is a failure.
#[track_caller]
pub fn skip(required: &str, reason: &str) {
    assert!(std::env::var_os(required).is_none_or(|value| value != "1"), "{reason}; and {required}=1");
    eprintln!("skipped: {reason}");
}

/// Builds programs of the workspace and returns the folder they are in: that of the running test.
///
/// # Panics
/// Where they do not compile.
pub fn programs(names: &[&str]) -> PathBuf {
    let mut build = std::process::Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // With a test, so that crates have the features that `cargo test --workspace` gives them, and nothing is compiled twice.
    build.args(["build", "--quiet", "--workspace", "--test", "whole_path"]);
    for name in names {
        build.args(["--bin", name]);
    }
    assert!(build.status().expect("cargo runs").success(), "{} do not compile", names.join(", "));
    // A test is target/PROFILE/deps/NAME-…
    let test = std::env::current_exe().expect("a test has a path");
    test.ancestors().nth(2).expect("two folders above").to_path_buf()
}
