//! What CI skips: only what has passed, and only as long as nothing that it depends on has changed.

use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `unless_passed work INPUT -- COMMAND` with that cache folder: whether it succeeded, and whether it was skipped.
fn unless_passed(cache: &Path, input: &Path, command: &[&str]) -> (bool, bool) {
    let script = r#". scripts/unless-passed.sh; input=$1; shift; unless_passed work "$input" -- "$@""#;
    let done = Command::new("bash")
        .args(["-euo", "pipefail", "-c", script, "test"])
        .arg(input)
        .args(command)
        .current_dir(support::project_root())
        .env("BLOCKTIME_CACHE", cache)
        .output()
        .expect("bash starts");
    (done.status.success(), String::from_utf8_lossy(&done.stderr).contains("skipped: work"))
}

#[test]
fn what_passed_is_skipped_until_something_changes() {
    let folder = tempfile::tempdir().expect("a folder");
    let (cache, input) = (folder.path().join("cache"), folder.path().join("input"));
    fs::write(&input, "one").expect("a file");
    let run = |command: &[&str]| unless_passed(&cache, &input, command);

    // What fails is run again.
    assert_eq!(run(&["false"]), (false, false));
    assert_eq!(run(&["false"]), (false, false));
    assert_eq!(run(&["true"]), (true, false), "from an empty cache everything runs");
    assert_eq!(run(&["true"]), (true, true));
    assert_eq!(run(&["false"]), (false, false), "another command is not what passed");
    fs::write(&input, "two").expect("a file");
    assert_eq!(run(&["false"]), (false, false));
    assert_eq!(run(&["true"]), (true, false), "another input is not what passed");
    fs::remove_dir_all(cache.join("passed")).expect("what passed is noted there");
    assert_eq!(run(&["true"]), (true, false));
    fs::remove_file(&input).expect("it is there");
    assert_eq!(run(&["true"]), (false, false), "an input that is missing is an error");
}
