//! What a searched network is compared with: random ones, a sweep, the baseline; targets, and several tables.

use std::process::Stdio;
use std::time::Duration;

use luts::{Micros, Overwrite, Source, Table};
use serde_json::Value;
use trainer::compare::CompareError;
use trainer::cost::TermError;

use crate::common::{Fixture, SEARCH, engine, finished, read, table, text};

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"))
}

fn arch(fixture: &Fixture, run: &str) -> Value {
    json(&text(&read(&fixture.path(&format!("{run}/arch.json")))))
}

#[test]
fn random_networks_are_about_as_fast_trained_alike_and_compared() {
    let fixture = finished();
    let command = "baseline random --run run --nets 3 --json";
    let first = fixture.done(command);
    let comparison = json(&first);
    let searched = comparison["searched"]["predicted"].as_f64().unwrap();
    assert!((searched - arch(&fixture, "run")["predicted"]["total"].as_f64().unwrap()).abs() < 1e-6);
    let nets = comparison["random"].as_array().unwrap();
    let choices: std::collections::BTreeSet<_> = nets.iter().map(|net| net["choice"].to_string()).collect();
    assert_eq!(choices.len(), 3);
    assert!(!choices.contains(&comparison["searched"]["choice"].to_string()));
    for net in nets {
        let predicted = net["predicted"].as_f64().unwrap();
        assert!((0.97 * searched..=1.03 * searched).contains(&predicted), "{net}");
    }
    let faster = nets.iter().map(|net| net["predicted"].as_f64().unwrap() <= searched);
    assert_eq!(faster.collect::<Vec<_>>(), [true, false, true], "in turn");
    let nmes: Vec<f64> = nets.iter().map(|net| net["nme"].as_f64().unwrap()).collect();
    let mean = nmes.iter().sum::<f64>() / 3.0;
    let sd = (nmes.iter().map(|n| (n - mean).powi(2)).sum::<f64>() / 2.0).sqrt();
    assert!((comparison["mean"].as_f64().unwrap() - mean).abs() < 1e-9 && (comparison["sd"].as_f64().unwrap() - sd).abs() < 1e-9);
    // The line through three networks by hand, held against the searched one at its time.
    let costs: Vec<f64> = nets.iter().map(|net| net["predicted"].as_f64().unwrap()).collect();
    let centre = costs.iter().sum::<f64>() / 3.0;
    let spread: f64 = costs.iter().map(|c| (c - centre).powi(2)).sum();
    let slope = costs.iter().zip(&nmes).map(|(c, n)| (c - centre) * (n - mean)).sum::<f64>() / spread;
    let difference = comparison["searched"]["nme"].as_f64().unwrap() - mean - slope * (searched - centre);
    let adjusted = &comparison["adjusted"];
    assert!((adjusted["difference"]["value"].as_f64().unwrap() - difference).abs() < 1e-9, "{adjusted}");
    let [low, high] = [0, 1].map(|i| adjusted["difference"]["interval"][i].as_f64().unwrap());
    assert!(low < difference && difference < high && adjusted["prolonged"] == false, "{adjusted}");
    let said = fixture.done(command.trim_end_matches(" --json"));
    assert!(said.contains(&format!("{difference:+.3} (95 %: {low:+.3} to {high:+.3})")), "{said}");
    let two = json(&fixture.done("baseline random --run run --nets 2 --json"));
    assert!(two["adjusted"].is_null() && two["difference"]["value"].is_number(), "{two}");

    // Goes on where it stopped, with the same result: one network whole, one before its end, one not begun.
    let checkpoint = |i: usize| fixture.path(&format!("run/baselines/random-{i}/subnet/checkpoint_last.safetensors"));
    let [kept, new] = [read(&checkpoint(1)), read(&checkpoint(3))];
    let before = std::fs::metadata(checkpoint(1)).unwrap().modified().unwrap();
    std::fs::remove_file(fixture.path("run/baselines/random-2/metrics.csv")).unwrap();
    std::fs::remove_file(checkpoint(2)).unwrap();
    std::fs::remove_dir_all(fixture.path("run/baselines/random-3")).unwrap();
    assert_eq!(fixture.done(command), first);
    assert_eq!((read(&checkpoint(1)), std::fs::metadata(checkpoint(1)).unwrap().modified().unwrap()), (kept, before));
    assert!(read(&checkpoint(3)) == new);

    // Another finetune of the run would make another comparison.
    let unfinished = CompareError::Unfinished { folder: "faces".into(), training: "search" };
    fixture.fails("baseline random --run faces --nets 1", 2, &unfinished);
    let said = fixture.refused("baseline random --run run --nets 100000", 2);
    assert!(said.contains("--nets"), "{said}");
}

