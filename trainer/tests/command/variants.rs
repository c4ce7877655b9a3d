//! Searches off the beaten path: the reference's ways, other numbers of points, other spaces.

use std::fs;

use crate::common::{Fixture, SEARCH, read};

/// Every list cut down to its first `points` landmarks, as `NAME.txt`.
fn list_of(fixture: &Fixture, points: usize, name: &str) {
    for split in ["train_data", "test_data"] {
        let folder = fixture.path("faces").join(split);
        let text = fs::read_to_string(folder.join("list.txt")).unwrap();
        let cut = |line: &str| {
            let words: Vec<&str> = line.split_whitespace().collect();
            [&words[..1 + 2 * points], &words[words.len() - 3..]].concat().join(" ") + "\n"
        };
        fs::write(folder.join(format!("{name}.txt")), text.lines().map(cut).collect::<String>()).unwrap();
    }
}

fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

#[test]
fn the_references_ways_are_restored_on_purpose() {
    let fixture = Fixture::new(20);
    let search = SEARCH.replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --reference --out run"));
    let config = fs::read_to_string(fixture.path("run/config.toml")).unwrap();
    for setting in ["arch_data = \"test\"", "augment = \"none\"", "pose_weight = \"raw\"", "reference = true"] {
        assert!(config.contains(setting), "{setting}: {config}");
    }
    // Numbered from 0.
    assert!(fixture.path("run/supernet/checkpoint_0.safetensors").exists());
    // A flag beside it stands.
    fixture.done(&format!("{search} --reference --augment strong --out strong"));
    assert!(fs::read_to_string(fixture.path("strong/config.toml")).unwrap().contains("augment = \"strong\""));

    let finetune = "--data faces --batch 8 --base-lr 1e-3 --end-epoch 2";
    let output = fixture.run(&format!("finetune {finetune} --reference --out run"));
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("WARNING: "));
    // The test list judges, which it never does by default.
    assert!(fixture.path("run/subnet/checkpoint_best.safetensors").exists());
    fixture.done(&format!("finetune {finetune} --supernet run/supernet/checkpoint_last.safetensors --out own"));
    assert!(!fixture.path("own/subnet/checkpoint_best.safetensors").exists());
    let config = fs::read_to_string(fixture.path("own/config.toml")).unwrap();
    assert!(!config.contains("reference") && config.contains("pose_weight = \"floor\""), "{config}");
}

#[test]
fn a_warm_up_may_train_paths_and_the_architecture_see_them() {
    let fixture = Fixture::new(40);
    // Two epochs of warm-up, one of the search.
    let search = format!("{SEARCH} --warm-up fair --arch-paths single")
        .replace("--start-epoch 1 --end-epoch 4", "--start-epoch 2 --end-epoch 3");
    fixture.done(&format!("{search} --out run"));
    let config = fs::read_to_string(fixture.path("run/config.toml")).unwrap();
    assert!(config.contains("warm_up = \"fair\"") && config.contains("arch_paths = \"single\""), "{config}");
    // The same for any number of threads.
    fixture.done(&format!("{} --out other", search.replace("--threads 2", "--threads 1")));
    for file in ["arch.json", "supernet/checkpoint_last.safetensors"] {
        assert!(read(&fixture.path(&format!("run/{file}"))) == read(&fixture.path(&format!("other/{file}"))), "{file}");
    }
    // Neither is the default, and each of them changes the result.
    let alpha = |run: &str| json(&String::from_utf8(read(&fixture.path(&format!("{run}/arch.json")))).unwrap())["layers"].clone();
    for (other, run) in [("--warm-up fair", "fair"), ("--arch-paths single", "single")] {
        let search = search.replace("--warm-up fair --arch-paths single", other);
        fixture.done(&format!("{search} --out {run}"));
        assert_ne!(alpha(run), alpha("run"));
    }
    fixture.fails(&format!("{search} --compute cuda --out x"), 2, &trainer::train::SettingError::PathsOnGpu);
}

