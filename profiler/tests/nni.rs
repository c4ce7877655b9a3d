//! `lut import` and `lut export`, as people run them.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::run;

/// A `lut.txt` of the small space; its identity has what NNI gives one.
fn lut_txt(folder: &Path) {
    let space = common::small_space(folder);
    let line = |c: &blocks::Candidate| {
        let latency = if c.primitive.is_identity(&c.layer) { 0.001 } else { 4.5 + c.graph().macs() as f64 / 1e6 };
        let blocks::Layer { c_in, c_out, stride, h, w } = c.layer;
        let shape = format!("({w}, {h}, {c_in}, {c_out}, {stride})");
        format!("{{'op_name': '{}', 'op_data_shape': {shape}, 'op_dtype': 'float', 'op_latency': {latency}}}\n", c.primitive)
    };
    let text: String = space.unique_candidates().iter().map(line).collect();
    std::fs::write(folder.join("lut.txt"), text).unwrap();
}

fn latencies(folder: &Path, table: &str) -> Vec<(String, f64)> {
    let table = luts::Table::read(folder.join(table)).unwrap();
    table.rows().iter().map(|r| (r.key.clone(), r.latency.0)).collect()
}

#[test]
fn a_table_goes_to_nni_and_back_in_both_forms() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lut_txt(folder);
    let (code, out, err) = run(folder, "lut import {}/lut.txt --space {}/space.toml --out {}/t.csv");
    assert_eq!((code, out.trim()), (0, folder.join("t.csv").to_str().unwrap()), "{err}");
    assert!(err.contains("7 ") && err.contains("small"), "{err}");
    let first = latencies(folder, "t.csv");
    assert!(first[0] == ("skip@32x14x14-s1-32".to_string(), 0.0) && first[1].1 > 4.5, "{first:?}");
    for form in ["back.npy", "back.txt"] {
        let (code, out, err) = run(folder, &format!("lut export {{}}/t.csv --space {{}}/space.toml --out {{}}/{form}"));
        assert_eq!((code, out.trim()), (0, folder.join(form).to_str().unwrap()), "{err}");
        assert!(err.contains("imported") && err.contains("lut_load"), "{err}");
        let import = format!("lut import {{}}/{form} --unit us --space {{}}/space.toml --out {{}}/back.csv --overwrite");
        assert_eq!(run(folder, &import).0, 0);
        assert_eq!(latencies(folder, "back.csv"), first);
        assert_eq!(run(folder, "lut validate {}/back.csv --space {}/space.toml").0, 0);
    }
    let (_, shown, _) = run(folder, "lut show {}/back.csv");
    assert!(shown.contains("imported") && shown.contains("back.txt"), "{shown}");
}

#[test]
fn what_cannot_be_done_is_refused_with_the_remedy() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    lut_txt(folder);
    assert_eq!(run(folder, "lut import {}/lut.txt --space {}/space.toml --out {}/t.csv").0, 0);
    assert_eq!(run(folder, "lut export {}/t.csv --space {}/space.toml --out {}/lut.npy").0, 0);
    for (arguments, expected) in [
        ("lut import {}/lut.txt --space {}/space.toml --out {}/t.csv", "--overwrite"),
        ("lut export {}/t.csv --space {}/space.toml --out {}/lut.npy", "--overwrite"),
        ("lut import {}/lut.npy --space {}/space.toml --out {}/u.csv", "--unit us"),
        ("lut import {}/lut.npy --unit s --space {}/space.toml --out {}/u.csv", "macs"),
        ("lut import {}/lut.npy --unit us --out {}/u.csv", "--space"),
        ("lut import {}/space.toml --out {}/u.csv", ".npy or .txt"),
        ("lut import {}/none.txt --out {}/u.csv", "none.txt"),
        ("lut export {}/t.csv --out {}/u.npy", "--space"),
        ("lut export {}/t.csv --space pfld --out {}/u.npy", "'small'"),
        ("lut export {}/t.csv --space {}/space.toml --out {}/u.csv", ".npy or .txt"),
    ] {
        let (code, out, err) = run(folder, arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{arguments}: {err}");
        assert!(err.contains(expected), "{arguments}: {err}");
    }
    assert!(!folder.join("u.csv").exists() && !folder.join("u.npy").exists());
    for command in ["import", "export"] {
        let (code, out, _) = run(folder, &format!("lut {command} --help"));
        assert!(code == 0 && out.contains(&format!("profiler lut {command} ")), "{out}");
    }
}
