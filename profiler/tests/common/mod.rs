//! The program, run as people run it.

// Not every test needs all of it.
#![allow(dead_code)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Mutex, MutexGuard, PoisonError};

use engines::mnn::convert::Converter;

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
pub fn converter() -> Option<Converter> {
    match Converter::find() {
        Ok(converter) => Some(converter),
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
