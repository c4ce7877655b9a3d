//! How a search chooses its network: at once, or again after it has ended; always by faces that are held back.

use std::fs;

use serde_json::Value;
use trainer::choose::Candidate;
use trainer::cost::ArchFile;
use trainer::train::SettingError;

use crate::common::{FINETUNE, Fixture, SEARCH, read, searched};

fn arch(fixture: &Fixture, run: &str) -> ArchFile {
    ArchFile::load(&fixture.path(&format!("{run}/arch.json"))).unwrap()
}

fn candidates(fixture: &Fixture, run: &str) -> Vec<Candidate> {
    Candidate::read(&fixture.path(&format!("{run}/candidates.csv"))).unwrap()
}

#[test]
fn a_finished_search_chooses_again_by_recalibrated_error() {
    let fixture = searched();
    let files = ["arch.json", "supernet/checkpoint_last.safetensors", "config.toml"];
    let before = files.map(|file| read(&fixture.path(&format!("run/{file}"))));
    let probable = arch(&fixture, "run");

    fixture.done("search --out run --resume --choose recalibrated --candidates 6");
    let (found, chosen) = (candidates(&fixture, "run"), arch(&fixture, "run"));
    assert_eq!(found.len(), 6);
    let errors: Vec<f64> = found.iter().map(|candidate| candidate.recalibrated_nme.unwrap()).collect();
    assert!(errors.is_sorted(), "{errors:?}");
    assert!(found.iter().all(|candidate| candidate.seconds > 0.0));
    assert_eq!((found[0].choice.clone(), found[0].predicted), (chosen.choice.join(" "), chosen.predicted.total));
    // Without a target: the most probable one, and others that are not slower.
    let most = found.iter().find(|candidate| candidate.choice == probable.choice.join(" ")).unwrap();
    assert!(found.iter().all(|candidate| candidate.log_probability <= most.log_probability), "{found:?}");
    let slowest = probable.predicted.searched * (1.0 + 1e-9) + probable.predicted.trunk.unwrap();
    assert!(found.iter().all(|candidate| candidate.predicted <= slowest), "{found:?}");
    let json: Value = serde_json::from_slice(&read(&fixture.path("run/arch.json"))).unwrap();
    assert_eq!(json["chosen_by"], serde_json::json!({ "by": "recalibrated", "candidates": 6 }));

    // The error is what `eval` finds on the faces held back, and finetune takes that network.
    let eval = "eval --model run/supernet/checkpoint_last.safetensors --data faces --split held-back --json";
    let told: Value = serde_json::from_str(&fixture.done(eval)).unwrap();
    assert!((100.0 * told["nme"].as_f64().unwrap() - errors[0]).abs() < 1e-9, "{told} {errors:?}");
    fixture.done(&format!("{FINETUNE} --out run"));
    let config = trainer::train::RunConfig::<trainer::task::faces::FaceTask>::load(&fixture.path("run/config.toml")).unwrap();
    assert_eq!(config.finetune.unwrap().choice, chosen.choice);

    // Back again: nothing but the finetune is left of it.
    fs::remove_dir_all(fixture.path("run/subnet")).unwrap();
    fixture.done("search --out run --resume --choose probable");
    let mut after = files.map(|file| read(&fixture.path(&format!("run/{file}"))));
    assert!(before[..2] == after[..2]);
    after[2].truncate(before[2].len());
    assert!(before[2] == after[2] && !fixture.path("run/candidates.csv").exists());
}

#[test]
fn a_choice_at_once_is_the_same_as_one_after_the_search_and_meets_the_target() {
    let fixture = searched();
    let target = arch(&fixture, "run").predicted.total.floor();
    let search = format!("{} --target-us {target}", SEARCH.replace("--end-epoch 4", "--end-epoch 2"));
    let choose = "--choose recalibrated --candidates 4";
    fixture.done(&format!("{search} {choose} --out at-once"));
    fixture.done(&format!("{search} --out later"));
    fixture.done(&format!("search --out later --resume {choose}"));
    for file in ["arch.json", "supernet/checkpoint_last.safetensors", "config.toml"] {
        assert!(read(&fixture.path(&format!("at-once/{file}"))) == read(&fixture.path(&format!("later/{file}"))), "{file}");
    }
    assert!(candidates(&fixture, "later").iter().all(|candidate| candidate.predicted <= target));
    // Resumed without flags it stays as it is.
    let before = read(&fixture.path("later/arch.json"));
    fixture.done("search --out later --resume");
    assert!(read(&fixture.path("later/arch.json")) == before);
}

#[test]
fn finalists_are_trained_and_the_better_half_of_them_further() {
    let fixture = searched();
    let choose = "search --out run --resume --choose halving --candidates 5 --finalists 3 --final-epochs 1";
    fixture.done(choose);
    let found = candidates(&fixture, "run");
    assert_eq!(found.iter().map(|candidate| candidate.epochs).collect::<Vec<_>>(), [2, 2, 1, 0, 0]);
    assert!(found[0].finetuned_nme < found[1].finetuned_nme && found[3].finetuned_nme.is_none(), "{found:?}");
    // The finalists were the best three with the supernet's weights.
    let recalibrated = |candidate: &Candidate| candidate.recalibrated_nme.unwrap();
    assert!(found[..3].iter().all(|finalist| recalibrated(finalist) <= recalibrated(&found[3])), "{found:?}");
    assert_eq!(arch(&fixture, "run").choice.join(" "), found[0].choice);
    let round = |candidate: &Candidate, round: usize| format!("run/choice/{}/round-{round}", candidate.choice.replace(' ', "+"));
    let config = fs::read_to_string(fixture.path(&format!("{}/config.toml", round(&found[0], 2)))).unwrap();
    assert!(config.contains("hold_back = 0.2") && config.contains("round-1/subnet/checkpoint_last"), "{config}");

    // What a stopped choice had trained is not trained again, and the result is the same.
    let file = |candidate: &Candidate| fixture.path(&format!("{}/subnet/checkpoint_last.safetensors", round(candidate, 1)));
    let kept = fs::metadata(file(&found[1])).unwrap().modified().unwrap();
    fs::remove_dir_all(fixture.path(&round(&found[0], 2))).unwrap();
    fixture.done(choose);
    let again = candidates(&fixture, "run");
    let told =
        |found: &[Candidate]| found.iter().map(|c| (c.choice.clone(), c.recalibrated_nme, c.finetuned_nme)).collect::<Vec<_>>();
    assert_eq!(told(&again), told(&found));
    assert_eq!(fs::metadata(file(&found[1])).unwrap().modified().unwrap(), kept);
}

#[test]
fn the_test_list_never_chooses() {
    let fixture = Fixture::new(12);
    fixture.fails(&format!("{SEARCH} --choose recalibrated --arch-data test --out run"), 2, &SettingError::ChoiceByTest);
    fixture.fails(&format!("{SEARCH} --choose recalibrated --candidates 0 --out run"), 2, &SettingError::NoCandidates);
    let none = "--choose halving --finalists 0";
    fixture.fails(&format!("{SEARCH} {none} --out run"), 2, &SettingError::NoFinalists);
    let said = fixture.refused(&format!("{SEARCH} --candidates 3 --out run"), 2);
    assert!(said.contains("--choose"), "{said}");
}
