//! `profiler lut` with a table of a space of ONNX files, which is used without the files.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::run;

/// Copies the made-up table of the corpus into a folder, once as it is, and once with a block that takes longer.
fn tables(folder: &Path) -> String {
    let text = std::fs::read_to_string(support::project_root().join("tests/corpus/table/folder-sound.csv")).unwrap();
    std::fs::write(folder.join("a.csv"), &text).unwrap();
    let slower = text.replace(
        "~3d4e5f60,block,k3_e3,24,24,1,16,16,1050624,10,41.0,36.9,45.1,",
        "~3d4e5f60,block,k3_e3,24,24,1,16,16,1050624,10,60.0,55.0,65.0,",
    );
    assert_ne!(slower, text);
    std::fs::write(folder.join("b.csv"), slower).unwrap();
    text
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn it_is_validated_and_shown_by_its_own_layers() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let text = tables(folder);
    let (code, _, err) = run(folder, "lut validate {}/a.csv");
    let words: Vec<&str> = err.split(|c: char| !c.is_alphanumeric()).collect();
    assert!(code == 0 && ["mine", "8"].iter().all(|word| words.contains(word)), "{err}");
    let (code, out, _) = run(folder, "lut show {}/a.csv");
    assert_eq!(code, 0);
    for part in ["layer 1 (16x32x32→24x16x16)", "again", "0 (identity)", "58.5 ±5.8 | ?", "space mine", "trunk:head"] {
        assert!(out.contains(part), "'{part}' is not in: {out}");
    }
    assert!(!out.contains("landmarks"), "{out}");
    let shown = json(&run(folder, "lut show {}/a.csv --json").1);
    assert_eq!(shown["rows"][3]["macs"], serde_json::Value::Null);
    assert_eq!(shown["header"]["space"]["folder"]["slots"][0]["key"], "trunk:stem");
    for ending in ["svg", "html", "png"] {
        assert_eq!(run(folder, &format!("lut show {{}}/a.csv --out {{}}/picture.{ending}")).0, 0);
    }
    std::fs::write(folder.join("bad.csv"), text.replace("# key = \"trunk:head\"", "# key = \"trunk:tail\"")).unwrap();
    let (code, _, err) = run(folder, "lut validate {}/bad.csv");
    assert!(code == 2 && err.contains("trunk:tail") && !err.contains("trunk:stem"), "{err}");
    let (code, _, err) = run(folder, "lut validate {}/a.csv --space pfld");
    assert!(code == 2 && err.contains("'mine'") && err.contains("'pfld'"), "{err}");
}

#[test]
fn two_are_compared_and_merged() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    let found = json(&run(folder, "lut diff {}/a.csv {}/b.csv --json").1);
    assert_eq!(found["layers"].as_array().map(Vec::len), Some(3));
    let swaps: Vec<_> = found["layers"][1]["swaps"].as_array().unwrap().iter().map(|swap| swap["first_prefers"].clone()).collect();
    assert_eq!(swaps, ["k3_e3", "again"], "of the layer with both, to k5_e3");
    let (code, _, err) = run(folder, "lut merge {}/a.csv {}/b.csv --out {}/both.csv");
    assert_eq!(code, 0, "{err}");
    let both = luts::Table::read(folder.join("both.csv")).unwrap();
    let again = both.row("k3_e3@24x16x16-s1-24~3d4e5f60").unwrap().latency.0;
    assert!(both.layout().unwrap().layers.len() == 3 && (41.0..60.0).contains(&again), "{again}");
}

#[test]
fn it_is_exported_for_other_searches() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    tables(folder);
    let export = |rest: &str| {
        let (code, _, err) = run(folder, &format!("lut export {{}}/a.csv --out {{}}/out --overwrite {rest}"));
        assert_eq!(code, 0, "{err}");
        (std::fs::read_to_string(folder.join("out")).unwrap(), err)
    };
    let (text, _) = export("--format json");
    let by_layer = json(&text);
    assert_eq!((&by_layer["L1"]["se"], &by_layer["L2"]["skip"]), (&58.5.into(), &0.0.into()));
    let order: Vec<_> = ["k3_e3", "k5_e3", "again", "skip"].map(|name| text[text.find("L2").unwrap()..].find(name)).to_vec();
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{text}");
    let (text, _) = export("--format csv-long");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!((lines[0], lines[1], lines.len()), ("layer,candidate,us,low,high", "L1,k3_e3,52.5,47.25,57.75", 1 + 3 + 4 + 2 + 2));
    assert!(lines.contains(&"L3,skip,0.0,0.0,0.0") && lines.contains(&",stem,31.25,28.125,34.375"), "{text}");
    let (text, err) = export("--format ofa-yaml --se 2-3 --hs 1");
    let line = |key: &str| text.lines().find_map(|line| line.strip_prefix(&format!("{key}: "))).map(String::from);
    let block = "expanded_conv-input:32x32x16-output:16x16x24";
    assert_eq!(
        line(&format!("{block}-expand:3-kernel:3-stride:2-idskip:0")).unwrap(),
        "{count: 30, mean: 0.052500, std: 0.002679}"
    );
    assert!(line(&format!("{block}-expand:48-kernel:5-stride:2-idskip:0-se:0-hs:1")).is_some(), "{text}");
    assert!(
        line("expanded_conv-input:16x16x24-output:16x16x24-expand:72-kernel:3-stride:1-idskip:1-se:1-hs:0").is_some(),
        "{text}"
    );
    assert!(line("stem-input:64x64x3-output:32x32x16").is_some() && err.contains("se, again"), "{text}{err}");
    let (code, _, err) = run(folder, "lut export {}/a.csv --out {}/lut.npy");
    assert!(code == 2 && err.contains("--format") && !folder.join("lut.npy").exists(), "{err}");
    let (code, _, err) = run(folder, "lut export {}/a.csv --out {}/lut.json --format json --se 1");
    assert!(code == 2 && err.contains("ofa-yaml"), "{err}");
}
