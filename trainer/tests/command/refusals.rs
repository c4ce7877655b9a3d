//! Bad input: a clear error, the right exit code, and nothing lost.

use std::fs;

use crate::common::{Fixture, SEARCH, read, table, text};
use luts::{Overwrite, Source};
use trainer::compute::{Compute, ComputeError};
use trainer::cost::CostError;
use trainer::model::Gpus;
use trainer::parallel::ParallelError;
use trainer::run::{CheckpointError, FolderError, Training};

/// Nothing was begun.
#[track_caller]
fn assert_untouched(fixture: &Fixture) {
    assert!(!fixture.path("run").exists(), "a refused search made its folder");
}

#[test]
fn tables_that_cannot_be_trusted() {
    let fixture = Fixture::new(10);
    let good = fs::read_to_string(fixture.path("lut.csv")).unwrap();
    let key = "mb_k3_res@32x14x14-s1-32";
    let row = good.lines().find(|l| l.starts_with(key)).unwrap();
    let latency = row.split(',').find(|v| v.contains('.')).unwrap();
    let rows = table(Source::Measured).rows().len().to_string();
    let cases: &[(&str, String, &[&str])] = &[
        ("a missing key", good.lines().filter(|l| *l != row).map(|l| format!("{l}\n")).collect(), &[&rows]),
        ("NaN", good.replace(row, &row.replacen(latency, "NaN", 1)), &[key]),
        ("zero", good.replace(row, &row.replacen(latency, "0", 1)), &[key]),
        ("negative", good.replace(row, &row.replacen(latency, "-5", 1)), &[key]),
        ("cut in half", good[..good.len() / 2].to_string(), &[]),
        ("not a table", "hello\nworld\n".to_string(), &[]),
        ("empty", String::new(), &[]),
    ];
    for (what, content, expected) in cases {
        fs::write(fixture.path("bad.csv"), content).unwrap();
        let said = fixture.refused(&format!("{} --out run", SEARCH.replace("lut.csv", "bad.csv")), 2);
        assert!(said.contains("bad.csv"), "{what}: {said}");
        assert!(expected.iter().all(|e| said.contains(e)), "{what}: {said}");
        assert_untouched(&fixture);
    }
    let said = fixture.refused(&format!("{} --out run", SEARCH.replace("lut.csv", "none.csv")), 2);
    // Which there are, and how one is made.
    assert!(["none.csv", "lut.csv", "--device sim:sd625"].iter().all(|part| said.contains(part)), "{said}");

    table(Source::Emulated).write(fixture.path("emulated.csv"), Overwrite::No).unwrap();
    let path = fixture.path("emulated.csv").display().to_string();
    fixture.fails(&format!("{} --out run", SEARCH.replace("lut.csv", "emulated.csv")), 2, &CostError::Emulated { path });
    std::fs::copy(support::project_root().join("tests/corpus/table/folder-sound.csv"), fixture.path("folder.csv")).unwrap();
    let (path, space) = (fixture.path("folder.csv").display().to_string(), "mine".to_string());
    fixture.fails(&format!("{} --out run", SEARCH.replace("lut.csv", "folder.csv")), 2, &CostError::Folder { path, space });
    assert_untouched(&fixture);
}

#[test]
fn a_table_of_another_space() {
    let fixture = Fixture::new(10);
    let text = fs::read_to_string(support::project_root().join("blocks/spaces/pfld.toml")).unwrap();
    fs::write(fixture.path("other.toml"), text.replace("\"gh_k3\", ", "")).unwrap();
    let said = fixture.refused(&format!("{SEARCH} --space other.toml --out run"), 2);
    assert!(said.contains("lut.csv") && said.contains("pfld"), "{said}");
    fs::write(fixture.path("wrong.toml"), text.replace("gh_k3", "gh_k33")).unwrap();
    let said = fixture.refused(&format!("{SEARCH} --space wrong.toml --out run"), 2);
    assert!(said.contains("wrong.toml") && said.contains("gh_k33"), "{said}");
    let said = fixture.refused(&format!("{SEARCH} --space pfld-all --out run"), 2);
    assert!(said.contains("pfld-all") && said.contains("pfld26"), "{said}");
    assert_untouched(&fixture);
}

