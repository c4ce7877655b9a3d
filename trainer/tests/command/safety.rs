//! Nothing is lost and nothing is mixed up: files that change under a run, folders with two owners, outputs that are not read.

use std::fs::{self, File, OpenOptions};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use trainer::commands::Error;
use trainer::compare::CompareError;
use trainer::run::{CheckpointError, FolderError};
use trainer::task::faces::OF_MIXTURES;

use crate::common::{FINETUNE, Fixture, SEARCH, engine, finished, read, searched, text};

const SUPERNET: &str = "run/supernet/checkpoint_last.safetensors";
const SUBNET: &str = "run/subnet/checkpoint_last.safetensors";

/// Adds an empty line, or takes the last one away where `cut`.
fn change(fixture: &Fixture, name: &str, cut: bool) {
    let path = fixture.path(name);
    let content = fs::read_to_string(&path).unwrap();
    let kept = content.lines().count() - usize::from(cut);
    let lines: String = content.lines().take(kept).map(|line| format!("{line}\n")).collect();
    fs::write(path, if cut { lines } else { content + "\n" }).unwrap();
}

fn nme(fixture: &Fixture, line: &str) -> f64 {
    let found: Value = serde_json::from_str(&fixture.done(line)).unwrap();
    found["nme"].as_f64().unwrap()
}

#[test]
fn a_supernets_subnet_is_judged_and_exported_with_statistics_of_its_own() {
    let fixture = searched();
    let eval = |model: &str, more: &str| nme(&fixture, &format!("eval --model {model} --data faces --json {more}"));
    let own = eval(SUPERNET, "");
    let of_mixtures = eval(SUPERNET, "--reference");
    assert!((own - of_mixtures).abs() > 1e-6, "{own} {of_mixtures}");

    let predicted = fixture.run(&format!("predict --model {SUPERNET} --image faces/test_data/imgs/00000.jpg --out p.png"));
    assert!(predicted.status.success() && text(&predicted.stderr).contains(OF_MIXTURES), "{}", text(&predicted.stderr));
    if !engine() {
        return;
    }
    fixture.done(&format!("export --subnet {SUPERNET} --out own.onnx --data faces"));
    assert!((eval("own.onnx", "") - own).abs() < 1e-5);
    let output = fixture.run(&format!("export --subnet {SUPERNET} --out mixtures.onnx"));
    assert!(output.status.success() && text(&output.stderr).contains("--data"), "{}", text(&output.stderr));
    assert!((eval("mixtures.onnx", "") - of_mixtures).abs() < 1e-5);
}

#[test]
fn an_overwriting_finetune_that_cannot_begin_leaves_the_old_one() {
    let fixture = finished();
    fixture.done("baseline random --run run --nets 1");
    let old = read(&fixture.path(SUBNET));
    let test_list = fixture.path("faces/test_data/list.txt");
    let list = read(&test_list);
    fs::remove_file(&test_list).unwrap();
    let said = fixture.refused(&format!("{FINETUNE} --out run --overwrite"), 2);
    assert!(said.contains("test_data/list.txt"), "{said}");
    fs::write(&test_list, list).unwrap();
    let picture = fixture.path("faces/test_data/imgs/00001.jpg");
    let bytes = read(&picture);
    fs::write(&picture, &bytes[..100]).unwrap();
    let said = fixture.refused(&format!("{FINETUNE} --out run --overwrite"), 2);
    assert!(said.contains("00001.jpg"), "{said}");
    assert!(read(&fixture.path(SUBNET)) == old && fixture.path("run/baselines/random.json").is_file());
}

#[test]
fn outputs_do_not_replace_what_they_are_made_from() {
    let fixture = finished();
    let [subnet, picture] = [SUBNET, "faces/test_data/imgs/00000.jpg"].map(|name| read(&fixture.path(name)));
    let said = fixture.refused(&format!("export --subnet {SUBNET} --out {SUBNET}"), 2);
    assert!(said.contains("--out") && said.contains(".onnx"), "{said}");
    let predict = format!("predict --model {SUBNET} --image");
    let said = fixture.refused(&format!("{predict} faces/test_data/imgs/00000.jpg --out faces/test_data/imgs/00000.jpg"), 2);
    assert!(said.contains("--out") && said.contains(".png"), "{said}");
    fixture.done(&format!("{predict} faces/test_data/imgs/00000.jpg --out drawn.png"));
    let said = fixture.refused(&format!("{predict} drawn.png --out ./drawn.png"), 2);
    assert!(said.contains("--out ./drawn.png"), "{said}");
    assert!([SUBNET, "faces/test_data/imgs/00000.jpg"].map(|name| read(&fixture.path(name))) == [subnet, picture]);
}

#[test]
fn what_changed_since_the_run_is_not_compared_with_it() {
    let fixture = finished();
    for (name, cut) in
        [("faces/train_data/list.txt", true), ("faces/test_data/list.txt", true), ("lut.csv", false), (SUPERNET, false)]
    {
        let old = read(&fixture.path(name));
        if name == SUPERNET {
            fs::write(fixture.path(name), [old.as_slice(), b" "].concat()).unwrap();
        } else {
            change(&fixture, name, cut);
        }
        for command in ["baseline random --run run --nets 1", "baseline mobilenet --run run", "sweep --run run --betas 5"] {
            let what = fixture.path(name).display().to_string();
            fixture.fails(command, 2, &CompareError::Changed { what, folder: "run".into() });
        }
        fs::write(fixture.path(name), old).unwrap();
    }
    assert!(!fixture.path("run/baselines").exists() && !fixture.path("run/sweep").exists());
}

