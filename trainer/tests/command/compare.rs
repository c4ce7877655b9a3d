//! A comparison by one settings file: all networks of two seeds, resumed where it was interrupted.

use std::fs;

use serde_json::Value;
use trainer::commands::SettingsError;

use crate::common::{Fixture, engine, read, text};

const SETTINGS: &str = r#"seeds = [3, 5]

[both]
data = "faces"
batch = 8
base-lr = 1e-3

[search]
lut = ["lut.csv"]
start-epoch = 1
end-epoch = 2

[finetune]
end-epoch = 1

[baseline]
end-epoch = 1

[random]
nets = 3
again = 1

[sweep]
betas = [0.6, 5]
nets = 3

[[measure]]
device = "a board"
profiler = "./profiler.sh"
"#;

/// What stands in for the profiler: the second network takes ten times as long as the first. It counts its calls.
#[cfg(unix)]
fn write_profiler(fixture: &Fixture) {
    use std::os::unix::fs::PermissionsExt;
    let script = r#"#!/bin/sh
echo "$@" >> calls
echo '[{"model": "'"$2"'", "median_us": 99, "paired_us": 100}, {"model": "'"$3"'", "median_us": 999, "paired_us": 1000}]'
"#;
    let path = fixture.path("profiler.sh");
    fs::write(&path, script).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

#[cfg(unix)]
#[test]
fn two_seeds_are_compared_and_nothing_is_done_twice() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(24);
    write_profiler(&fixture);
    fs::write(fixture.path("compare.toml"), SETTINGS).unwrap();
    let command = "compare compare.toml --out out --threads 2 --json";
    let first = fixture.done(command);
    let result: Value = serde_json::from_str(&first).unwrap();
    let seeds = result["seeds"].as_array().unwrap();
    assert_eq!(seeds.iter().map(|seed| seed["seed"].as_u64()).collect::<Vec<_>>(), [Some(3), Some(5)]);
    for seed in seeds {
        let folder = format!("out/seed-{}", seed["seed"]);
        let arch: Value = serde_json::from_slice(&read(&fixture.path(&format!("{folder}/arch.json")))).unwrap();
        assert_eq!((&seed["choice"], &seed["searched"]["predicted"][0]), (&arch["choice"], &arch["predicted"]["total"]));
        for (name, folder, measured) in
            [("searched", folder.clone(), 100.0), ("baseline", format!("{folder}/baselines/mobilenet"), 1000.0)]
        {
            let onnx = fixture.path(&format!("{folder}/subnet.onnx")).metadata().unwrap().len();
            assert_eq!((seed[name]["bytes"].as_u64(), &seed[name]["measured_us"][0]), (Some(onnx), &measured.into()));
            let rows = trainer::run::MetricsLog::open(&fixture.path(&format!("{folder}/metrics.csv"))).unwrap();
            let last = rows.rows().last().unwrap();
            assert_eq!(seed[name]["nme"].as_f64(), last.val_nme);
            assert!(seed[name]["training_s"].as_f64().unwrap() >= last.seconds);
        }
        let random = seed["random"]["random"].as_array().unwrap();
        assert_eq!(random.len(), 3);
        // The first was trained twice; of all it is known how good they were before.
        assert!(random[0]["again"].is_number() && random[0]["again"] != random[0]["nme"] && random[1]["again"].is_null());
        assert!(random.iter().all(|net| net["recalibrated"].as_f64().unwrap() > 0.0));
        // The point of the run's own settings has the run's networks.
        let front = seed["front"].as_array().unwrap();
        assert_eq!(front.iter().map(|point| point["name"].as_str().unwrap()).collect::<Vec<_>>(), ["beta-0.6", "beta-5"]);
        assert_eq!(front[0]["networks"], seed["random"]);
        assert!(!front[1]["networks"]["random"].as_array().unwrap().is_empty());
        assert!(fixture.path(&format!("{folder}/report.html")).is_file());
    }
    let found = &result["found"];
    assert!(found["random"]["difference"]["interval"].is_array(), "{found}");
    assert_eq!((found["worth"]["networks"].as_u64(), found["worth"]["repeated"].as_u64()), (Some(6), Some(2)));
    assert!(found["worth"]["truth"]["interval"].is_array() && found["ranking"]["tau"].is_number(), "{found}");
    // Two epochs without a decay of one's own: the temperature would end at 0.2 after the one behind the warm-up.
    let config = text(&read(&fixture.path("out/seed-3/config.toml")));
    assert!(config.contains("tau_decay = 3.2189"), "{config}");
    let calls = || text(&read(&fixture.path("calls")));
    let expected = "bench out/seed-3/subnet.onnx out/seed-3/baselines/mobilenet/subnet.onnx --json --device a board --threads 1";
    assert_eq!((calls().lines().count(), calls().lines().next()), (2, Some(expected)));

    // Again: only the missing network is trained, and the result is the same.
    let checkpoint =
        |seed: usize, i: usize| fixture.path(&format!("out/seed-{seed}/baselines/random-{i}/subnet/checkpoint_last.safetensors"));
    let missing = read(&checkpoint(5, 2));
    let kept = fs::metadata(checkpoint(5, 1)).unwrap().modified().unwrap();
    fs::remove_dir_all(fixture.path("out/seed-5/baselines/random-2")).unwrap();
    assert_eq!(fixture.done(command), first);
    assert!(read(&checkpoint(5, 2)) == missing && fs::metadata(checkpoint(5, 1)).unwrap().modified().unwrap() == kept);
    assert_eq!(calls().lines().count(), 2);
    let html = text(&read(&fixture.path("out/report.html")));
    assert!(html.contains("id=\"networks\"") && html.contains("<td>0.100 ± 0.000</td>"), "{html}");
    // Each seed has its picture of costs.
    let sections: Vec<&str> = html.split("<h2 id=\"seed-").skip(1).collect();
    assert!(sections.len() == 2 && sections.iter().all(|section| section.contains("<svg")), "{html}");
    assert!(sections[0].starts_with('3') && sections[1].starts_with('5'), "{html}");
    let shown = fixture.done(command.trim_end_matches(" --json"));
    assert_eq!(shown, text(&read(&fixture.path("out/results.md"))));
    let [tau, difference] =
        [&found["ranking"]["tau"], &found["random"]["difference"]["value"]].map(|value| value.as_f64().unwrap());
    assert!(shown.contains(&format!(" {tau:.2}")) && shown.contains(&format!("{difference:+.3}")), "{shown}");
    // Published beside ours: a tenth of the time.
    assert!(shown.contains("| latency (a board, 1 thread) | 0.100 ± 0.000 | 0.16 |"), "{shown}");
}

#[test]
fn settings_that_cannot_be_used_train_nothing() {
    let fixture = Fixture::new(10);
    let fails = |text: &str, error: SettingsError| {
        fs::write(fixture.path("compare.toml"), text).unwrap();
        fixture.fails("compare compare.toml --out out", 2, &error);
    };
    fails(&SETTINGS.replace("seeds = [3, 5]", "seeds = []"), SettingsError::NoSeeds);
    let own = SettingsError::Own { section: "search", flag: "seed".to_string() };
    fails(&SETTINGS.replace("start-epoch = 1", "seed = 1"), own);
    for (setting, named) in [("betta = 1", "betta"), ("beta = 'x'", "beta"), ("lut = ['gone.csv']", "gone.csv")] {
        fs::write(fixture.path("compare.toml"), SETTINGS.replace("lut = [\"lut.csv\"]", setting)).unwrap();
        let said = fixture.refused("compare compare.toml --out out", 2);
        assert!(said.contains(named), "{setting}: {said}");
    }
    assert!(!fixture.path("out").exists());
}
