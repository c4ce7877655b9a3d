//! Engine libraries that are not there or no libraries: an error that says what to do, never a crash.

#![cfg(feature = "onnxruntime")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::path::{Path, PathBuf};

use engines::library::LibraryError;
use engines::{EngineError, EngineKind, open};

fn error(path: &Path) -> LibraryError {
    match open(EngineKind::OnnxRuntime, Some(path)) {
        Err(EngineError::Library(e)) => e,
        Err(e) => panic!("{e}"),
        Ok(_) => panic!("{} was opened", path.display()),
    }
}

/// It is refused before the system's loader sees it.
#[track_caller]
fn assert_unusable(path: &Path) -> String {
    match error(path) {
        LibraryError::Unusable { path: named, reason, .. } if Path::new(&named) == path => reason,
        other => panic!("{other}"),
    }
}

fn file(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_missing_library_is_named_with_the_way_to_get_one() {
    let message = error(Path::new("/no/such/libonnxruntime.so")).to_string();
    for part in ["/no/such/libonnxruntime.so", "profiler setup ort", "pip download", "--engine-lib"] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
}

#[test]
fn files_that_are_no_libraries_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    assert_unusable(&file(folder, "empty.so", b""));
    assert_unusable(&file(folder, "text.so", &b"not a library\n".repeat(100)));
    assert!(matches!(error(folder), LibraryError::NotFound { .. }));
}

#[test]
fn damaged_libraries_are_refused_before_they_are_loaded() {
    let folder = tempfile::tempdir().unwrap();
    // This test's own program is a whole ELF file for this machine.
    let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    let cut = file(folder.path(), "cut.so", &own[..own.len() / 4]);
    assert_unusable(&cut);
    let mut foreign = own[..4096].to_vec();
    foreign[18..20].copy_from_slice(&40u16.to_le_bytes());
    let foreign = file(folder.path(), "foreign.so", &foreign);
    let reason = assert_unusable(&foreign);
    assert!(reason.contains("32-bit arm"), "{reason}");
    let header = file(folder.path(), "header.so", &own[..20]);
    assert_unusable(&header);
}
