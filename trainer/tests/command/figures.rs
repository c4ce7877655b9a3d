//! A figure is the same wherever it is taken: in a run, by `eval`, of an exported file. And no run saves what is no number.

use blocks::onnx::{self, Options};
use faces::data::Split;
use serde_json::Value;
use trainer::run::{Checkpoint, EpochKind, MetricsLog, OtherwiseDivided};
use trainer::task::faces::open_dataset;
use trainer::task::faces::subnet;
use trainer::train::TrainError;

use crate::common::{FINETUNE, Fixture, SEARCH, engine, finished, read, searched, text};

const SUPERNET: &str = "run/supernet/checkpoint_last.safetensors";
const SUBNET: &str = "run/subnet/checkpoint_last.safetensors";

/// NME, per cent.
fn nme(fixture: &Fixture, line: &str) -> f64 {
    let found: Value = serde_json::from_str(&fixture.done(&format!("eval --data faces --json {line}"))).unwrap();
    100.0 * found["nme"].as_f64().unwrap()
}

/// NME of the last epoch of a phase, per cent.
fn logged(fixture: &Fixture, run: &str, phase: EpochKind) -> f64 {
    let log = MetricsLog::open(&fixture.path(&format!("{run}/metrics.csv"))).unwrap();
    log.rows().iter().rfind(|row| row.phase == phase).unwrap().val_nme.unwrap()
}

/// Held-back figures of a checkpoint and of the ONNX file made of it are the run's.
#[track_caller]
fn assert_is_the_runs(fixture: &Fixture, checkpoint: &str, logged: f64) {
    let held_back = nme(fixture, &format!("--split held-back --model {checkpoint}"));
    assert!((held_back - logged).abs() < 1e-9, "{checkpoint}: {held_back}, in the run {logged}");
    if engine() {
        fixture.done(&format!("export --subnet {checkpoint} --out exported.onnx --data faces"));
        let exported = nme(fixture, "--split held-back --model exported.onnx");
        assert!((exported - logged).abs() < 100.0 * 1e-4, "{checkpoint} as ONNX: {exported}, in the run {logged}");
    }
    // These are other faces than the test list's, so that agreement is no chance.
    assert!((nme(fixture, &format!("--model {checkpoint}")) - logged).abs() > 1e-6);
}

#[test]
fn held_back_figures_are_the_runs_whatever_its_batch_augmentation_and_seed() {
    let fixture = Fixture::new(24);
    let search = SEARCH.replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --out run"));
    assert_is_the_runs(&fixture, SUPERNET, logged(&fixture, "run", EpochKind::Search));
    let other = search.replace("--batch 8", "--batch 19").replace("--seed 3", "--seed 4");
    fixture.done(&format!("{other} --augment strong --out other"));
    assert_is_the_runs(&fixture, "other/supernet/checkpoint_last.safetensors", logged(&fixture, "other", EpochKind::Search));
    fixture.done(&format!("{FINETUNE} --out run --hold-back 0.3"));
    assert_is_the_runs(&fixture, SUBNET, logged(&fixture, "run", EpochKind::Finetune));
}

#[test]
fn held_back_faces_are_asked_for_where_there_are_none() {
    let fixture = finished();
    let eval = |model: &str, more: &str| fixture.refused(&format!("eval --split held-back --model {model} --data faces {more}"), 2);
    let said = eval(SUBNET, "");
    assert!(said.contains("--hold-back") && said.contains("--split test"), "{said}");
    // Of another list nothing was held back.
    let list = text(&read(&fixture.path("faces/train_data/list.txt")));
    let shorter: String = list.lines().skip(1).map(|line| format!("{line}\n")).collect();
    std::fs::write(fixture.path("faces/train_data/shorter.txt"), shorter).unwrap();
    let said = eval(SUPERNET, "--list shorter.txt");
    assert!(said.contains("shorter.txt") && said.contains("--list"), "{said}");
    // Its statistics are then those of all faces there.
    fixture.done(&format!("eval --split train --model {SUPERNET} --data faces --list shorter.txt"));
    if engine() {
        fixture.done(&format!("export --subnet {SUPERNET} --out run/subnet.onnx --data faces"));
        let bytes = read(&fixture.path("run/subnet.onnx"));
        let broken = onnx::with_note(bytes, trainer::task::faces::TRAINED_ON, "{\"held_back\":");
        std::fs::write(fixture.path("broken.onnx"), broken).unwrap();
        let said = eval("broken.onnx", "");
        assert!(said.contains("broken.onnx") && said.contains(trainer::task::faces::TRAINED_ON), "{said}");
    }
}

/// Who is held back depends on whose pictures they are: of another division, a figure would be of faces that were trained on.
#[test]
fn a_list_that_is_divided_otherwise_is_refused() {
    let fixture = Fixture::new(24);
    let search = SEARCH.replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --out run"));
    let eval = format!("eval --split held-back --model {SUPERNET} --data faces");
    fixture.done(&eval);
    let list = text(&read(&fixture.path("faces/train_data/list.txt")));
    let names = list.lines().filter_map(|line| line.split(' ').next()?.rsplit('/').next());
    let people: String = names.enumerate().map(|(i, name)| format!("{name},p{}\n", i / 2)).collect();
    std::fs::write(fixture.path("faces/train_data/meta.csv"), format!("file,identity\n{people}")).unwrap();
    fixture.fails(&eval, 2, &OtherwiseDivided);
    fixture.fails("search --out run --resume", 2, &OtherwiseDivided);
    fixture.fails(&format!("{FINETUNE} --out run"), 2, &OtherwiseDivided);
}

