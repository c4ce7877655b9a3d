//! The verdicts of `scripts/on-gpu.sh`, from figures as its parts write them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Steps on the GPU: 5,000 images a second here, 4,000 and 2,000 in two forms of PyTorch.
const STEPS: &str = r#"{"pass": "weights", "compute": "cuda", "batch": 256, "side": "blocktime", "images_per_s": 5000.0, "peak_mib": 900.0}
{"pass": "weights", "compute": "cuda", "batch": 256, "side": "PyTorch, channels_last layout", "images_per_s": 2000.0, "peak_mib": 900.0}
{"pass": "weights", "compute": "cuda", "batch": 256, "side": "PyTorch, CUDA graph", "images_per_s": 4000.0, "peak_mib": 900.0}
"#;

/// A step on two CPU cores.
const CPU: &str = r#"{"pass": "weights", "compute": "cpu", "batch": 256, "side": "blocktime", "images_per_s": 625.0, "peak_mib": 900.0}
"#;

/// The script's exit code, the verdicts of its bars in order, and all that it has written.
fn judge(out: &Path, compute: &str, parity: &str, timed: &[&str]) -> (i32, Vec<String>, Value) {
    let done = Command::new("python3")
        .arg(support::project_root().join("scripts/gpu_bars.py"))
        .arg(out)
        .args(["--compute", compute, "--parity", parity, "--cpu-batch", "256"])
        .args(timed)
        .output()
        .expect("python3 starts");
    let written = fs::read_to_string(out.join("gpu.json")).expect("the bars are written");
    let written: Value = serde_json::from_str(&written).expect("they are JSON");
    let bars = written["bars"].as_array().expect("there are bars").iter();
    let verdicts = bars.map(|bar| bar["verdict"].as_str().expect("each has a verdict").to_string()).collect();
    (done.status.code().expect("it ends by itself"), verdicts, written)
}

#[test]
fn each_bar_is_met_or_missed_or_not_measured() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).expect("a file");
    write("steps.jsonl", STEPS);
    write("cpu.jsonl", CPU);
    write("loader.txt", "6000.0\n");
    write("metrics.csv", "epoch,loader_wait_s,seconds\n1,9.0,10.0\n2,0.5,5.0\n3,0.5,5.0\n");
    let judge = |compute, parity, timed: &[&str]| judge(folder.path(), compute, parity, timed);

    // 8 times the two cores, 1.25 times PyTorch's fastest form, and the loader makes 1.2 times as many.
    let (code, verdicts, written) = judge("cuda", "passed", &["weights 256"]);
    assert_eq!((code, &verdicts[..]), (1, &["met", "missed", "met", "met"].map(String::from)[..]));
    let found = |bar: usize| written["bars"][bar]["found"].as_f64().expect("a ratio");
    assert_eq!([found(1), found(2), found(3)], [8.0, 1.25, 1.2]);
    assert_eq!((written["search_waited"].as_f64(), written["dry_run"].as_bool()), (Some(0.1), Some(false)));

    // What a dry run misses is no failure; what it cannot measure is.
    assert_eq!(judge("cpu", "passed", &["weights 256"]).0, 0);
    let (code, verdicts, _) = judge("cpu", "missing", &["weights 256", "arch 256"]);
    assert_eq!((code, verdicts[0].as_str()), (1, "not measured"));
    assert_eq!(verdicts[4..], ["not measured"; 3].map(String::from));

    write("cpu.jsonl", &CPU.replace("625.0", "500.0"));
    assert_eq!(judge("cuda", "passed", &["weights 256"]).0, 0, "all bars are met");
    assert_eq!(judge("cuda", "failed", &["weights 256"]).1[0], "missed");
}
