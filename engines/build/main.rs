//! Says what the engines that are compiled in were built from: their crates by the hash of their sources, their options, the
//! target, the compiler. All programs that hold the same engine say the same, whatever else is in them.
//!
//! The bytes of MNN's archive would not do: they hold the path that it was compiled in.

mod sources;

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build");
    let lock = Path::new(&variable("CARGO_MANIFEST_DIR")).join("../Cargo.lock");
    println!("cargo::rerun-if-changed={}", lock.display());
    let lock = read(&lock);
    if env::var_os("CARGO_FEATURE_TRACT").is_some() {
        println!("cargo::rustc-env=TRACT_BUILD={}", tract(&lock));
    }
    if env::var_os("CARGO_FEATURE_MNN").is_some() {
        println!("cargo::rustc-env=MNN_BUILD={}", mnn(&lock));
    }
}

/// tract is compiled by this compiler, with the flags that this crate gets.
fn tract(lock: &str) -> String {
    let crates = sources::of(lock, |name| name.starts_with("tract-"));
    let compiler = Command::new(variable("RUSTC")).arg("-V").output().map(|output| output.stdout).unwrap_or_default();
    let features = variable("CARGO_CFG_TARGET_FEATURE");
    // How the C library is linked is no matter of arithmetic.
    let features: Vec<&str> = features.split(',').filter(|name| !name.is_empty() && *name != "crt-static").collect();
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let cpu = flags.split(['\x1f', ' ']).find_map(|flag| flag.strip_prefix("target-cpu=")).unwrap_or("generic");
    format!(
        "sources {}, {}, cpu {cpu}, features {}, opt-level {}, {}",
        hash(&crates),
        variable("TARGET"),
        features.join("+"),
        variable("OPT_LEVEL"),
        String::from_utf8_lossy(&compiler).trim()
    )
}

/// MNN is compiled by CMake, which notes what it did.
fn mnn(lock: &str) -> String {
    let crates = sources::of(lock, |name| name == "mnn" || name == "mnn-sys");
    // Of `links = "mnn"`: `OUT/vendor/include`, beside which lies `OUT/build`.
    let include = PathBuf::from(variable("DEP_MNN_INCLUDE"));
    let build = include.join("../../build");
    let cache = build.join("CMakeCache.txt");
    println!("cargo::rerun-if-changed={}", cache.display());
    let compiler = std::fs::read_dir(build.join("CMakeFiles")).into_iter().flatten().flatten();
    let compiler = compiler.map(|entry| entry.path().join("CMakeCXXCompiler.cmake")).find(|path| path.is_file());
    format!(
        "sources {}, {}, options {}, {}",
        hash(&crates),
        variable("TARGET"),
        hash(&sources::options(&read(&cache))),
        sources::compiler(&compiler.map(|path| read(&path)).unwrap_or_default())
    )
}

/// The first digits of a text's SHA-256.
fn hash(text: &str) -> String {
    files::sha256(text)[..16].to_string()
}

fn variable(name: &str) -> String {
    env::var(name).unwrap_or_default()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()))
}
