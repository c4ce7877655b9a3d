//! Search spaces that are folders of ONNX files, measured on this machine with each engine; and what an engine cannot run.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{alone, check, converter, engine, exported, run, until_verdict};
use engines::EngineKind;
use luts::{Kind, Table};

const BUILD: &str =
    "build --out {}/t.csv --overwrite --sample 200us --canary 100us --precision 10% --budget 60s --passes 2 --nets 2";

/// Whether an engine is in this program, with what it needs; how the build ends is tested where it is not.
fn is_here(kind: EngineKind) -> bool {
    kind.is_built()
        && match kind {
            EngineKind::OnnxRuntime => engine().is_some(),
            EngineKind::Mnn => converter().is_some(),
            EngineKind::Tract => true,
        }
}

/// A table of the folder of a space, and a check of it.
fn is_measured_with(kind: EngineKind) {
    if !is_here(kind) {
        return;
    }
    let _alone = alone();
    until_verdict(|folder| {
        is_a_table_of_the_space(folder, kind);
        let settings = "--nets 3 --budget 60s --precision 10% --max-mape 60%";
        let (code, _, err) = check(folder, &format!("check {{}}/t.csv --space {} {settings}", exported("torchscript")))?;
        assert_eq!(code, 0, "{err}");
        Some(())
    });
}

/// Builds a table in the folder.
fn is_a_table_of_the_space(folder: &Path, kind: EngineKind) {
    let space = exported("torchscript");
    let (code, _, err) = run(folder, &format!("{BUILD} --space {space} --engine {kind} --raw {{}}/t.jsonl"));
    assert_eq!(code, 0, "{err}");
    let table = Table::read(folder.join("t.csv")).unwrap();
    assert_eq!(table.layout().unwrap().layers.len(), 3);
    let blocks = table.rows().iter().filter(|row| row.kind != Kind::Identity);
    assert!(blocks.clone().count() >= 7 && blocks.clone().all(|row| row.latency.0 > 0.0 && row.macs.is_some()));
    // Outputs are compared with ONNX Runtime's wherever that is here.
    let raw = fs::read_to_string(folder.join("t.jsonl")).unwrap();
    let events = raw.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let errors: Vec<_> = events.filter(|event| event["event"] == "ready").map(|event| event["error"].as_f64()).collect();
    assert!(errors.len() > 8 && errors.iter().all(|error| error.is_none_or(|error| error < 1e-5)), "{errors:?}");
    for arguments in ["lut validate {}/t.csv --space SPACE", "lut show {}/t.csv", "lut diff {}/t.csv {}/t.csv"] {
        let (code, _, err) = run(folder, &arguments.replace("SPACE", &space));
        assert_eq!(code, 0, "{arguments}: {err}");
    }
}

#[test]
fn a_folder_is_measured_with_onnx_runtime() {
    is_measured_with(EngineKind::OnnxRuntime);
}

#[test]
fn a_folder_is_measured_with_tract() {
    is_measured_with(EngineKind::Tract);
}

#[test]
fn a_folder_is_measured_with_mnn() {
    is_measured_with(EngineKind::Mnn);
}

/// A space of one layer: a block that every engine runs, and one of that operator.
fn space_with(folder: &Path, operator: &str, settings: &[Vec<u8>]) {
    use support::onnx::{block, write_layer};

    let blocks = [("good", "good.onnx", block("Neg", &[], 2.0)), ("odd", "odd.onnx", block(operator, settings, 2.0))];
    write_layer(folder, &blocks);
}

/// The engine lacks an operator: the error names the block's file, and there is no table.
fn lacks(kind: EngineKind, operator: &str, settings: &[Vec<u8>]) {
    if !is_here(kind) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    space_with(folder.path(), operator, settings);
    let (code, _, err) = run(folder.path(), &format!("{BUILD} --space {{}} --engine {kind}"));
    // What ONNX Runtime refuses is wrong itself; the other engines are lacking.
    assert!(matches!(code, 2 | 3) && err.contains("odd.onnx (layer 'L1', 'odd')"), "{code}: {err}");
    assert!(!err.contains("good.onnx") && !folder.path().join("t.csv").exists(), "{err}");
}

#[test]
fn an_operator_that_exists_nowhere_is_told_by_its_file() {
    for kind in EngineKind::ALL {
        lacks(kind, "Oddity", &[]);
    }
}

#[test]
fn an_operator_that_only_one_engine_lacks_is_told_by_its_file() {
    // ONNX Runtime on this machine computes what should come out.
    let pool = [support::onnx::list("kernel_shape", &[3, 3]), support::onnx::list("pads", &[1, 1, 1, 1])];
    for kind in [EngineKind::Tract, EngineKind::Mnn] {
        lacks(kind, "LpPool", &pool);
    }
}
