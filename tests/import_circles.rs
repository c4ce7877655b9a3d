//! Circles that `scripts/import_circles.py` finds between the files of a crate.

use std::fs;
use std::process::Command;

/// The script's exit code for a crate of these files, and the lines that make its circles: `from uses to`.
fn circles(files: &[(&str, &str)]) -> (i32, Vec<String>) {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it is in a folder")).expect("a folder");
        fs::write(path, text).expect("a file");
    };
    write("Cargo.toml", "[workspace]\nmembers = [\"house\"]\n");
    write("house/Cargo.toml", "[package]\nname = \"house\"\n");
    files.iter().for_each(|(path, text)| write(&format!("house/src/{path}"), text));
    let done = Command::new("python3")
        .arg(support::project_root().join("scripts/import_circles.py"))
        .arg("--workspace")
        .arg(folder.path())
        .output()
        .expect("python3 starts");
    let written = String::from_utf8(done.stdout).expect("it writes text");
    let lines = written.lines().filter_map(|line| line.strip_prefix("    ")).map(|line| line.replace("house/src/", ""));
    (done.status.code().expect("it ends by itself"), lines.collect())
}

#[test]
fn two_files_that_import_each_other_are_a_circle() {
    let found = circles(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use crate::b::B;\npub struct A(B);"),
        ("b.rs", "pub struct B;\npub fn f() -> Option<crate::a::A> { None }"),
    ]);
    assert_eq!(found, (1, vec!["a.rs:1 uses b.rs".to_string(), "b.rs:2 uses a.rs".to_string()]));
}

#[test]
fn a_parent_that_declares_and_exports_its_children_is_in_no_circle() {
    let found = circles(&[
        ("lib.rs", "mod room;"),
        ("room/mod.rs", "mod a;\nmod b;\npub use a::A;\npub use b::B;"),
        ("room/a.rs", "use super::B;\npub struct A(B);"),
        ("room/b.rs", "pub struct B;\n#[cfg(test)]\nmod tests { use super::super::A; }"),
    ]);
    assert_eq!(found, (0, vec![]));
}

#[test]
fn a_circle_may_pass_through_a_name_that_is_handed_on() {
    // What `a` names is defined in a file that imports nothing, but stands in one that needs `a`.
    let handed_on = |a| {
        circles(&[
            ("lib.rs", "mod a;\nmod room;"),
            ("a.rs", a),
            ("room/mod.rs", "pub mod error;\npub use error::Error;\npub fn f(_: crate::a::A) {}"),
            ("room/error.rs", "pub struct Error;"),
        ])
    };
    let circle = |line| (1, vec![format!("a.rs:{line} uses room/mod.rs"), "room/mod.rs:3 uses a.rs".to_string()]);
    assert_eq!(handed_on("use crate::room::Error;\npub struct A(Error);"), circle(1));
    assert_eq!(handed_on("pub struct A;\npub fn f() -> crate::room::Error { panic!() }"), circle(2));
    assert_eq!(handed_on("use crate::room;\npub struct A(room::Error);"), circle(2));
    assert_eq!(handed_on("use crate::room::*;\npub struct A(Error);"), circle(1));
    // Not where it is named where it stands.
    assert_eq!(handed_on("use crate::room::error::Error;\npub struct A(Error);"), (0, vec![]));
}

#[test]
fn all_names_that_a_glob_brings_count() {
    let found = circles(&[
        ("lib.rs", "mod a;\nmod room;"),
        ("a.rs", "use crate::room::*;\npub struct A(B);"),
        ("room/mod.rs", "mod b;\npub use b::B;"),
        ("room/b.rs", "pub struct B;\npub fn f(_: crate::a::A) {}"),
    ]);
    assert_eq!(found, (1, vec!["a.rs:1 uses room/b.rs".to_string(), "room/b.rs:2 uses a.rs".to_string()]));
}
