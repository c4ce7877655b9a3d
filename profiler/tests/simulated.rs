//! Simulated devices: the real agent, executed by QEMU and timed by a model of the chip. Skipped where QEMU, the plugin or the agents are
//! not there (a failure with `BLOCKTIME_REQUIRE_SIMULATOR=1`).
#![cfg(not(target_os = "android"))]

mod common;

use std::path::Path;
use std::process::Command;

use common::{converter, exported, profiler, run, small_space};
use luts::{Source, Table};

/// Whether a chip can be simulated with that engine: tries it, and says why not.
fn simulates(engine: &str) -> bool {
    if engine == "mnn" && converter().is_none() {
        return false;
    }
    let folder = tempfile::tempdir().expect("a folder");
    network(folder.path());
    let (code, _, said) = run(folder.path(), &format!("bench {{}}/net.onnx --device sim:sd625 --engine {engine}"));
    if code == 0 {
        return true;
    }
    support::skip("BLOCKTIME_REQUIRE_SIMULATOR", &said);
    false
}

/// A network of the built-in space, as an ONNX file in the folder.
fn network(folder: &Path) {
    let (code, _, said) = run(folder, "net --seed 3 --out {}/net.onnx");
    assert_eq!(code, 0, "{said}");
}

fn read(path: impl AsRef<Path>) -> Vec<u8> {
    std::fs::read(path).expect("a file")
}

#[test]
fn two_builds_give_the_same_bytes_and_a_check_finds_the_table_good() {
    if !simulates("mnn") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    let space = small_space(folder.path());
    let build = |name: &str| {
        let arguments = format!("build --space {{}}/space.toml --device sim:sd625 --engine mnn --nets 5 --out {{}}/{name}.csv");
        let (code, out, said) = run(folder.path(), &arguments);
        assert_eq!((code, out.trim()), (0, at(&format!("{name}.csv")).to_str().expect("a plain name")), "{said}");
    };
    build("one");
    build("two");
    assert_eq!(read(at("one.csv")), read(at("two.csv")), "two builds differ");
    assert_eq!(read(at("one.raw.gz")), read(at("two.raw.gz")), "two builds' samples differ");

    let table = Table::read_for(at("one.csv"), &space).expect("a whole table");
    let header = &table.header;
    assert_eq!(header.source, Source::Simulated);
    assert!(header.date.is_none() && header.canary.is_none() && header.stopped_by.is_none());
    assert!(header.device.kernel.is_none() && header.device.memory_mib.is_none() && header.device.serial_hash.is_none());
    let simulator = header.simulator.as_ref().expect("a simulator");
    assert_eq!((simulator.chip.as_str(), simulator.chip_sha256.len()), ("sd625", 64));
    let blocks = table.rows().iter().filter(|row| row.kind != luts::Kind::Identity);
    assert!(blocks.clone().count() > 4 && blocks.clone().all(|row| row.cold.is_some_and(|cold| cold > row.latency)));

    // What was kept is fitted again to the same bytes, without a simulation.
    let (code, _, said) =
        run(folder.path(), "build --space {}/space.toml --device sim:sd625 --engine mnn --nets 5 --out {}/two.csv --resume");
    assert_eq!(code, 0, "{said}");
    assert_eq!(read(at("one.csv")), read(at("two.csv")), "fitted again it differs");

    // The error is 3.2 %, the same in every run: the device has no noise.
    let check = "check {}/one.csv --space {}/space.toml --device sim:sd625 --nets 4 --max-mape 4% --json";
    let (code, out, said) = run(folder.path(), check);
    assert_eq!(code, 0, "{said}");
    let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert!(report["mape"].is_number() && report.get("state").is_none(), "{report}");
    let checked = Table::read(at("one.csv")).expect("a table").header.checked.expect("checked");
    assert!(checked.date.is_none() && checked.state.is_none());

    // Another chip's times are not this table's.
    let (code, _, said) = run(folder.path(), &check.replace("sd625", "rpi3b"));
    assert_eq!(code, 4, "{said}");
    let (code, _, said) =
        run(folder.path(), "build --space {}/space.toml --device sim:rpi3b --engine mnn --nets 5 --out {}/pi.csv");
    assert_eq!(code, 0, "{said}");
    let (code, _, said) = run(folder.path(), "lut merge {}/one.csv {}/pi.csv --out {}/both.csv");
    assert_eq!(code, 2, "{said}");
    assert!(!at("both.csv").exists());
}

#[test]
fn a_build_that_was_broken_off_goes_on_to_the_same_table() {
    if !simulates("mnn") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| folder.path().join(name);
    small_space(folder.path());
    let build = "build --space {}/space.toml --device sim:sd625 --engine mnn --nets 3 --out {}/t.csv --raw {}/t.jsonl";
    let (code, _, said) = run(folder.path(), build);
    assert_eq!(code, 0, "{said}");
    let whole = read(at("t.csv"));
    let lines = String::from_utf8(read(at("t.jsonl"))).expect("text");
    // After the cold run's announcement of the third model, within a line.
    let cut = lines.match_indices("\"event\":\"ready\"").nth(2).expect("a third model").0;
    std::fs::write(at("t.jsonl.part"), &lines[..cut]).expect("written");
    std::fs::remove_file(at("t.jsonl")).expect("removed");
    std::fs::remove_file(at("t.csv")).expect("removed");
    let (code, _, said) = run(folder.path(), &format!("{build} --resume"));
    assert_eq!(code, 0, "{said}");
    assert_eq!(read(at("t.csv")), whole);
}

