//! Search spaces that are folders of ONNX files, by the commands.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use blocks::measurable::ChoiceError;
use blocks::onnx;
use blocks::space_folder::{FaultKind, Place};
use engines::EngineKind;

/// A copy of a space that was exported, to be changed.
fn copy(folder: &Path) {
    let from = support::project_root().join("tests/spaces/onnx/dynamo");
    std::fs::create_dir(folder.join("blocks")).unwrap();
    std::fs::copy(from.join("space.toml"), folder.join("space.toml")).unwrap();
    for entry in std::fs::read_dir(from.join("blocks")).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.join("blocks").join(entry.file_name())).unwrap();
    }
}

#[test]
fn candidates_lists_a_folder_and_equal_blocks_have_one_key() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    let (code, out, _) = common::run(folder.path(), "candidates --space {} --json");
    assert_eq!(code, 0);
    let listing: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert!(listing["space"] == "small-dynamo" && listing["keys"] == 6 && listing["opset"] == 18, "{listing}");
    assert_eq!((listing["candidates"].as_array().unwrap().len(), listing["fixed"].as_array().unwrap().len()), (9, 2));
    let first = &listing["candidates"][0];
    assert!(first["candidate"] == "k3_e2" && first["layer"] == 1 && first["slot"] == "L1" && first["identity"] == false, "{first}");
    // 1×1 to 8 channels, 3×3 by channel, 1×1 back, on 8×8.
    assert_eq!(first["macs"], 64 * (4 * 8 + 8 * 9 + 8 * 4));
    assert_eq!(first["key"], listing["candidates"][2]["key"], "'again' is the same block");
    assert_eq!(listing["candidates"][3]["identity"], true);
    let (_, text, _) = common::run(folder.path(), "candidates --space {}/space.toml");
    for part in ["small-dynamo", "3 layers", "9 candidates", "6 keys", "opset 18"] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn net_writes_the_network_that_is_measured() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    let (code, out, err) = common::run(folder.path(), "net --space {} --arch k3_e2,skip,se --out {}/net.onnx");
    assert_eq!((code, err.trim()), (0, "k3_e2 skip se"), "{out}");
    let summary = onnx::inspect(&std::fs::read(folder.path().join("net.onnx")).unwrap()).unwrap();
    assert_eq!((summary.outputs[0].name.as_str(), summary.opset), ("head", 18));
    let (_, _, first) = common::run(folder.path(), "net --space {} --seed 3 --out {}/net.onnx");
    let (_, _, again) = common::run(folder.path(), "net --space {} --seed 3 --out {}/net.onnx");
    assert!(first == again && first.split_whitespace().count() == 3, "{first}");
}

#[test]
fn what_is_wrong_is_told_at_once_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    let wrong = |arguments: &str| {
        let (code, out, err) = common::run(folder.path(), arguments);
        assert_eq!((code, out.as_str()), (2, ""), "{err}");
        err
    };
    let few = ChoiceError::Layers { space: "small-dynamo".into(), layers: 3, given: 1 };
    assert!(wrong("net --space {} --arch k3_e2 --out {}/n.onnx").contains(&few.to_string()));
    let unknown = ChoiceError::Candidate { layer: 3, name: "k9".into(), known: "k3_e1, se".into() };
    assert!(wrong("net --space {} --arch k3_e2,skip,k9 --out {}/n.onnx").contains(&unknown.to_string()));
    assert!(wrong("candidates --space {} --points 68").contains("--points"));
    let path = folder.path().join("space.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("inputs = [\"L3\", \"stem:1\"]", "inputs = [\"L3\", \"L9\"]");
    std::fs::write(&path, text.replace("name = \"normed\", file", "name = \"normed\", identity = true, file")).unwrap();
    let told = wrong("candidates --space {}");
    let normed = Place::Candidate { layer: "L2".into(), name: "normed".into() };
    let either = normed.fault(FaultKind::Either("'file'", "'identity = true'"));
    let source = Place::Slot("head".into()).fault(FaultKind::Source("L9".into()));
    assert!(told.contains(&either.to_string()) && told.contains(&source.to_string()), "{told}");
}

/// An engine refuses what is wrong with blocks; not where it is not here.
fn refuses(engine: &str) {
    let folder = tempfile::tempdir().unwrap();
    copy(folder.path());
    let listing = format!("candidates --space {{}} --engine {engine}");
    let (code, out, err) = common::run(folder.path(), &listing);
    if !engine.parse::<EngineKind>().unwrap().is_built() {
        assert!(code == 3 && err.contains(&format!("--features {engine}")), "{err}");
        return;
    }
    assert!(code == 0 && err.contains(&format!("{engine} ")) && err.contains(" 7 ") && out.contains("6 keys"), "{err}");
    // An operator that exists nowhere, and weights that went astray.
    let block = |operator, constant| support::onnx::block(operator, &[], constant);
    let blocks = [
        ("good", "good", block("Neg", 1.0)),
        ("odd", "odd", block("Oddity", 1.0)),
        ("astray", "astray", block("Neg", f32::NAN)),
        ("flat", "flat", block("Neg", 0.0)),
    ];
    support::onnx::write_layer(folder.path(), &blocks);
    let (code, _, err) = common::run(folder.path(), &listing);
    assert_eq!(code, 2, "{err}");
    let fault = |name: &str, kind| Place::Candidate { layer: "L1".into(), name: name.into() }.fault(kind).to_string();
    let refused = fault("odd", FaultKind::Refused { engine: engine.into(), file: "odd".into(), said: String::new() });
    for said in [refused, fault("astray", FaultKind::NotFinite), fault("flat", FaultKind::Flat)] {
        assert!(err.contains(&said), "{said} is not in {err}");
    }
    assert!(!err.contains("'good'"), "{err}");
}

#[test]
fn what_onnx_runtime_refuses_is_told_before_any_device_is_needed() {
    if common::engine().is_some() {
        refuses("ort");
    }
}

#[test]
fn what_tract_refuses_is_told_before_any_device_is_needed() {
    refuses("tract");
}

#[test]
fn built_in_blocks_are_not_tried() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = common::run(folder.path(), "candidates --engine tract");
    assert!(code == 2 && err.contains("--engine"), "{err}");
}
