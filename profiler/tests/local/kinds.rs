//! Engines that are here or not, and models of the user's own.

use std::collections::BTreeSet;
use std::fs;

use engines::EngineKind;
use profiler::measure::raw::{Purpose, read};
use profiler::measure::subject::Subject;

use crate::common::{alone, check, converter, profiler, run, small_space, until_verdict};
use crate::{BUILD, CHECK, Place, build, names};

#[test]
fn an_engine_library_that_is_missing_or_broken_is_named() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let (code, _, err) = run(folder, &format!("{BUILD} --engine-lib {{}}/none.so"));
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("none.so") && err.contains("profiler setup ort"), "{err}");
    fs::write(folder.join("bad.so"), "not a library").unwrap();
    let (code, _, err) = run(folder, &format!("{BUILD} --engine-lib {{}}/bad.so"));
    assert!(code == 3 && err.contains("bad.so"), "{err}");
    assert_eq!(names(folder), ["bad.so", "space.toml"]);
}

#[test]
fn tract_where_it_is_built_in_and_where_it_is_not() {
    let _alone = alone();
    until_verdict(|folder| {
        small_space(folder);
        if !EngineKind::Tract.is_built() {
            let (code, _, err) = run(folder, &format!("{BUILD} --engine tract"));
            assert!(code == 3 && err.contains("--features tract"), "{err}");
            assert_eq!(names(folder), ["space.toml"]);
            return Some(());
        }
        // A ghost block behind another block takes tract more than twice as long as alone: no table of two networks predicts that, and its error
        // is anything from 35 to 130 %.
        let space = folder.join("space.toml");
        fs::write(&space, fs::read_to_string(&space).unwrap().replace("gh_k3", "mb_k5_e2")).unwrap();
        let table = build(folder, "--engine tract --budget 60s --precision 10% --nets 2");
        assert_eq!((table.header.engine.name.as_str(), &table.header.engine.library_sha256), ("tract", &None));
        // Without --engine it is the table's.
        let (code, _, err) = check(folder, &format!("{CHECK} --max-mape 50%"))?;
        assert_eq!(code, 0, "{err}");
        let (code, _, err) = run(folder, &format!("{BUILD} --overwrite --engine tract --engine-lib {{}}/t.csv"));
        assert!(code == 3 && err.contains("--engine-lib") && err.contains("t.csv"), "{err}");
        let (code, _, err) = run(folder, &format!("{BUILD} --overwrite --engine tract --threads 2"));
        assert!(code == 3 && err.contains("--threads 1"), "{err}");
        Some(())
    });
}

