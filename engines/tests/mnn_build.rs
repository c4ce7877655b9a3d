//! How MNN is compiled: with the project's options, by every script and for every target. Needs cmake, and is skipped without it.
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::fs;
use std::path::Path;
use std::process::Command;

/// As much of MNN's own project as its options need: what is on by itself, and the interface for building networks.
const PROJECT: &str = r#"
cmake_minimum_required(VERSION 3.6)
project(MNN LANGUAGES NONE)
option(MNN_KLEIDIAI "" ON)
file(WRITE "${CMAKE_BINARY_DIR}/kleidiai" "${MNN_KLEIDIAI}")
file(WRITE "${CMAKE_SOURCE_DIR}/cmake/dummy.cpp" "")
file(WRITE "${CMAKE_SOURCE_DIR}/Expr.cpp" "")
add_library(MNN_Express INTERFACE)
set_property(TARGET MNN_Express PROPERTY SOURCES "${CMAKE_SOURCE_DIR}/Expr.cpp")
file(GENERATE OUTPUT "${CMAKE_BINARY_DIR}/express" CONTENT "$<TARGET_PROPERTY:MNN_Express,SOURCES>")
"#;

/// What build scripts call as cmake; cargo tells tests, too (.cargo/config.toml).
fn configure(folder: &Path, options: &[&str]) -> bool {
    let program = std::env::var_os("CMAKE").expect("cargo sets it, in the project's folder");
    fs::write(folder.join("CMakeLists.txt"), PROJECT).unwrap();
    let done = Command::new(program).arg("-S").arg(folder).arg("-B").arg(folder.join("build")).args(options).output().unwrap();
    done.status.success()
}

#[test]
fn kleidiai_is_never_in_it_and_what_no_program_uses_is_not_compiled() {
    if Command::new("cmake").arg("--version").output().is_err() {
        eprintln!("skipped: there is no cmake");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    assert!(configure(folder.path(), &["-DMNN_BUILD_SHARED_LIBS=OFF"]));
    let built = |name: &str| fs::read_to_string(folder.path().join("build").join(name)).unwrap();
    assert_eq!(built("kleidiai"), "OFF");
    assert!(built("express").ends_with("cmake/dummy.cpp"), "{}", built("express"));
}