#[test]
fn a_sweep_shares_the_warm_up_and_goes_on_where_it_was_killed() {
    let fixture = finished();
    let whole = arch(&fixture, "run")["predicted"]["total"].as_f64().unwrap();
    let least: f64 = {
        let arch = arch(&fixture, "run");
        let layer =
            |l: &Value| l["candidates"].as_array().unwrap().iter().map(|c| c["cost"].as_f64().unwrap()).fold(f64::MAX, f64::min);
        arch["layers"].as_array().unwrap().iter().map(layer).sum::<f64>() + arch["predicted"]["trunk"].as_f64().unwrap()
    };
    let target = (least + 0.1 * (whole - least)).ceil();
    let command = format!("sweep --run run --betas 0.6,5 --targets-us {target} --threads 2");

    let mut child = fixture.command(&command).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    while !fixture.path("run/sweep/beta-5/supernet/checkpoint_last.safetensors").exists() {
        assert_eq!(child.try_wait().unwrap(), None);
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    fixture.done(&command);
    // β 0.6 is the run's own: nothing was trained for it.
    assert!(!fixture.path("run/sweep/beta-0.6").exists());
    let metrics = text(&read(&fixture.path("run/sweep/beta-5/metrics.csv")));
    let phases: Vec<_> = metrics.lines().skip(1).map(|l| l.split(',').take(2).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(phases, ["search 2", "finetune 1"], "no warm-up of its own");
    let found = arch(&fixture, &format!("run/sweep/target-{target}us"));
    assert!(found["predicted"]["total"].as_f64().unwrap() <= target, "{found}");
    assert_eq!(found["target"].as_f64(), Some(target));
    // What finetune takes from the supernet is that network, not the unconstrained argmax.
    let config = text(&read(&fixture.path(&format!("run/sweep/target-{target}us/config.toml"))));
    assert!(found["choice"].as_array().unwrap().iter().all(|c| config.contains(c.as_str().unwrap())), "{config}");

    let rows = text(&read(&fixture.path("run/pareto.csv")));
    assert_eq!(rows.lines().count(), 1 + 3, "{rows}");
    assert!(text(&read(&fixture.path("run/pareto.svg"))).contains("beta-5"));
    fixture.done("report run");
    assert!(text(&read(&fixture.path("run/report.html"))).contains("id=\"others\""));

    // The same from the warm-up without a break.
    let checkpoint = fixture.path("run/sweep/beta-5/subnet/checkpoint_last.safetensors");
    let broken = read(&checkpoint);
    fixture.done(&format!("{} --overwrite", command.replace(&format!(" --targets-us {target}"), "")));
    assert!(read(&checkpoint) == broken);
    assert!(!fixture.path(&format!("run/sweep/target-{target}us")).exists());

    let said = fixture.refused("sweep --run run", 2);
    assert!(said.contains("--betas"), "{said}");
    let error = TermError::Target { target: least / 2.0, cheapest: least, unit: "µs" };
    fixture.fails(&format!("sweep --run run --targets-us {}", least / 2.0), 2, &error);
}

#[test]
fn the_baseline_is_trained_exported_and_drawn() {
    let fixture = finished();
    let said = json(&fixture.done("baseline mobilenet --run run --end-epoch 2 --json"));
    assert_eq!(said["on"], "test");
    assert!(said["nme"].as_f64().unwrap() > 0.0);
    let folder = "run/baselines/mobilenet";
    let checkpoint = format!("{folder}/subnet/checkpoint_last.safetensors");
    let found = json(&fixture.done(&format!("eval --model {checkpoint} --data faces --json")));
    assert!((100.0 * found["nme"].as_f64().unwrap() - said["nme"].as_f64().unwrap()).abs() < 1e-9);
    // Its own command for resuming works too, and another number of epochs is another training.
    fixture.done(&format!("finetune --out {folder} --resume"));
    let refused = fixture.refused("baseline mobilenet --run run --end-epoch 3", 2);
    assert!(refused.contains("--overwrite"), "{refused}");

    std::fs::write(fixture.path(&format!("{folder}/measured.json")), r#"[{"median_us": 1234.5, "ci95_us": [1200.0, 1260.0]}]"#)
        .unwrap();
    fixture.done("report run");
    let html = text(&read(&fixture.path("run/report.html")));
    assert!(html.contains("MobileNetV3-PFLD") && html.contains("1234.5"));
    let paired = r#"[{"median_us": 1234.5, "ci95_us": [1200.0, 1260.0], "paired_us": 987.6, "paired_ci95_us": [980.0, 990.0]}]"#;
    std::fs::write(fixture.path(&format!("{folder}/measured.json")), paired).unwrap();
    fixture.done("report run");
    let html = text(&read(&fixture.path("run/report.html")));
    assert!(html.contains("987.6") && !html.contains("1234.5"), "what was paired with the canary compares with a table");

    if !engine() {
        return;
    }
    fixture.done(&format!("export --subnet {checkpoint} --out {folder}/subnet.onnx --data faces"));
    let onnx = json(&fixture.done(&format!("eval --model {folder}/subnet.onnx --data faces --json")));
    assert!((onnx["nme"].as_f64().unwrap() - found["nme"].as_f64().unwrap()).abs() < 1e-5);
}

#[test]
fn tables_of_several_devices_become_one_cost() {
    let fixture = Fixture::new(24);
    let slow = table(Source::Measured);
    // Twice as slow, except for one candidate.
    let twice = |row: &luts::Row| {
        let factor = if row.key.starts_with("gh_k5") { 20.0 } else { 2.0 };
        let mut row = row.clone();
        row.latency = Micros(row.latency.0 * factor);
        row.interval = row.interval.map(|i| luts::Interval { low: Micros(i.low.0 * factor), high: Micros(i.high.0 * factor) });
        row
    };
    let rows = slow.rows().iter().map(twice).collect();
    let header =
        luts::Header { device: luts::Device { model: "a slower board".into(), ..slow.header.device.clone() }, ..slow.header };
    Table::new(header, rows).unwrap().write(fixture.path("slow.csv"), Overwrite::No).unwrap();
    let search = SEARCH.replace("--lut lut.csv", "--lut lut.csv --lut slow.csv").replace("--end-epoch 4", "--end-epoch 2");
    let total = |arch: &Value, i: usize| arch["tables"][i]["predicted"]["total"].as_f64().unwrap();
    for (combine, expected) in [("max", [0.0, 1.0]), ("mean", [0.5, 0.5])] {
        fixture.done(&format!("{search} --combine {combine} --out {combine}"));
        let arch = arch(&fixture, combine);
        let sum = expected[0] * total(&arch, 0) + expected[1] * total(&arch, 1);
        assert!((arch["predicted"]["total"].as_f64().unwrap() - sum).abs() < 1e-6, "{combine}: {arch}");
        assert!(total(&arch, 1) >= 2.0 * total(&arch, 0) - 1e-6);
        assert_eq!((&arch["combine"], &arch["tables"][1]["table"]["device"]), (&combine.into(), &"a slower board".into()));
    }
    fixture.done("report max");
    assert!(text(&read(&fixture.path("max/report.html"))).contains("a slower board"));
    let said = fixture.refused("search --out max --resume --combine mean", 2);
    assert!(said.contains("--combine"), "{said}");
    let said = fixture.refused(&format!("{} --target-us 10 --out run", SEARCH.replace("--lut lut.csv", "--perf-metric flops")), 2);
    assert!(said.contains("--target-us"), "{said}");
}