#[test]
fn mnn_where_it_is_built_in_and_where_it_is_not() {
    let _alone = alone();
    until_verdict(|folder| {
        let space = small_space(folder);
        if !EngineKind::Mnn.is_built() {
            let (code, _, err) = run(folder, &format!("{BUILD} --engine mnn"));
            assert!(code == 3 && err.contains("--features mnn"), "{err}");
            assert!(!folder.join("t.csv").exists());
            return Some(());
        }
        let Some(converter) = converter() else { return Some(()) };
        let table = build(folder, "--engine mnn --budget 60s --precision 10% --nets 2 --raw {}/t.raw.jsonl");
        let engine = &table.header.engine;
        assert_eq!((engine.name.as_str(), engine.version.as_str()), ("mnn", engines::mnn::VERSION));
        assert_eq!((engine.precision.as_deref(), &engine.library_sha256), (Some("high"), &None));
        assert!(engine.build.as_ref().is_some_and(|build| build.contains("sources ")), "{engine:?}");
        assert_eq!(engine.program_sha256, None);
        // Every model's outputs against the reference's.
        let raw = fs::read_to_string(folder.join("t.raw.jsonl")).unwrap();
        let events = raw.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        let errors: Vec<_> =
            events.filter(|event| event["event"] == "ready").map(|event| event["error"].as_f64().unwrap()).collect();
        assert!(errors.len() > 6 && errors.iter().all(|&error| error < 1e-5), "{errors:?}");
        // Without --engine it is the table's.
        let (code, _, err) = check(folder, &format!("{CHECK} --max-mape 99%"))?;
        assert_eq!(code, 0, "{err}");
        let (code, _, err) = run(folder, &format!("{BUILD} --overwrite --engine mnn --engine-lib {{}}/t.csv"));
        assert!(code == 3 && err.contains("--engine-lib") && err.contains("t.csv"), "{err}");

        // A file of its own, and one that has to be converted; what cannot be is named.
        let graph = space.unique_candidates().swap_remove(1).graph();
        let weights = blocks::Weights::for_measuring(&graph, 1);
        fs::write(folder.join("a.onnx"), blocks::onnx::model(&graph, &weights, &blocks::onnx::Options::default()).unwrap())
            .unwrap();
        converter.convert(&folder.join("a.onnx"), &folder.join("a.mnn")).unwrap();
        let bench = "bench --engine mnn --budget 60s --precision 10% --sample 200us --canary 100us";
        let (code, out, err) = run(folder, &format!("{bench} {{}}/a.onnx {{}}/a.mnn"));
        assert!(code == 0 && out.contains("a.onnx") && out.contains("a.mnn"), "{err}");
        fs::write(folder.join("b.onnx"), "nonsense").unwrap();
        let (code, _, err) = run(folder, &format!("{bench} {{}}/b.onnx"));
        assert!(code == 2 && err.contains("b.onnx"), "{err}");
        fs::write(folder.join("b.mnn"), "nonsense").unwrap();
        let (code, _, err) = run(folder, &format!("{bench} {{}}/b.mnn"));
        assert!(code == 2 && err.contains("b.mnn"), "{err}");
        let (code, _, err) = run(folder, &format!("{bench} {{}}/missing.onnx"));
        assert!(code == 2 && err.contains("missing.onnx"), "{err}");
        let without = profiler(folder, &format!("{bench} {{}}/a.onnx")).env("BLOCKTIME_MNNCONVERT", "/nowhere").output().unwrap();
        let err = String::from_utf8(without.stderr).unwrap();
        assert!(without.status.code() == Some(3) && err.contains("/nowhere") && err.contains("profiler setup mnn"), "{err}");
        Some(())
    });
}

#[test]
fn any_models_are_benched_and_a_bad_one_is_named() {
    let Some(place) = Place::new() else { return };
    let folder = place.path();
    for (name, candidate) in ["a.onnx", "b.onnx"].iter().zip(place.space.unique_candidates().into_iter().skip(1)) {
        let graph = candidate.graph();
        let weights = blocks::Weights::for_measuring(&graph, 1);
        let options = blocks::onnx::Options { batch: blocks::onnx::Batch::Open };
        fs::write(folder.join(name), blocks::onnx::model(&graph, &weights, &options).unwrap()).unwrap();
    }
    let (code, out, err) = run(
        folder,
        "bench {}/a.onnx {}/b.onnx --budget 60s --precision 10% --sample 200us --canary 100us --json --raw {}/b.raw.gz",
    );
    assert_eq!(code, 0, "{err}");
    let (request, samples) = read(&folder.join("b.raw.gz")).unwrap();
    assert_eq!((request.purpose, request.space, request.items.len()), (Purpose::Bench, None, 2));
    assert!(request.items.iter().all(|item| !samples.items[&Subject::from(item)].samples.is_empty()), "{:?}", request.items);
    let processes: BTreeSet<usize> = samples.items.values().flat_map(|item| item.processes.iter().copied()).collect();
    let figures: serde_json::Value = serde_json::from_str(&out).unwrap();
    let figures = figures.as_array().unwrap();
    assert_eq!(figures.len(), 2);
    for f in figures {
        let (median, ci) = (f["median_us"].as_f64().unwrap(), f["ci95_us"].as_array().unwrap());
        assert!(ci[0].as_f64().unwrap() <= median && median <= ci[1].as_f64().unwrap() && median > 0.0, "{f}");
        // It is measured from four processes on; how many it takes to this precision is up to the machine.
        assert!(f["canary_error"].as_f64().unwrap() > 0.0 && f["canary_error_assumed"] == (processes.len() < 4), "{f}");
        assert!(f["interference_removed"].is_null(), "two models do not tell it: {f}");
    }
    fs::write(folder.join("c.onnx"), "nonsense").unwrap();
    let (code, _, err) = run(folder, "bench {}/a.onnx {}/c.onnx");
    assert!(code == 2 && err.contains("c.onnx"), "{err}");
    let (code, _, err) = run(folder, "bench {}/missing.onnx");
    assert!(code == 2 && err.contains("missing.onnx"), "{err}");
}
