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
    // An engine that is compiled in has a feature and crates of its name.
    for feature in env::vars_os().filter_map(|(name, _)| name.to_str()?.strip_prefix("CARGO_FEATURE_").map(str::to_string)) {
        let engine = feature.to_lowercase();
        let crates =
            sources::of(&lock, |name| name == engine || name.strip_prefix(&engine).is_some_and(|rest| rest.starts_with('-')));
        if !crates.is_empty() {
            let made = match env::var_os(format!("DEP_{feature}_INCLUDE")) {
                Some(include) => by_cmake(&PathBuf::from(include)),
                None => by_rustc(),
            };
            println!("cargo::rustc-env={feature}_BUILD=sources {}, {}, {made}", hash(&crates), variable("TARGET"));
        }
    }
}

/// An engine in Rust is compiled by this compiler, with the flags that this crate gets.
fn by_rustc() -> String {
    let compiler = Command::new(variable("RUSTC")).arg("-V").output().map(|output| output.stdout).unwrap_or_default();
    let features = variable("CARGO_CFG_TARGET_FEATURE");
    // How the C library is linked is no matter of arithmetic.
    let features: Vec<&str> = features.split(',').filter(|name| !name.is_empty() && *name != "crt-static").collect();
    let flags = env::var("CARGO_ENCODED_RUSTFLAGS").unwrap_or_default();
    let cpu = flags.split(['\x1f', ' ']).find_map(|flag| flag.strip_prefix("target-cpu=")).unwrap_or("generic");
    let (features, compiler) = (features.join("+"), String::from_utf8_lossy(&compiler).into_owned());
    format!("cpu {cpu}, features {features}, opt-level {}, {}", variable("OPT_LEVEL"), compiler.trim())
}

/// One in C++ is compiled by CMake, which notes what it did; its crate links it under the engine's name, and names the folder of its headers,
/// `OUT/vendor/include`, beside which lies `OUT/build`.
fn by_cmake(include: &Path) -> String {
    let build = include.join("../../build");
    let cache = build.join("CMakeCache.txt");
    println!("cargo::rerun-if-changed={}", cache.display());
    let compiler = std::fs::read_dir(build.join("CMakeFiles")).into_iter().flatten().flatten();
    let compiler = compiler.map(|entry| entry.path().join("CMakeCXXCompiler.cmake")).find(|path| path.is_file());
    let compiler = sources::compiler(&compiler.map(|path| read(&path)).unwrap_or_default());
    format!("options {}, {compiler}", hash(&sources::options(&read(&cache))))
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
