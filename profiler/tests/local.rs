//! The local device with the real engine, over a small space: whole builds, and builds that break.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{CHECK_RAW, alone, check, converter, engine, profiler, run, small_space, until_verdict};
use engines::EngineKind;
use luts::{Interval, Kind, Overwrite, Row, Source, Table};
use profiler::measure::raw::{Purpose, read};
use profiler::measure::subject::Subject;

const BUILD: &str = "build --space {}/space.toml --out {}/t.csv --sample 200us --canary 100us";
const CHECK: &str = "check {}/t.csv --space {}/space.toml --nets 2 --budget 60s --precision 3%";
/// The samples of an unfinished build.
const PART: &str = "t.raw.gz.part";

/// Runs a build. Budgets are long for machines under load; it is the precision that ends it.
fn build(folder: &Path, extra: &str) -> Table {
    let (code, out, err) = run(folder, &format!("{BUILD} {extra}"));
    assert_eq!(code, 0, "{err}");
    assert_eq!(out.trim(), folder.join("t.csv").to_str().unwrap());
    Table::read(folder.join("t.csv")).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_small_space_is_built_checked_and_fitted_again() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    until_verdict(|folder| {
        let space = small_space(folder);
        let table = build(folder, "--budget 60s --precision 10% --nets 4");
        assert_eq!(table.validate(&space), Ok(()));
        assert_eq!(table.header.source, Source::Measured);
        let fitted = table.header.fit.as_ref().unwrap().architectures.clone();
        assert_eq!(fitted.len(), 4);
        let identities: Vec<_> = table.rows().iter().filter(|r| r.kind == Kind::Identity).map(|r| r.primitive.as_str()).collect();
        assert_eq!(identities, ["skip"]);
        assert!(table.rows().iter().all(|r| r.kind == Kind::Identity || (r.checksum.is_some() && r.samples >= 6)));
        assert_eq!(names(folder), ["space.toml", "t.csv", "t.raw.gz"]);

        // The raw file alone gives the same figures again.
        fs::remove_file(folder.join("t.csv")).unwrap();
        let again = build(folder, "--budget 60s --precision 10% --nets 4 --resume");
        assert_eq!(again.rows(), table.rows());
        assert_eq!(names(folder), ["space.toml", "t.csv", "t.raw.gz"]);

        // Networks outside the fit are measured and written into the header; the table stays the same.
        // The bar is low for machines under load; a table that is wrong is far above it (below).
        let of_four = CHECK.replace("--nets 2", "--nets 4");
        let (code, out, err) =
            check(folder, &format!("{of_four} --max-mape 50% --json --picture {{}}/check.svg --raw {{}}/{CHECK_RAW}"))?;
        assert_eq!(code, 0, "{err}");
        let (request, samples) = read(&folder.join(CHECK_RAW)).unwrap();
        assert!(err.contains("check.svg"), "{err}");
        assert_eq!(request.purpose, Purpose::Check { table: again.digest(), seed: 1 });
        assert_eq!(request.space, Some(space.hash()));
        assert!(
            request.items.len() >= 2 && request.items.iter().all(|item| !samples.items[&Subject::from(item)].samples.is_empty())
        );
        // A raw file that is there already is not written over.
        let (code, _, err) = run(folder, &format!("{CHECK} --raw {{}}/{CHECK_RAW}"));
        assert!(code == 2 && err.contains(CHECK_RAW), "{err}");
        let picture = fs::read_to_string(folder.join("check.svg")).unwrap();
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        for field in ["mape", "bias", "within_5", "within_10", "kendall_tau"] {
            assert!(report[field].is_number(), "{field} is missing in {out}");
        }
        let nets = report["nets"].as_array().unwrap();
        assert!(nets.len() >= 2 && nets.iter().all(|n| !fitted.iter().any(|f| n["architecture"] == f.as_str())));
        assert_eq!(report["worst"].as_array().map(Vec::len), Some(nets.len().min(5)));
        assert!(report["suspects"]["candidates"].is_array());
        for net in nets {
            let [predicted, measured] = ["predicted_us", "measured_us"].map(|f| net[f].as_f64().unwrap());
            let shown = format!("{predicted:.1} µs predicted, {measured:.1} µs measured");
            assert!(picture.contains(&shown), "'{shown}' is not in {picture}");
        }
        let checked = Table::read(folder.join("t.csv")).unwrap();
        assert_eq!(checked.header.checked.as_ref().map(|c| c.nets), Some(nets.len()));
        assert_eq!(checked.digest(), again.digest());

        // A table whose times are all wrong does not pass.
        let rows = checked.rows().iter().map(|row| Row { latency: row.latency * 2.5, ..row.clone() });
        let rows = rows.map(|row| Row { interval: row.interval.map(|i| Interval { low: i.low * 2.5, high: i.high * 2.5 }), ..row });
        Table::new(checked.header.clone(), rows.collect()).unwrap().write(folder.join("wrong.csv"), Overwrite::No).unwrap();
        let (code, _, err) = check(folder, &format!("{} --max-mape 50% --no-write", of_four.replace("t.csv", "wrong.csv")))?;
        assert_eq!(code, 1, "{err}");

        // Where the header cannot be written, the figures are printed all the same. Here the table is another name of the file, in a place
        // where no file can be made.
        let open = fs::File::open(folder.join("t.csv")).unwrap();
        let elsewhere = format!("/proc/{}/fd/{}", std::process::id(), open.as_raw_fd());
        let of_elsewhere = of_four.replace("{}/t.csv", &elsewhere);
        let (code, out, err) = check(folder, &format!("{of_elsewhere} --max-mape 50% --json"))?;
        let report: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert!(code == 2 && report["mape"].is_number() && err.contains(&elsewhere), "{code}: {err}");

        // A bar that no table passes; the picture is drawn all the same.
        let strict = format!("{of_four} --max-mape 0.000001 --no-write");
        let (code, _, err) = check(folder, &format!("{strict} --picture {{}}/check.png"))?;
        assert_eq!(code, 1, "{err}");
        assert!(fs::read(folder.join("check.png")).unwrap().starts_with(b"\x89PNG"));
        // A picture that cannot be written is refused before anything is measured.
        let (code, _, err) = run(folder, &format!("{strict} --picture {{}}/none/check.png"));
        assert!(code == 2 && err.contains("/none"), "{err}");
        let (code, _, err) = run(folder, &format!("{strict} --picture {{}}/check.gif"));
        assert!(code == 2 && err.contains("--picture") && err.contains(".svg"), "{err}");
        Some(())
    });
}

