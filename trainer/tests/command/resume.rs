//! A run that was cut off and resumed equals the one that was not, bit for bit.

use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use crate::common::{Fixture, SEARCH, read, text};

const FINETUNE: &str =
    "finetune --supernet whole/supernet/checkpoint_last.safetensors --data faces --batch 8 --base-lr 1e-3 --end-epoch 4 --seed 3";

/// Starts the command and waits until metrics.csv has `rows` rows of `phase`.
fn start(fixture: &Fixture, line: &str, metrics: &Path, phase: &str, rows: usize) -> Child {
    let mut child = fixture.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let done = || std::fs::read_to_string(metrics).is_ok_and(|text| text.lines().filter(|l| l.starts_with(phase)).count() >= rows);
    while !done() {
        assert_eq!(child.try_wait().unwrap(), None, "it ended before it could be stopped");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// metrics.csv without the columns of times.
fn metrics(path: &Path) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let times = ["images_per_s", "loader_wait_s", "seconds"];
    let keep: Vec<usize> =
        reader.headers().unwrap().iter().enumerate().filter(|(_, h)| !times.contains(h)).map(|(i, _)| i).collect();
    reader.records().map(|r| r.unwrap()).map(|r| keep.iter().map(|&i| r[i].to_string()).collect()).collect()
}

#[track_caller]
fn assert_same(fixture: &Fixture, files: &[&str]) {
    for file in files {
        let [whole, cut] = ["whole", "cut"].map(|run| read(&fixture.path(run).join(file)));
        assert!(whole == cut, "{file} differs");
    }
    let [whole, cut] = ["whole", "cut"].map(|run| metrics(&fixture.path(run).join("metrics.csv")));
    assert_eq!(whole, cut);
}

#[test]
fn a_killed_search_resumes_bit_for_bit() {
    let fixture = Fixture::new(40);
    fixture.done(&format!("{SEARCH} --out whole"));
    let log = fixture.path("cut/metrics.csv");

    // In the warm-up's epoch, before anything was trained for long; then in an epoch of the search.
    let mut child = fixture.command(&format!("{SEARCH} --out cut")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !fixture.path("cut/supernet/checkpoint_last.safetensors").exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = start(&fixture, "search --out cut --resume", &log, "search", 1);
    child.kill().unwrap();
    child.wait().unwrap();

    fixture.done("search --out cut --resume");
    assert_same(
        &fixture,
        &["supernet/checkpoint_last.safetensors", "supernet/checkpoint_best.safetensors", "arch.json", "config.toml"],
    );

    // Resuming what is finished changes nothing.
    fixture.done("search --out cut --resume");
    assert_same(&fixture, &["supernet/checkpoint_last.safetensors", "arch.json"]);
}

#[test]
fn threads_do_not_change_a_search() {
    let fixture = Fixture::new(40);
    let search = SEARCH.replace("--threads 2", "--threads 1").replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --out whole"));
    fixture.done(&format!("{} --out cut", search.replace("--threads 1", "--threads 3")));
    assert_same(&fixture, &["supernet/checkpoint_last.safetensors", "arch.json"]);
}

#[cfg(unix)]
#[test]
fn an_interrupted_finetune_says_how_to_resume_and_does_so_bit_for_bit() {
    let fixture = Fixture::new(40);
    fixture.done(&format!("{} --out whole", SEARCH.replace("--end-epoch 4", "--end-epoch 1")));
    fixture.done(&format!("{FINETUNE} --out whole"));
    std::fs::create_dir(fixture.path("cut")).unwrap();
    let rows = std::fs::read_to_string(fixture.path("whole/metrics.csv")).unwrap();
    let searched: String = rows.lines().filter(|l| !l.starts_with("finetune")).map(|l| format!("{l}\n")).collect();
    std::fs::write(fixture.path("cut/metrics.csv"), searched).unwrap();

    let child = start(&fixture, &format!("{FINETUNE} --out cut"), &fixture.path("cut/metrics.csv"), "finetune", 1);
    let id = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("trainer finetune --out cut --resume"), "{said}");

    fixture.done("finetune --out cut --resume");
    assert_same(&fixture, &["subnet/checkpoint_last.safetensors"]);
}