#[test]
fn lists_and_pictures() {
    let fixture = Fixture::new(10);
    let list = fixture.path("faces/train_data/list.txt");
    let good = fs::read_to_string(&list).unwrap();
    let search = format!("{SEARCH} --out run");

    let third = good.lines().nth(2).unwrap();
    fs::write(&list, good.replace(third, third.rsplit_once(' ').unwrap().0)).unwrap();
    let said = fixture.refused(&search, 2);
    assert!(said.contains("list.txt:3"), "{said}");

    fs::write(&list, good.replace("00002.jpg", "gone.jpg")).unwrap();
    let said = fixture.refused(&search, 2);
    assert!(said.contains("gone.jpg") && said.contains("list.txt"), "{said}");
    assert_untouched(&fixture);

    fs::write(&list, &good).unwrap();
    for folder in ["imgs", "imgs_wide"] {
        let picture = fixture.path("faces/train_data").join(folder).join("00002.jpg");
        let bytes = read(&picture);
        // Cut off before the picture begins; one that is cut off within is read as far as it goes.
        fs::write(&picture, &bytes[..100]).unwrap();
    }
    let said = fixture.refused(&search, 2);
    assert!(said.contains("00002.jpg") && said.contains("list.txt:3"), "{said}");
}

#[test]
fn checkpoints_that_do_not_fit() {
    let fixture = Fixture::new(10);
    fixture.done(&format!("{} --out run", SEARCH.replace("--end-epoch 4", "--end-epoch 1")));
    let finetune = "finetune --supernet run/supernet/checkpoint_last.safetensors --data faces --batch 8 --end-epoch 1";

    // Of another space.
    let text = fs::read_to_string(support::project_root().join("blocks/spaces/pfld.toml")).unwrap();
    fs::write(fixture.path("other.toml"), text.replace("\"gh_k3\", ", "")).unwrap();
    let said = fixture.refused(&format!("{finetune} --space other.toml --out fine"), 2);
    assert!(said.contains("'pfld'") && said.contains("--space"), "{said}");

    // Not a checkpoint, or half of one.
    let bytes = read(&fixture.path("run/supernet/checkpoint_last.safetensors"));
    fs::write(fixture.path("half.safetensors"), &bytes[..bytes.len() / 2]).unwrap();
    fs::write(fixture.path("noise.safetensors"), b"not a checkpoint at all").unwrap();
    for file in ["half.safetensors", "noise.safetensors"] {
        let said = fixture.refused(&format!("export --subnet {file} --out x.onnx"), 2);
        let start = CheckpointError::NotSafetensors { path: file.into(), reason: String::new() }.to_string();
        assert!(said.contains(start.trim_end()), "{said}");
    }
    assert!(!fixture.path("x.onnx").exists());

    // The list's points are others.
    let list = fixture.path("faces/train_data/list.txt");
    let fewer: String = fs::read_to_string(&list)
        .unwrap()
        .lines()
        .map(|l| {
            let fields: Vec<_> = l.split(' ').collect();
            [&fields[..1 + 2 * 68], &fields[fields.len() - 3..]].concat().join(" ") + "\n"
        })
        .collect();
    for part in ["train_data", "test_data"] {
        fs::write(fixture.path("faces").join(part).join("list68.txt"), &fewer).unwrap();
    }
    let path = fixture.path("run/supernet/checkpoint_last.safetensors");
    let error = CheckpointError::Points { path, found: 106, list: 68 };
    fixture.fails(&format!("{finetune} --list list68.txt --out fine"), 2, &error);
    assert!(!fixture.path("fine").exists());

    // A choice that is none.
    let said = fixture.refused(&format!("{finetune} --arch sep_k3,sep_k3,sep_k3,gh_k5,gh_k5 --out fine"), 2);
    assert!(said.contains("layer 3") && said.contains("sep_k3"), "{said}");
}