#[test]
fn a_folder_of_onnx_files_is_built_and_checked() {
    let space = exported("torchscript");
    // The errors of tables from three networks only are 2.6 and 11.3 %, the same in every run.
    for (engine, allowed) in [("mnn", "4%"), ("tract", "13%")] {
        if !simulates(engine) {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let build = format!("build --space {space} --device sim:sd625 --engine {engine} --nets 3 --out {{}}/t.csv");
        let (code, _, said) = run(folder.path(), &build);
        assert_eq!(code, 0, "{said}");
        let table = Table::read(folder.path().join("t.csv")).expect("a whole table");
        assert_eq!((table.header.source, table.layout().expect("its layers").layers.len()), (Source::Simulated, 3));
        let check = format!("check {{}}/t.csv --space {space} --device sim:sd625 --nets 3 --max-mape {allowed} --json");
        let (code, out, said) = run(folder.path(), &check);
        assert_eq!(code, 0, "{said}");
        let report: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert!(report["mape"].is_number(), "{report}");
        let whole = read(folder.path().join("t.csv"));
        let (code, _, said) = run(folder.path(), &format!("{build} --overwrite"));
        assert_eq!(code, 0, "{said}");
        assert_ne!(read(folder.path().join("t.csv")), whole, "the check's result is gone");
        let (code, _, said) = run(folder.path(), &format!("lut validate {{}}/t.csv --space {space}"));
        assert_eq!(code, 0, "{said}");
    }
}

#[test]
fn a_model_is_measured_and_explained() {
    for engine in ["mnn", "tract"] {
        if !simulates(engine) {
            continue;
        }
        let folder = tempfile::tempdir().expect("a folder");
        network(folder.path());
        let bench = |more: &str| {
            let (code, out, said) =
                run(folder.path(), &format!("bench {{}}/net.onnx{more} --device sim:sd625 --engine {engine} --json"));
            assert_eq!(code, 0, "{said}");
            let figures: serde_json::Value = serde_json::from_str(&out).expect("JSON");
            figures
        };
        let alone = bench("");
        let figure = &alone[0];
        let us = figure["median_us"].as_f64().expect("a time");
        assert!((500.0..100_000.0).contains(&us), "{engine}: {us}");
        assert_eq!(figure["ci95_us"], serde_json::json!([us, us]));
        let explained = &figure["explained"];
        let cycles = explained["cycles"].as_u64().expect("cycles");
        // 2 GHz; they are those of the run that is nearest to the mean.
        assert!((cycles as f64 / 2000.0 / us - 1.0).abs() < 0.03, "{cycles} cycles in {us} µs");
        let causes = explained["causes"].as_array().expect("causes");
        assert_eq!(causes.iter().filter_map(|cause| cause["cycles"].as_u64()).sum::<u64>(), cycles);
        // It does not depend on what else is measured.
        std::fs::copy(folder.path().join("net.onnx"), folder.path().join("again.onnx")).expect("copied");
        let both = bench(" {}/again.onnx");
        assert_eq!((&both[0]["median_us"], &both[1]["median_us"]), (&figure["median_us"], &figure["median_us"]));
    }
}

#[test]
fn an_agent_that_crashes_is_told_with_its_model() {
    if !simulates("mnn") {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    network(folder.path());
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("crash.c"), "int main(void) { return *(volatile int *)8; }\n").expect("written");
    let compiled = Command::new("aarch64-linux-gnu-gcc").args(["-static", "-o"]).args([at("crash"), at("crash.c")]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        eprintln!("skipped: there is no C compiler for ARMv8");
        return;
    }
    let mut bench = profiler(folder.path(), "bench {}/net.onnx --device sim:sd625 --engine mnn --raw {}/b.jsonl");
    let ended = bench.env("BLOCKTIME_AGENT", at("crash")).output().expect("it starts");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(3), "{said}");
    assert!(said.contains("net.onnx") && said.contains("signal 11"), "{said}");
    assert!(!at("b.jsonl").exists() && !at("b.jsonl.part").exists());
}

#[test]
fn what_cannot_be_simulated_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    network(folder.path());
    std::fs::write(folder.path().join("odd.toml"), "name = \"odd\"\n").expect("written");
    // Engine, chip, threads, CPUs: each is found out before anything is prepared.
    for arguments in [
        "bench {}/net.onnx --device sim:sd625 --engine ort",
        "bench {}/net.onnx --device sim:sd625 --engine mnn --threads 2",
        "bench {}/net.onnx --device sim:sd625 --engine mnn --cpus 0",
        "build --device sim:sd625 --device sim:rpi3b --engine mnn --out {}/t.csv",
        "devices --device sim:sd626",
        "devices --device sim:{}/odd.toml",
        "devices --device sim:{}/none.toml",
    ] {
        let (code, _, said) = run(folder.path(), arguments);
        assert_eq!(code, 2, "{arguments}: {said}");
    }
    assert!(!folder.path().join("t.csv").exists() && !folder.path().join("t.raw.gz.part").exists());
    if simulates("mnn") {
        for chip in ["sd626", "{}/odd.toml"] {
            let (code, _, said) = run(folder.path(), &format!("bench {{}}/net.onnx --device sim:{chip} --engine mnn"));
            assert_eq!(code, 2, "{said}");
        }
    }
}

#[test]
fn a_chip_is_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let (code, out, said) = run(folder.path(), "devices --device sim:rpi3b --json");
    assert_eq!(code, 0, "{said}");
    let listed: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!(listed[0]["device"], "sim:rpi3b");
    assert_eq!(listed[0]["knowledge"]["clusters"][0]["max_mhz"], 1200.0);
}