#[test]
fn a_table_of_another_device_or_engine_is_not_checked() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    until_verdict(|folder| {
        small_space(folder);
        let table = build(folder, "--budget 60s --precision 10% --nets 2");
        let cpus = &table.header.cpus;
        let pinned = table.header.device.clusters.iter().position(|cluster| {
            profiler::hardware::CpuList::parse(&cluster.cpus).is_some_and(|list| list.0.iter().any(|cpu| cpus.contains(cpu)))
        });
        let path = folder.join("t.csv");
        let lenient = format!("{CHECK} --max-mape 99%");
        // Each is one change of the header.
        type Change = fn(&mut luts::Header, usize);
        let changes: [(&str, Change); 6] = [
            ("processor: GenuineIntel family 6 model 1", |h, i| {
                h.device.clusters[i].processor = Some("GenuineIntel family 6 model 1 stepping 1".into());
            }),
            ("instruction sets: sse", |h, i| h.device.clusters[i].instruction_sets = Some("sse".into())),
            ("device: Intel Xeon", |h, _| h.device.model = "Intel Xeon".into()),
            ("cluster: CPUs 900-903", |h, i| {
                h.device.clusters[i].cpus = "900-903".into();
                h.cpus = vec![903];
            }),
            ("engine: onnxruntime 1.0.0", |h, _| h.engine.version = "1.0.0".into()),
            ("engine's library: 00", |h, _| h.engine.library_sha256 = Some("00".into())),
        ];
        for (said, change) in changes {
            let mut other = table.clone();
            change(&mut other.header, pinned.expect("the pinned cluster is known"));
            other.write(&path, Overwrite::Yes).unwrap();
            let before = fs::read(&path).unwrap();
            let (code, out, err) = run(folder, &lenient);
            assert!(code == 4 && out.is_empty() && err.contains(said) && err.contains("--other-device"), "{code}: {err}");
            assert_eq!(fs::read(&path).unwrap(), before, "{said}");
        }
        // Where it is allowed it is said, and nothing is written.
        let before = fs::read(&path).unwrap();
        let (code, _, err) = check(folder, &format!("{lenient} --other-device"))?;
        assert!(code == 0 && err.contains("engine's library: 00"), "{err}");
        assert_eq!(fs::read(&path).unwrap(), before);

        // Another engine is known before anything is prepared, whether this program holds it or not.
        let (code, _, err) = run(folder, &format!("{lenient} --engine tract"));
        assert!(code == 4 && err.contains("engine: onnxruntime (the table), tract"), "{err}");

        // A table of an earlier schema states less: what it states is compared, the rest is told.
        let lines = fs::read_to_string(&path).unwrap();
        let known =
            |line: &&str| !["# processor =", "# instruction_sets =", "# library_sha256 ="].iter().any(|s| line.starts_with(s));
        let without = |line: &str| {
            let cells = line.split(',').enumerate().filter(|(i, _)| line.starts_with('#') || !(23..=24).contains(i));
            cells.map(|(_, cell)| cell).collect::<Vec<_>>().join(",").replace("# schema = 3", "# schema = 2") + "\n"
        };
        let earlier: String = lines.lines().filter(known).map(without).collect();
        fs::write(&path, earlier).unwrap();
        let (code, _, err) = check(folder, &lenient)?;
        assert!(code == 0 && err.contains("processor, instruction sets, engine's library"), "{err}");
        Some(())
    });
}