#[test]
fn a_run_is_neither_overwritten_nor_resumed_as_another() {
    let fixture = Fixture::new(10);
    let search = format!("{} --out run", SEARCH.replace("--end-epoch 4", "--end-epoch 1"));
    let checkpoint = "run/supernet/checkpoint_last.safetensors".into();
    fixture.fails(&format!("{search} --resume"), 2, &FolderError::NothingToResume { checkpoint });
    fixture.done(&search);
    let last = fixture.path("run/supernet/checkpoint_last.safetensors");
    let before = read(&last);

    fixture.fails(&search, 2, &FolderError::Occupied { folder: "run".into(), training: Training::Search });
    let said = fixture.refused("search --out run --resume --beta 3 --batch 4", 2);
    assert!(["--beta", "0.6", "3.0", "--batch"].iter().all(|part| said.contains(part)), "{said}");
    let text = fs::read_to_string(fixture.path("lut.csv")).unwrap();
    fs::write(fixture.path("lut.csv"), text.replace("a board", "another board")).unwrap();
    let said = fixture.refused("search --out run --resume", 2);
    assert!(said.contains("--lut"), "{said}");
    assert!(read(&last) == before, "a refused run changed its checkpoint");
    fixture.done(&format!("{search} --overwrite"));
}

#[test]
fn terms_and_values_that_make_no_sense() {
    let fixture = Fixture::new(10);
    for (flags, expected) in [
        ("--alpha 0", "--beta 0"),
        ("--beta NaN", "--beta"),
        ("--base-lr 0", "--base-lr"),
        ("--start-epoch 5", "--start-epoch"),
        ("--batch 0", "--batch"),
        ("--threads 0", "--threads"),
        ("--augment wild", "mild"),
    ] {
        let (flag, _) = flags.split_once(' ').unwrap();
        let words: Vec<_> = SEARCH.split(' ').collect();
        let without: Vec<_> = match words.iter().position(|w| *w == flag) {
            Some(i) => [&words[..i], &words[i + 2..]].concat(),
            None => words,
        };
        let said = fixture.refused(&format!("{} {flags} --out run", without.join(" ")), 2);
        assert!(said.contains(expected), "{flags}: {said}");
        assert_untouched(&fixture);
    }
    let said = fixture.refused("search --data faces --out run", 2);
    assert!(said.contains("--lut"), "{said}");
}

#[test]
fn places_where_this_build_cannot_train() {
    let fixture = Fixture::new(10);
    // What a launcher sets, as `mpirun -n 2` does.
    let as_one_of_two = |line: &str| {
        let output = fixture.command(line).env("OMPI_COMM_WORLD_SIZE", "2").output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{line}");
        text(&output.stderr)
    };
    let said = as_one_of_two("sweep --run run --betas 0,1");
    assert!(said.contains(&ParallelError::NotShared { processes: 2 }.to_string()), "{said}");
    if cfg!(not(feature = "mpi")) {
        let said = as_one_of_two(&format!("{SEARCH} --out run"));
        assert!(said.contains(&ParallelError::WithoutMpi { processes: 2 }.to_string()), "{said}");
    }
    if cfg!(not(feature = "cuda")) {
        // The flag was called --device first.
        for flag in ["--compute", "--device"] {
            fixture.fails(&format!("{SEARCH} --out run {flag} cuda"), 2, &ComputeError::WithoutCuda(Compute::Cuda(Gpus::one(0))));
        }
    }
    assert_untouched(&fixture);
}

#[test]
fn an_engine_library_that_is_not_there() {
    let fixture = Fixture::new(10);
    fixture.done(&format!("{} --out run", SEARCH.replace("--end-epoch 4", "--end-epoch 1")));
    let export = "export --subnet run/supernet/checkpoint_last.safetensors --out x.onnx --engine-lib none.so";
    let said = fixture.refused(export, 2);
    assert!(said.contains("none.so") && said.contains("profiler setup ort"), "{said}");
    assert!(!fixture.path("x.onnx").exists());
}

#[test]
fn a_converter_that_is_not_there_leaves_no_file() {
    if engines::onnxruntime::LIBRARY.find(None).is_err() {
        eprintln!("skipped: without ONNX Runtime nothing is converted");
        return;
    }
    let fixture = Fixture::new(10);
    fixture.done(&format!("{} --out run", SEARCH.replace("--end-epoch 4", "--end-epoch 1")));
    let export = "export --mnn --subnet run/supernet/checkpoint_last.safetensors --out";
    let output = fixture.command(&format!("{export} x.onnx")).env("BLOCKTIME_MNNCONVERT", "none").output().unwrap();
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(2) && said.contains("profiler setup mnn"), "{said}");
    assert!(!fixture.path("x.onnx").exists() && !fixture.path("x.mnn").exists());
    assert!(fixture.refused(&format!("{export} x.mnn"), 2).contains(".mnn"));
}