#[test]
fn a_changed_point_scheme_or_test_list_ends_a_run() {
    let fixture = Fixture::new(24);
    fs::write(fixture.path("faces/points.toml"), "count = 106\nnme_pair = [35, 93]\n").unwrap();
    let search = SEARCH.replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --arch-data test --out run"));
    fixture.done(&format!("{FINETUNE} --out run"));
    fs::write(fixture.path("faces/points.toml"), "count = 106\nnme_fixed_px = 5000\n").unwrap();
    for command in ["search", "finetune"] {
        let said = fixture.refused(&format!("{command} --out run --resume"), 2);
        assert!(said.contains("points.toml"), "{said}");
    }
    fs::write(fixture.path("faces/points.toml"), "count = 106\nnme_pair = [35, 93]\n").unwrap();
    fixture.done("finetune --out run --resume");
    change(&fixture, "faces/test_data/list.txt", true);
    let said = fixture.refused("search --out run --resume", 2);
    assert!(said.contains("test_data"), "{said}");
}

#[test]
fn the_error_of_an_architecture_trained_on_the_test_list_says_so() {
    let fixture = Fixture::new(24);
    let search = SEARCH.replace("--end-epoch 4", "--end-epoch 2");
    assert!(fixture.done(&format!("{search} --out run")).contains("--arch-data split"));
    let said = fixture.done(&format!("{search} --arch-data test --out other"));
    assert!(said.contains("--arch-data test"), "{said}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_reader_that_leaves_ends_no_training() {
    let fixture = searched();
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = fixture.command(&format!("{FINETUNE} --out run")).stderr(full()).stdout(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(0));

    let eval = format!("eval --model {SUBNET} --data faces");
    let mut child = fixture.command(&eval).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));

    let output = fixture.command(&eval).stdout(full()).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let error = Error::Output(std::io::Error::other("")).to_string();
    assert!(text(&output.stderr).contains(&error), "{}", text(&output.stderr));
}

#[test]
fn a_search_that_has_not_ended_is_not_finetuned() {
    let fixture = Fixture::new(40);
    let mut child = fixture.command(&format!("{SEARCH} --out run")).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !fixture.path(SUPERNET).exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    // Its folder is its own until it ends.
    for command in [format!("{SEARCH} --out run --overwrite"), "search --out run --resume".to_string()] {
        fixture.fails(&command, 2, &FolderError::Busy { folder: "run".into() });
    }
    assert_eq!(child.try_wait().unwrap(), None);
    child.kill().unwrap();
    child.wait().unwrap();
    let said = fixture.refused(&format!("{FINETUNE} --out run"), 2);
    assert!(said.contains(" 4 ") && said.contains("trainer search --out run --resume"), "{said}");
    fixture.done("search --out run --resume");
    fixture.done(&format!("{FINETUNE} --out run"));
}

#[test]
fn a_run_is_gone_on_with_from_another_folder() {
    let fixture = Fixture::new(24);
    let spaces = support::project_root().join("blocks/spaces");
    fs::copy(spaces.join("pfld.toml"), fixture.path("own.toml")).unwrap();
    let search = SEARCH.replace("--lut lut.csv", "--perf-metric flops").replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --space own.toml --out run"));
    fixture.done(&format!("{FINETUNE} --out run"));
    fs::create_dir(fixture.path("elsewhere")).unwrap();
    for line in [
        "finetune --out ../run --resume",
        "baseline random --run ../run --nets 1",
        "sweep --run ../run --betas 5",
        "export --subnet ../run/supernet/checkpoint_last.safetensors --out ../run/subnet.onnx",
    ] {
        if line.starts_with("export") && engines::onnxruntime::LIBRARY.find(None).is_err() {
            continue;
        }
        let output = fixture.command(line).current_dir(fixture.path("elsewhere")).output().unwrap();
        assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    }
}

#[test]
fn a_sweep_looks_at_all_its_points_first() {
    let fixture = finished();
    for (points, expected) in
        [("--targets-us 100000,0.001", "target-0.001us"), ("--betas 3,-1", "beta--1"), ("--betas 3 --end-epoch 0", "--end-epoch")]
    {
        let said = fixture.refused(&format!("sweep --run run {}", points.replace("--betas ", "--betas=")), 2);
        assert!(said.contains(expected), "{said}");
        assert!(!fixture.path("run/sweep").exists(), "{points}: a training was begun");
    }
}

#[test]
fn weights_that_are_no_numbers_are_refused() {
    let fixture = finished();
    let mut bytes = read(&fixture.path(SUBNET));
    let length = bytes.len();
    bytes[length - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(fixture.path("nan.safetensors"), bytes).unwrap();
    for command in ["eval --model nan.safetensors --data faces", "export --subnet nan.safetensors --out nan.onnx"] {
        let said = fixture.refused(command, 2);
        let start = CheckpointError::NotSafetensors { path: "nan.safetensors".into(), reason: String::new() }.to_string();
        assert!(said.contains(start.trim_end()), "{said}");
    }
}

#[test]
fn the_baselines_checkpoint_is_not_finetuned_by_hand() {
    let fixture = finished();
    fixture.done("baseline mobilenet --run run --end-epoch 1");
    let checkpoint = "run/baselines/mobilenet/subnet/checkpoint_last.safetensors";
    let said = fixture.refused(&format!("{FINETUNE} --supernet {checkpoint} --out other"), 2);
    assert!(said.contains(checkpoint) && said.contains("`trainer baseline`"), "{said}");
    // Its own folder may be anywhere else: nothing there belongs to the run.
    File::create(fixture.path("run/baselines/note.txt")).unwrap();
    fixture.done("baseline random --run run --nets 1");
}
