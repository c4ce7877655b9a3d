//! A space of ONNX files on this machine with the real engine: built, validated, shown, checked, fitted again.

#![allow(clippy::unwrap_used)]

mod common;

use std::path::Path;

use common::{check, converter, engine, exported, profiler, run, until_verdict};
use engines::EngineKind;
use luts::{Kind, Source, Table};

/// Builds a table of a space of three layers.
fn build(folder: &Path, exporter: &str, extra: &str) -> (i32, String, String) {
    let space = exported(exporter);
    run(folder, &format!("build --space {space} --out {{}}/t.csv --precision 10% --nets 5 --sample 200us {extra}"))
}

#[test]
fn a_folder_is_built_validated_shown_and_checked() {
    let Some(_) = engine() else { return };
    until_verdict(|folder| {
        let (code, _, err) = build(folder, "torchscript", "");
        assert_eq!(code, 0, "{err}");
        assert!(err.contains(" 12 passes"), "{err}");
        let table = Table::read(folder.join("t.csv")).unwrap();
        let header = &table.header;
        assert_eq!((header.source, header.points), (Source::Measured, None));
        assert!(
            header.reference.as_ref().unwrap().starts_with("onnxruntime ") && header.reference.as_ref().unwrap().ends_with("host")
        );
        let layout = table.layout().unwrap();
        assert_eq!(layout.layers.iter().map(|layer| layer.candidates.len()).collect::<Vec<_>>(), [4, 3, 2]);
        assert_eq!(layout.fixed, ["trunk:stem", "trunk:head"]);
        let identities: Vec<&str> = table.rows().iter().filter(|r| r.kind == Kind::Identity).map(|r| r.key.as_str()).collect();
        assert_eq!(identities.len(), 1, "{identities:?}");
        assert!(table.rows().iter().all(|r| r.kind == Kind::Identity || (r.checksum.is_some() && r.samples >= 6)));

        // The table says itself what belongs to it; the folder says the same, another folder does not.
        assert_eq!(run(folder, "lut validate {}/t.csv").0, 0);
        assert_eq!(run(folder, &format!("lut validate {{}}/t.csv --space {}", exported("torchscript"))).0, 0);
        assert_eq!(run(folder, &format!("lut validate {{}}/t.csv --space {}", exported("dynamo"))).0, 2);
        let (_, shown, _) = run(folder, "lut show {}/t.csv");
        assert!(shown.contains("k5_e1_g2") && shown.contains("small-torchscript"), "{shown}");
        let (code, diff, err) = run(folder, "lut diff {}/t.csv {}/t.csv");
        assert!(code == 0 && diff.contains(" 1.000 ×"), "{diff}{err}");

        // The raw file alone gives the same figures again, without the device.
        let (code, _, err) = build(folder, "torchscript", "--resume");
        assert!(code == 0 && !err.contains(" 12 passes"), "{err}");
        assert_eq!(Table::read(folder.join("t.csv")).unwrap().rows(), table.rows());

        let (code, _, err) = run(folder, "check {}/t.csv --nets 3");
        assert!(code == 2 && err.contains("--space") && err.contains("small-torchscript"), "{err}");
        let arguments =
            format!("check {{}}/t.csv --space {} --nets 3 --precision 10% --max-mape 60% --json", exported("torchscript"));
        let (code, out, err) = check(folder, &arguments)?;
        assert_eq!(code, 0, "{err}");
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(report["nets"].as_array().map(Vec::len), Some(3));
        assert!(Table::read(folder.join("t.csv")).unwrap().header.checked.is_some());
        Some(())
    });
}

#[test]
fn models_that_do_not_fit_into_memory_together_are_measured_in_groups() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // Less than the program itself takes: each model has a process of its own.
    let (code, _, err) = build(folder, "dynamo", "--memory 1MiB --passes 2 --cold 0");
    assert_eq!(code, 0, "{err}");
    let (request, samples) = profiler::measure::raw::read(&folder.join("t.raw.gz")).unwrap();
    assert!(samples.processes >= 2 * request.items.len(), "{} processes", samples.processes);
    assert!(samples.items.values().all(|item| item.passes >= 2));
}

#[test]
fn a_budget_that_is_too_short_is_refused_before_anything_is_measured() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (code, _, err) = build(folder.path(), "dynamo", "--budget 1ms");
    assert!(code == 2 && err.contains("1 ms") && err.contains("--budget"), "{err}");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    let (code, _, err) = build(folder.path(), "dynamo", "--points 68");
    assert!(code == 2 && err.contains("--points"), "{err}");
}

/// A build with another engine, on a machine without ONNX Runtime; nothing where this program does not hold the engine.
fn build_without_judge(folder: &Path, engine: &str) -> Option<Table> {
    let arguments = "--precision 20% --nets 2 --passes 2 --cold 0 --sample 200us";
    let arguments = format!("build --space {} --out {{}}/{engine}.csv --engine {engine} {arguments}", exported("torchscript"));
    let done = profiler(folder, &arguments).env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so").output().unwrap();
    let err = String::from_utf8_lossy(&done.stderr);
    if !engine.parse::<EngineKind>().unwrap().is_built() {
        assert_eq!(done.status.code(), Some(3), "{err}");
        return None;
    }
    assert!(done.status.success(), "{err}");
    Some(Table::read(folder.join(format!("{engine}.csv"))).unwrap())
}

#[test]
fn other_engines_measure_a_folder_and_without_a_judge_the_table_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let engines = ["tract", "mnn"].into_iter().filter(|engine| *engine != "mnn" || converter().is_some());
    for table in engines.filter_map(|engine| build_without_judge(folder.path(), engine)) {
        assert_eq!(table.header.reference.as_deref(), Some("none"));
        assert!(table.rows().iter().all(|r| r.kind == Kind::Identity || r.checksum.is_some()));
    }
}
