//! Builds that are interrupted, killed, or in each other's way.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use profiler::measure::raw::read;

use crate::common::{profiler, run, small_space};
use crate::{BUILD, PART, Place, build, names};

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

/// The number of a build's agent.
fn agent_of(build: &Child) -> String {
    let host = build.id();
    fs::read_to_string(format!("/proc/{host}/task/{host}/children")).unwrap().trim().to_string()
}

fn signal(process: &str, name: &str) {
    assert!(std::process::Command::new("kill").args([name, process]).status().unwrap().success());
}

#[test]
fn after_the_agent_was_killed_a_build_goes_on_where_it_stopped() {
    let Some(place) = Place::new() else { return };
    let folder = place.path();
    let child = start(folder);
    signal(&agent_of(&child), "-9");
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
    let Some(place) = Place::new() else { return };
    let folder = place.path();
    let child = start(folder);
    let (host, agent) = (child.id().to_string(), agent_of(&child));
    signal(&host, "-INT");
    let (code, err) = ended(child);
    assert_eq!(code, 130, "{err}");
    assert!(err.contains("--resume"), "{err}");
    assert_eq!(names(folder), ["space.toml", PART]);
    assert!(!Path::new(&format!("/proc/{agent}")).exists(), "the agent still runs");
}

#[test]
fn two_measurements_on_one_cpu_are_not_made_at_once() {
    let Some(place) = Place::new() else { return };
    let other = tempfile::tempdir().unwrap();
    let (first, second) = (place.path(), other.path());
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
    let (host, agent) = (child.id().to_string(), agent_of(&child));
    signal(&host, "-9");
    signal(&agent, "-9");
    assert_eq!(ended(child).0, -1);
    let (code, err) = again();
    assert_eq!(code, 0, "{err}");
}

#[test]
fn two_builds_do_not_write_the_same_files() {
    let Some(place) = Place::new() else { return };
    let folder = place.path();
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
fn an_interrupted_bench_keeps_its_samples() {
    let Some(place) = Place::new() else { return };
    let folder = place.path();
    let graph = place.space.unique_candidates().swap_remove(1).graph();
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
    let Some(place) = Place::new() else { return };
    let folder = place.path();
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
