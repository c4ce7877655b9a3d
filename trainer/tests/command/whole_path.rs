//! Search, finetune, export, evaluation, prediction and report on a few made faces.

use crate::common::{Fixture, SEARCH, engine, read};

#[test]
fn every_command_does_its_part() {
    let fixture = Fixture::new(48);
    fixture.done(&format!("{SEARCH} --out run"));
    let arch: serde_json::Value = serde_json::from_slice(&read(&fixture.path("run/arch.json"))).unwrap();
    assert_eq!(arch["choice"].as_array().unwrap().len(), 5);
    assert_eq!(arch["table"]["source"], "measured");
    let layers: f64 = arch["layers"].as_array().unwrap().iter().map(|l| l["cost"].as_f64().unwrap()).sum();
    let trunk: f64 = arch["trunk"].as_array().unwrap().iter().map(|l| l["cost"].as_f64().unwrap()).sum();
    assert!((arch["predicted"]["total"].as_f64().unwrap() - layers - trunk).abs() < 1e-6);

    let said = fixture.done("finetune --data faces --out run --batch 8 --base-lr 1e-3 --end-epoch 12 --json");
    let end: serde_json::Value = serde_json::from_str(&said).unwrap();
    let metrics = std::fs::read_to_string(fixture.path("run/metrics.csv")).unwrap();
    let losses: Vec<f64> = csv::Reader::from_reader(metrics.as_bytes())
        .records()
        .map(|r| r.unwrap())
        .filter(|r| &r[0] == "finetune")
        .map(|r| r[2].parse().unwrap())
        .collect();
    assert_eq!((losses.len(), metrics.lines().count()), (12, 1 + 4 + 12));
    assert!(losses[11] < 0.2 * losses[0], "{losses:?}");

    let eval = |model: &str| -> serde_json::Value {
        serde_json::from_str(&fixture.done(&format!("eval --model {model} --data faces --json"))).unwrap()
    };
    let checkpoint = eval("run/subnet/checkpoint_last.safetensors");
    assert_eq!(checkpoint["nme"], end["nme"]);
    let report = fixture.done("report run");
    assert_eq!(report.trim(), "run/report.html");
    let html = String::from_utf8(read(&fixture.path("run/report.html"))).unwrap();
    assert!(arch["choice"].as_array().unwrap().iter().all(|c| html.contains(c.as_str().unwrap())));
    assert!(html.matches("<svg").count() >= 6 && !html.contains("src=") && !html.contains("href="), "self-contained, with curves");

    let predict = "predict --image faces/test_data/imgs/00000.jpg --out overlay.png --json --model";
    let points: Vec<[f64; 2]> =
        serde_json::from_str(&fixture.done(&format!("{predict} run/subnet/checkpoint_last.safetensors"))).unwrap();
    assert_eq!(points.len(), 106);
    assert!(read(&fixture.path("overlay.png")).starts_with(b"\x89PNG"));

    if !engine() {
        return;
    }
    let export = "export --subnet run/subnet/checkpoint_last.safetensors --out run/subnet.onnx --data faces";
    match engines::mnn::FORMAT.converter() {
        Ok(_) => {
            let said = fixture.done(&format!("{export} --mnn"));
            assert!(said.lines().any(|line| line.starts_with("run/subnet.mnn: ")), "{said}");
            assert!(fixture.path("run/subnet.mnn").exists());
        }
        Err(missing) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &format!("MNN: {missing}"));
            fixture.done(export);
        }
    }
    let onnx = eval("run/subnet.onnx");
    let [a, b] = [&checkpoint, &onnx].map(|e| e["nme"].as_f64().unwrap());
    assert!((a - b).abs() < 1e-5, "{a} {b}");
    let again: Vec<[f64; 2]> = serde_json::from_str(&fixture.done(&format!("{predict} run/subnet.onnx"))).unwrap();
    assert!(points.iter().zip(&again).all(|(p, q)| (p[0] - q[0]).abs() < 0.02 && (p[1] - q[1]).abs() < 0.02));
}

#[test]
fn the_latency_term_steers_the_choice() {
    let fixture = Fixture::new(40);
    // In add mode a large factor drowns the landmarks: cheap candidates must win everywhere.
    let flags = "--mode add --alpha 100 --beta 1 --theta-lr 0.2 --end-epoch 6";
    fixture.done(&format!("{} {flags} --out fast", SEARCH.replace(" --end-epoch 4", "")));
    let arch: serde_json::Value = serde_json::from_slice(&read(&fixture.path("fast/arch.json"))).unwrap();
    for layer in arch["layers"].as_array().unwrap() {
        let costs: Vec<f64> = layer["candidates"].as_array().unwrap().iter().map(|c| c["cost"].as_f64().unwrap()).collect();
        let mean = costs.iter().sum::<f64>() / costs.len() as f64;
        assert!(layer["cost"].as_f64().unwrap() < mean, "{layer}");
    }
}