#[test]
fn all_numbers_of_points_are_searched_and_evaluated() {
    let fixture = Fixture::new(12);
    for points in [19, 29, 68, 98] {
        let name = format!("points{points}");
        list_of(&fixture, points, &name);
        let list = format!("--list {name}.txt");
        fixture.done(&format!("{} {list} --perf-metric flops --out {name}", SEARCH.replace("--end-epoch 4", "--end-epoch 1")));
        let model = format!("--model {name}/supernet/checkpoint_last.safetensors");
        let found = json(&fixture.done(&format!("eval {model} --data faces {list} --json")));
        for field in ["nme", "failure_rate_10", "auc"] {
            assert!(found[field].is_number(), "{points}: {found}");
        }
        assert_eq!(found["per_point"].as_array().unwrap().len(), points);
        let curve = found["curve"].as_array().unwrap();
        assert!((1.0 - curve[curve.len() - 1][1].as_f64().unwrap() - found["failure_rate_10"].as_f64().unwrap()).abs() < 1e-12);
        if points == 19 {
            fixture.done(&format!("finetune {list} --data faces --batch 8 --end-epoch 1 --out {name}"));
            let model = format!("--model {name}/subnet/checkpoint_last.safetensors");
            let found = json(&fixture.done(&format!("eval {model} --data faces {list} --json")));
            // Fractions of the side divided by 34 pixels, as the reference has it, are 112 times smaller.
            let quirk = json(&fixture.done(&format!("eval {model} --data faces {list} --reference --json")));
            let [own, quirk] = [&found, &quirk].map(|f| f["nme"].as_f64().unwrap());
            assert!((own / quirk - 112.0).abs() < 1e-6, "{own} {quirk}");
        }
        // The same points under a scheme of the user's: half the normaliser, twice the error.
        if points == 29 {
            fs::write(fixture.path("own.toml"), "count = 29\nnme_fixed_px = 17\n").unwrap();
            fs::write(fixture.path("double.toml"), "count = 29\nnme_fixed_px = 34\n").unwrap();
            let [a, b] = ["own.toml", "double.toml"].map(|file| {
                let found = json(&fixture.done(&format!("eval {model} --data faces {list} --points-file {file} --json")));
                found["nme"].as_f64().unwrap()
            });
            assert!((a / b - 2.0).abs() < 1e-6, "{a} {b}");
        }
    }
    list_of(&fixture, 40, "points40");
    let said = fixture.refused(&format!("{SEARCH} --list points40.txt --perf-metric flops --out x"), 2);
    assert!(said.contains("nme_pair") && said.contains("--points-file"), "{said}");
}

/// Three stages, 26 candidates a layer, `skip` among them, which costs nothing and drops in training.
#[test]
fn the_larger_space_is_searched_and_its_choice_finetuned() {
    let fixture = Fixture::new(10);
    let search = SEARCH.replace("--end-epoch 4", "--end-epoch 2").replace("--lut lut.csv ", "");
    fixture.done(&format!("{search} --space pfld26 --perf-metric flops --mode add --alpha 1e-7 --opt adam --out run"));
    let arch = json(&String::from_utf8(read(&fixture.path("run/arch.json"))).unwrap());
    let layers = arch["layers"].as_array().unwrap();
    assert_eq!((layers.len(), layers[0]["candidates"].as_array().unwrap().len(), &arch["unit"]), (6, 26, &"MAC".into()));
    assert_eq!(layers[0]["candidates"][0]["cost"], 0.0);

    let skips = "skip,mb_k3_e2_res,conv1x1,skip,depth_conv,skip";
    fixture.done(&format!("finetune --data faces --out run --arch {skips} --batch 8 --base-lr 1e-3 --end-epoch 1"));
    let model = "eval --model run/subnet/checkpoint_last.safetensors --data faces --json";
    let [own, again, dropping] = ["", "", "--reference"].map(|flag| json(&fixture.done(&format!("{model} {flag}")))["nme"].clone());
    assert_eq!(own, again);
    assert_ne!(own, dropping, "skip drops in the reference's evaluation");
}