/// Starts a build with a long budget and waits until the raw file holds samples.
fn start(folder: &Path) -> Child {
    let mut command = profiler(folder, &format!("{BUILD} --budget 300s --precision 0.000001 --nets 4"));
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_samples(&folder.join(PART), 1500);
    child
}

fn wait_for_samples(part: &Path, count: usize) {
    let began = Instant::now();
    while !fs::read_to_string(part).is_ok_and(|raw| raw.matches("\"sample\"").count() > count) {
        assert!(began.elapsed() < Duration::from_secs(100), "no samples after 100 s");
        thread::sleep(Duration::from_millis(20));
    }
}

fn ended(child: Child) -> (i32, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
}

fn signal(process: &str, name: &str) {
    assert!(std::process::Command::new("kill").args([name, process]).status().unwrap().success());
}

#[test]
fn after_the_agent_was_killed_a_build_goes_on_where_it_stopped() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let child = start(folder);
    let host = child.id().to_string();
    let agents = fs::read_to_string(format!("/proc/{host}/task/{host}/children")).unwrap();
    signal(agents.trim(), "-9");
    let (code, err) = ended(child);
    assert_eq!(code, 3, "{err}");
    assert!(err.contains("signal 9") && err.contains(PART) && err.contains("--resume"), "{err}");
    assert_eq!(names(folder), ["space.toml", PART]);

    // A line that was being written is lost, the others are not.
    let part = folder.join(PART);
    let kept = fs::read_to_string(&part).unwrap();
    fs::OpenOptions::new().append(true).open(&part).unwrap().write_all(b"{\"event\":\"sample\",\"id\":\"sep").unwrap();
    let (code, _, err) = run(folder, &format!("{BUILD} --nets 4"));
    assert!(code == 2 && err.contains("--resume"), "an unfinished measurement is not thrown away: {err}");
    build(folder, "--budget 5s --precision 0.000001% --nets 4 --resume");
    let (before, taken) = (kept.matches("\"event\":\"start\"").count(), kept.matches("\"fault\":null").count());
    let samples = read(&folder.join("t.raw.gz")).unwrap().1;
    let processes: Vec<usize> = samples.items.values().flat_map(|item| item.processes.clone()).collect();
    assert_eq!(processes.iter().filter(|process| **process < before).count(), taken);
    assert!(processes.len() > taken);
    assert_eq!(names(folder), ["space.toml", "t.csv", "t.raw.gz"]);
}

