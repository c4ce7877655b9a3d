//! The program, run as people run it.

// Not every test needs all of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engines::{Converter, EngineKind};

/// The program with these arguments, words separated by blanks; `{}` stands for the folder.
pub fn profiler(folder: &Path, arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_profiler"));
    // Tests measure side by side, since their figures do not matter: locks of each test's own.
    let name = folder.file_name().unwrap_or("root".as_ref());
    let locks = Path::new(env!("CARGO_TARGET_TMPDIR")).join("locks").join(name);
    std::fs::create_dir_all(&locks).expect("a folder");
    command.env("BLOCKTIME_LOCKS", locks);
    let folder = folder.to_str().expect("a folder with a plain name");
    command.args(arguments.split_whitespace().map(|a| a.replace("{}", folder)));
    command
}

/// A space that was exported, as an argument.
pub fn exported(exporter: &str) -> String {
    support::project_root().join("tests/spaces/onnx").join(exporter).to_str().expect("a plain name").to_string()
}

/// Runs it: exit code, standard output, standard error.
pub fn run(folder: &Path, arguments: &str) -> (i32, String, String) {
    let Output { status, stdout, stderr } = profiler(folder, arguments).output().expect("it starts");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (status.code().unwrap_or(-1), text(stdout), text(stderr))
}

/// Tests that measure take turns: on the same processors they would disturb each other.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The exit code of a check that gives no verdict.
const NO_VERDICT: i32 = 5;

/// Where checks of tests keep their samples.
pub const CHECK_RAW: &str = "check.raw.gz";

/// Checks that give no verdict, in a row, before a test takes another table: a machine whose speed has changed since the table was built
/// gives none any more.
const CHECKS: usize = 3;

/// Tables that a test takes before it fails.
const TABLES: usize = 6;

/// Does `test` in a folder of its own; where it ends with `None`, because a check of its table gave no verdict, from the start, with
/// another table.
///
/// # Panics
/// Where no table gave a verdict.
pub fn until_verdict(test: impl Fn(&Path) -> Option<()>) {
    for _ in 0..TABLES {
        let folder = tempfile::tempdir().expect("a folder");
        if test(folder.path()).is_some() {
            return;
        }
    }
    panic!("no check of {TABLES} tables gave a verdict");
}

/// `profiler check`: its exit code, output and messages once there is a verdict, `None` where the machine was too busy for one.
pub fn check(folder: &Path, arguments: &str) -> Option<(i32, String, String)> {
    let checks = std::iter::repeat_with(|| {
        // The samples of a check without a verdict; they are not written over.
        let _ = std::fs::remove_file(folder.join(CHECK_RAW));
        run(folder, arguments)
    });
    checks.take(CHECKS).find(|done| done.0 != NO_VERDICT)
}

/// The engine's library; `None`, with a message, where there is none (a failure with `BLOCKTIME_REQUIRE_ENGINE=1`).
pub fn engine() -> Option<PathBuf> {
    match engines::onnxruntime::LIBRARY.find(None) {
        Ok(path) => Some(path),
        Err(e) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &e.to_string());
            None
        }
    }
}

/// MNN's converter; `None`, with a message, where there is none (a failure with `BLOCKTIME_REQUIRE_ENGINE=1`).
pub fn converter() -> Option<Box<dyn Converter>> {
    match EngineKind::Mnn.format().converter() {
        Ok(converter) => converter,
        Err(e) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &e.to_string());
            None
        }
    }
}

/// A space of two layers, one of them with an identity; written to `space.toml` in the folder.
pub fn small_space(folder: &Path) -> blocks::Space {
    let text = "name = \"small\"\ninput = [32, 14, 14]\n[[stage]]\ncandidates = [\"skip\", \"conv1x1\", \"sep_k3\", \"mb_k3_res\"]\n\
                layers = [{ c_in = 32, c_out = 32, stride = 1, h = 14, w = 14 }]\n[[stage]]\n\
                candidates = [\"gh_k3\", \"mb_k3_e2\", \"sep_k5\"]\n\
                layers = [{ c_in = 32, c_out = 32, stride = 2, h = 14, w = 14 }]\n";
    let path = folder.join("space.toml");
    std::fs::write(&path, text).expect("written");
    blocks::Space::load(path.to_str().expect("a plain name")).expect("a sound space")
}