/// Running statistics, by name.
fn statistics(weights: blocks::Weights) -> Vec<(String, Vec<u32>)> {
    let all = weights.0.into_iter().filter(|(name, _)| name.contains("running_"));
    all.map(|(name, values)| (name, values.into_iter().map(f32::to_bits).collect())).collect()
}

/// The statistics of the subnet that `checkpoint` would choose, as `eval` and `export` take them.
fn retaken(fixture: &Fixture, checkpoint: &str) -> trainer::task::faces::Subnet {
    let subnet = subnet(&fixture.path(checkpoint), None).unwrap();
    let train = open_dataset(&fixture.path("faces"), Split::Train, "list.txt", None, subnet.input()).unwrap();
    subnet.recalibrated(&train).unwrap()
}

#[test]
fn a_subnets_statistics_are_the_same_to_the_last_bit_in_finetune_eval_and_export() {
    let fixture = searched();
    let own = retaken(&fixture, SUPERNET);
    // An epoch is three batches, so that a single one would leave most of the mixtures'.
    let of_mixtures = subnet(&fixture.path(SUPERNET), None).unwrap();
    let (own_statistics, old) = (statistics(own.weights.clone()), statistics(of_mixtures.weights));
    assert!(own_statistics.len() > 20 && std::iter::zip(&own_statistics, &old).all(|(own, old)| own != old));

    // What a finetune starts from stays where its first epoch comes to nothing. Its batch, its seed and what it holds back are its own.
    let said = fixture.refused("finetune --data faces --batch 24 --base-lr 1e39 --end-epoch 1 --seed 9 --out run", 1);
    assert!(said.contains("--base-lr"), "{said}");
    let start = Checkpoint::load(&fixture.path(SUBNET)).unwrap();
    assert_eq!(start.meta.epoch, 0);
    assert!(statistics(start.weights("backbone")) == own_statistics);

    if engine() {
        fixture.done(&format!("export --subnet {SUPERNET} --out own.onnx --data faces"));
        let expected = onnx::model(&own.graph, &own.weights, &Options::default()).unwrap();
        let [found, expected] = [read(&fixture.path("own.onnx")), expected].map(|bytes| onnx::constants(&bytes).unwrap());
        assert!(found == expected);
    }
}

#[test]
fn before_and_after_a_finetune_are_of_the_same_faces() {
    let fixture = searched();
    let said = fixture.done(&format!("{FINETUNE} --out run"));
    let before = nme(&fixture, &format!("--model {SUPERNET}"));
    let after = nme(&fixture, &format!("--model {SUBNET}"));
    assert!(said.contains(&format!(" {before:.2} % ")), "{before} {said}");
    assert!(said.contains(&format!(" {after:.2} % ")), "{after} {said}");
}

/// A run whose only step of an epoch has a loss, but leaves no numbers: what was there stays, and the rate that did it is named.
#[track_caller]
fn assert_diverges(fixture: &Fixture, line: &str, last: &str, (epoch, flag, tensor): (usize, &'static str, &str)) {
    let said = fixture.refused(line, 1);
    // The tensor is the first of its net.
    let named = said.split('\'').nth(1).unwrap();
    assert!(named.starts_with(tensor), "{said}");
    let error = TrainError::NotFinite { epoch, tensor: named.to_string(), flag, last: last.into() };
    assert!(said.contains(&error.to_string()), "{said}");
    assert_eq!(Checkpoint::load(&fixture.path(last)).unwrap().meta.epoch, epoch - 1);
}

#[test]
fn weights_that_are_no_numbers_are_never_saved() {
    let fixture = Fixture::new(24);
    let search = SEARCH.replace("--batch 8", "--batch 24").replace("--end-epoch 4", "--end-epoch 2");
    let last = |run: &str| format!("{run}/supernet/checkpoint_last.safetensors");
    let fast = search.replace("--base-lr 1e-3", "--base-lr 1e39");
    assert_diverges(&fixture, &format!("{fast} --out weights"), &last("weights"), (1, "--base-lr", "backbone."));
    assert!(!fixture.path("weights/metrics.csv").exists(), "no row of that epoch");
    // The architecture is trained from the second epoch on: the checkpoint of the first stays.
    let fast = format!("{search} --theta-lr 1e39 --opt adam");
    assert_diverges(&fixture, &format!("{fast} --out theta"), &last("theta"), (2, "--theta-lr", "path_alpha"));

    fixture.done(&format!("{search} --out run"));
    let finetune = FINETUNE.replace("--batch 8", "--batch 24").replace("--base-lr 1e-3", "--base-lr 1e39");
    assert_diverges(&fixture, &format!("{finetune} --out run"), SUBNET, (1, "--base-lr", "backbone."));
    // It may be started again.
    fixture.done(&format!("{FINETUNE} --out run --overwrite"));
}