#[test]
fn ctrl_c_keeps_the_samples_and_leaves_no_agent() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let child = start(folder);
    let host = child.id().to_string();
    let agents = fs::read_to_string(format!("/proc/{host}/task/{host}/children")).unwrap();
    signal(&host, "-INT");
    let (code, err) = ended(child);
    assert_eq!(code, 130, "{err}");
    assert!(err.contains("--resume"), "{err}");
    assert_eq!(names(folder), ["space.toml", PART]);
    assert!(!Path::new(&format!("/proc/{}", agents.trim())).exists(), "the agent still runs");
}

#[test]
fn two_measurements_on_one_cpu_are_not_made_at_once() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (first, second) = (first.path(), second.path());
    small_space(first);
    small_space(second);
    let child = start(first);
    // In another folder, with the first one's locks.
    let again = || {
        let mut command = profiler(second, &format!("{BUILD} --budget 60s --precision 20% --nets 2"));
        let locks = profiler(first, "").get_envs().find(|(name, _)| *name == "BLOCKTIME_LOCKS").unwrap().1.unwrap().to_os_string();
        let output = command.env("BLOCKTIME_LOCKS", locks).output().unwrap();
        (output.status.code().unwrap_or(-1), String::from_utf8(output.stderr).unwrap())
    };
    let (code, err) = again();
    let who = format!("process {} (", child.id());
    assert!(code == 3 && err.contains(&who) && err.contains("build --space") && err.contains("since 2"), "{code}: {err}");
    assert_eq!(names(second), ["space.toml"]);
    // After a kill the CPU is free.
    let host = child.id().to_string();
    let agents = fs::read_to_string(format!("/proc/{host}/task/{host}/children")).unwrap();
    signal(&host, "-9");
    signal(agents.trim(), "-9");
    assert_eq!(ended(child).0, -1);
    let (code, err) = again();
    assert_eq!(code, 0, "{err}");
}

#[test]
fn two_builds_do_not_write_the_same_files() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let child = start(folder);
    let part = folder.join(PART);
    let before = fs::read(&part).unwrap();
    for how in ["", "--resume", "--overwrite"] {
        // As if on another device: no lock but those of the files.
        let mut command = profiler(folder, &format!("{BUILD} --nets 4 {how}"));
        let output = command.env("BLOCKTIME_LOCKS", folder.join("space.toml")).output().unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        let who = format!("process {} (", child.id());
        assert!(output.status.code() == Some(2) && err.contains("t.csv") && err.contains(&who), "{how}: {err}");
    }
    // Another table, the same samples.
    let other = BUILD.replace("t.csv", "u.csv");
    let (code, _, err) = run(folder, &format!("{other} --overwrite --raw {{}}/t.raw.gz"));
    assert!(code == 2 && err.contains("t.raw.gz") && err.contains(&format!("process {} (", child.id())), "{err}");
    assert!(fs::read(&part).unwrap().starts_with(&before), "the first one's samples are gone");
    signal(&child.id().to_string(), "-INT");
    assert_eq!(ended(child).0, 130);
    assert_eq!(names(folder), ["space.toml", PART]);
}

#[test]
fn with_two_threads_sessions_of_other_models_do_not_slow_a_run() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    if thread::available_parallelism().unwrap().get() < 2 {
        eprintln!("skipped: one CPU");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let [one, two] =
        [1, 2].map(|threads| build(folder, &format!("--overwrite --budget 60s --precision 50% --nets 2 --threads {threads}")));
    assert_eq!((one.header.threads, two.header.threads, two.header.cpus.len()), (1, 2, 2));
    // Pools of other sessions that went on spinning made a run twenty times as long.
    let all = |table: &Table| table.rows().iter().map(|row| row.latency.0).sum::<f64>();
    assert!(all(&one) > 0.0 && all(&two) < 5.0 * all(&one), "{} {}", all(&one), all(&two));
}

