//! What the programs say when something is wrong, word for word. It stands in `wording.txt` and nowhere else: other tests assert variants
//! of errors, exit codes, names and numbers. A change of words is one change of that file:
//!
//! ```sh
//! BLOCKTIME_WORDING=write cargo test -p blocktime --test wording
//! ```
//!
//! A new case is a new line `$ COMMAND` at its end, before that. `corpus` is `tests/corpus`, `luts` the committed tables, `faces` a
//! data folder.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use support::{programs, project_root};

const FILE: &str = "tests/wording.txt";

/// A search space with a fault of each kind.
const SPACE: &str = "name = \"own\"\ninput = [8, 10, 10]\n[[stage]]\ncandidates = [\"mb_k3_e2_rse\", \"mb_k3_res\", \"mb_k3_res\"]\n\
                     layers = [{ c_in = 8, c_out = 12, stride = 1, h = 10, w = 10 }, { c_in = 8, c_out = 8, stride = 3, h = 10, w = 10 }]\n";

/// Files that the cases name beside the corpus.
const FILES: [(&str, &str); 9] = [
    ("empty", ""),
    ("text", "no model, no table, no picture\n"),
    ("page.html", "<!DOCTYPE html>\n<html>"),
    ("pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 132735\n"),
    ("refusal", "404: Not Found\n"),
    ("page.onnx", "<!DOCTYPE html>\n<html>"),
    ("text.onnx", "no model\n"),
    ("settings.toml", "seeds = []\n"),
    ("space.toml", SPACE),
];

/// The folder that the commands run in.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for (name, content) in FILES {
        fs::write(folder.path().join(name), content).expect("a file");
    }
    for (name, from) in [("corpus", "tests/corpus"), ("spaces", "tests/spaces"), ("luts", "luts")] {
        symlink(project_root().join(from), folder.path().join(name)).expect("a link");
    }
    folder
}

/// Exit code and all that a command says, run in that folder and in no environment.
fn said(programs: &Path, folder: &Path, line: &str) -> String {
    let mut words = line.split_whitespace();
    let program = programs.join(words.next().expect("a program"));
    let mut command = Command::new(program);
    command.args(words).current_dir(folder).env_clear().env("HOME", "/home/you").env("PATH", "/nowhere");
    let done = command.output().expect("it starts");
    let [out, errors] = [done.stdout, done.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let code = done.status.code().map_or("none".to_string(), |code| code.to_string());
    let said = format!("exit code {code}\n{out}{errors}").replace(folder.to_str().expect("a plain name"), "FOLDER");
    said.trim_end().to_string()
}

#[test]
fn what_is_said_is_what_is_written() {
    let path = project_root().join(FILE);
    let written = fs::read_to_string(&path).expect("the file of the wording");
    let (head, cases) = written.split_once("\n$ ").expect("a case");
    let (programs, folder) = (programs(&["profiler", "trainer"]), folder());
    said(&programs, folder.path(), "trainer synth --out faces --train 4 --test 2");
    let mut now = head.to_string();
    for case in cases.split("\n$ ") {
        let line = case.lines().next().unwrap_or_default();
        now += &format!("\n$ {line}\n{}\n", said(&programs, folder.path(), line));
    }
    if std::env::var_os("BLOCKTIME_WORDING").is_some_and(|v| v == "write") {
        fs::write(&path, &now).expect("the file can be written");
    } else if now != written {
        let differ = std::iter::zip(now.lines(), written.lines()).find(|(now, written)| now != written);
        panic!("{FILE} is not what is said: {differ:?}; BLOCKTIME_WORDING=write writes it again, then read it");
    }
}
