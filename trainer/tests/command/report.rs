//! What a report says of errors, times and networks that are not the searched one's.

use serde_json::Value;

use crate::common::{Fixture, SEARCH, read, text};

const FINETUNE: &str = "finetune --data faces --batch 8 --base-lr 1e-3 --end-epoch 1 --seed 3 --out run";

/// The report's page, made again.
fn page(fixture: &Fixture) -> String {
    fixture.done("report run");
    text(&read(&fixture.path("run/report.html")))
}

fn search(costs: &str) -> String {
    SEARCH.replace("--lut lut.csv", costs).replace("--end-epoch 4", "--end-epoch 2") + " --out run"
}

#[test]
fn figures_of_other_networks_are_not_the_runs() {
    let fixture = Fixture::new(24);
    fixture.done(&search("--lut lut.csv"));
    let arch: Value = serde_json::from_slice(&read(&fixture.path("run/arch.json"))).unwrap();
    let mut choice: Vec<_> = arch["choice"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let candidates = arch["layers"][0]["candidates"].as_array().unwrap();
    choice[0] = candidates.iter().map(|c| c["primitive"].as_str().unwrap()).find(|&name| name != choice[0]).unwrap();

    let loud = "id=\"other-network\"";
    assert!(!page(&fixture).contains(loud), "nothing is finetuned");
    fixture.done(&format!("{FINETUNE} --arch {}", choice.join(",")));
    let html = page(&fixture);
    assert!(html.contains(loud) && html.contains(&choice.join(" ")), "{html}");
    fixture.done(&format!("{FINETUNE} --overwrite"));
    let html = page(&fixture);
    assert!(!html.contains(loud));
    // An epoch is a chart's only value: no axis goes below 0.
    assert!(!html.contains(">-"), "{html}");

    let measured = |folder: &str, json: &str| std::fs::write(fixture.path(&format!("{folder}/measured.json")), json).unwrap();
    let others = r#"{"model": "a/net.onnx", "median_us": 111.1, "ci95_us": [110.0, 112.0]}"#;
    let own = r#"{"model": "some/where/subnet.onnx", "median_us": 222.2, "ci95_us": [220.0, 224.0]}"#;
    let loud = "id=\"measured-others\"";
    measured("run", &format!("[{others}]"));
    let html = page(&fixture);
    assert!(html.contains(loud) && !html.contains("111.1 ±"), "{html}");
    measured("run", &format!("[{others}, {own}]"));
    let html = page(&fixture);
    assert!(!html.contains(loud) && html.contains("222.2 ± 2.0 µs"), "{html}");

    // The baseline is beside it once its time is known; before, the page says what is missing.
    let folder = "run/baselines/mobilenet";
    fixture.done("baseline mobilenet --run run --end-epoch 1");
    let html = page(&fixture);
    let command = format!("profiler bench {folder}/subnet.onnx --json &gt; {folder}/measured.json");
    assert!(html.contains("id=\"others\"") && html.contains("id=\"unmeasured\"") && html.contains(&command), "{html}");
    assert!(!fixture.path("run/pareto.csv").exists(), "one network makes no front");
    measured(folder, &format!("[{own}]"));
    assert!(!page(&fixture).contains("id=\"unmeasured\""));
    let rows = text(&read(&fixture.path("run/pareto.csv")));
    assert!(rows.lines().count() == 1 + 2 && rows.contains("MobileNetV3-PFLD,baseline,222.2,"), "{rows}");
    assert!(text(&read(&fixture.path("run/pareto.svg"))).contains("MobileNetV3-PFLD"));
}

#[test]
fn the_baselines_multiply_adds_need_no_measurement() {
    let fixture = Fixture::new(24);
    fixture.done(&search("--perf-metric flops"));
    fixture.done(FINETUNE);
    fixture.done("baseline mobilenet --run run --end-epoch 1");
    let rows = || text(&read(&fixture.path("run/pareto.csv")));
    let macs = blocks::baseline::deployed(106).macs();
    assert!(rows().contains(&format!("MobileNetV3-PFLD,baseline,{macs}.0,")), "{}", rows());
    fixture.done("baseline random --run run --nets 1");
    assert_eq!(rows().lines().count(), 1 + 3, "{}", rows());
    let html = page(&fixture);
    assert!(html.contains("random-1") && !html.contains("id=\"unmeasured\"") && html.contains("<th>multiply-adds</th>"), "{html}");
}