#[test]
fn more_threads_than_cpus_are_refused() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let cpus = thread::available_parallelism().unwrap().get();
    let many = format!("{BUILD} --threads {} --nets 2 --budget 2s", cpus + 1);
    let (code, _, err) = run(folder, &many);
    let remedy = format!("--threads {cpus},");
    assert!(code == 2 && err.contains(&remedy) && err.contains("--oversubscribe"), "{code}: {err}");
    let (code, _, err) = run(folder, &format!("{BUILD} --threads 2 --cpus 0 --nets 2"));
    assert!(code == 2 && err.contains("--threads 1,"), "{code}: {err}");
    assert_eq!(names(folder), ["space.toml"]);
    // With --oversubscribe it is measured, even if only with too few samples.
    let (code, _, err) = run(folder, &format!("{many} --oversubscribe"));
    assert!(code == 0 || code == 3, "{code}: {err}");
}

#[test]
fn an_interrupted_bench_keeps_its_samples() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let graph = small_space(folder).unique_candidates().swap_remove(1).graph();
    let weights = blocks::Weights::for_measuring(&graph, 1);
    fs::write(folder.join("a.onnx"), blocks::onnx::model(&graph, &weights, &blocks::onnx::Options::default()).unwrap()).unwrap();
    let mut command = profiler(folder, "bench {}/a.onnx --budget 300s --precision 0.000001 --raw {}/b.raw.gz");
    let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for_samples(&folder.join("b.raw.gz.part"), 100);
    signal(&child.id().to_string(), "-INT");
    let (code, err) = ended(child);
    // There is no --resume that could be advised.
    assert!(code == 130 && err.contains("b.raw.gz.part") && !err.contains("--resume"), "{err}");
    assert!(read(&folder.join("b.raw.gz.part")).unwrap().1.items.values().all(|item| !item.samples.is_empty()));
}

#[test]
fn a_build_that_lacked_samples_gets_its_time_again() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    let passes = || fs::read_to_string(folder.join(PART)).unwrap().matches("\"event\":\"done\"").count();
    let short = format!("{BUILD} --nets 3 --budget 10ms --passes 3");
    let (code, _, err) = run(folder, &short);
    assert!(code == 3 && err.contains("--resume"), "{err}");
    assert_eq!(passes(), 3);
    let (code, _, err) = run(folder, &format!("{short} --resume"));
    if code == 0 {
        assert_eq!(names(folder), ["space.toml", "t.csv", "t.raw.gz"]);
    } else {
        assert_eq!((code, passes()), (3, 6), "{err}");
    }
}

#[test]
fn samples_of_another_request_are_not_mixed_in() {
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    small_space(folder);
    build(folder, "--budget 60s --precision 10% --nets 0");
    let (code, _, err) = run(folder, &format!("{BUILD} --nets 3 --resume"));
    assert!(code == 2 && err.contains(PART), "{err}");
    // Samples of another length are other samples.
    let (code, _, err) = run(folder, &format!("{} --nets 0 --resume", BUILD.replace("200us", "300us")));
    assert!(code == 2 && err.contains("--sample 200us (then), 300us (now)"), "{err}");
}

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
    let _alone = alone();
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let space = small_space(folder);
    for (name, candidate) in ["a.onnx", "b.onnx"].iter().zip(space.unique_candidates().into_iter().skip(1)) {
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
    let figures: serde_json::Value = serde_json::from_str(&out).unwrap();
    let figures = figures.as_array().unwrap();
    assert_eq!(figures.len(), 2);
    for f in figures {
        let (median, ci) = (f["median_us"].as_f64().unwrap(), f["ci95_us"].as_array().unwrap());
        assert!(ci[0].as_f64().unwrap() <= median && median <= ci[1].as_f64().unwrap() && median > 0.0, "{f}");
        assert!(f["canary_error"].as_f64().unwrap() > 0.0 && f["canary_error_assumed"] == false, "{f}");
        assert!(f["interference_removed"].is_null(), "two models do not tell it: {f}");
    }
    fs::write(folder.join("c.onnx"), "nonsense").unwrap();
    let (code, _, err) = run(folder, "bench {}/a.onnx {}/c.onnx");
    assert!(code == 2 && err.contains("c.onnx"), "{err}");
    let (code, _, err) = run(folder, "bench {}/missing.onnx");
    assert!(code == 2 && err.contains("missing.onnx"), "{err}");
}
