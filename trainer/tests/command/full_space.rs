//! The space in which almost all of the network is searched, the whole way: what all commands do with it.

use std::fs;

use luts::{Overwrite, Source};
use serde_json::Value;

use crate::common::{Fixture, engine, read, table_of};

const SETTINGS: &str = r#"seeds = [3]

[both]
data = "faces"
batch = 8
base-lr = 1e-3

[search]
space = "pfld-full"
lut = ["full.csv"]
start-epoch = 1
end-epoch = 2

[finetune]
end-epoch = 1

[baseline]
end-epoch = 1

[random]
nets = 2
"#;

#[test]
fn a_space_in_which_the_stem_and_the_head_are_searched_goes_the_whole_way() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(24);
    table_of("pfld-full", Source::Measured).write(fixture.path("full.csv"), Overwrite::No).unwrap();
    fs::write(fixture.path("compare.toml"), SETTINGS).unwrap();
    // Search, finetune, export, report, random networks.
    let result: Value = serde_json::from_str(&fixture.done("compare compare.toml --out out --threads 2 --json")).unwrap();
    let seed = &result["seeds"][0];
    assert_eq!((seed["choice"].as_array().unwrap().len(), seed["random"]["random"].as_array().unwrap().len()), (14, 2));
    let arch: Value = serde_json::from_slice(&read(&fixture.path("out/seed-3/arch.json"))).unwrap();
    let counts: Vec<usize> =
        arch["layers"].as_array().unwrap().iter().map(|layer| layer["candidates"].as_array().unwrap().len()).collect();
    assert_eq!(counts, [3, 5, 7, 9, 9, 9, 9, 9, 4, 3, 3, 6, 6, 2]);
    let trunk: Vec<&str> = arch["trunk"].as_array().unwrap().iter().map(|piece| piece["name"].as_str().unwrap()).collect();
    assert_eq!(trunk, ["join", "fc"]);
    let html = String::from_utf8(read(&fixture.path("out/seed-3/report.html"))).unwrap();
    assert!(arch["choice"].as_array().unwrap().iter().all(|chosen| html.contains(chosen.as_str().unwrap())));

    let nme = |model: &str| {
        let found: Value = serde_json::from_str(&fixture.done(&format!("eval --model {model} --data faces --json"))).unwrap();
        found["nme"].as_f64().unwrap()
    };
    let (checkpoint, onnx) = ("out/seed-3/subnet/checkpoint_last.safetensors", "out/seed-3/subnet.onnx");
    assert!((nme(checkpoint) - nme(onnx)).abs() < 1e-5);
    fixture.done(&format!("predict --model {onnx} --image faces/test_data/imgs/00000.jpg --out drawn.png"));
    // A table of another space is none of this one's.
    let said = fixture.refused("search --lut lut.csv --space pfld-full --data faces --out other", 2);
    assert!(said.contains("pfld-full") && said.contains("stem2@16x56x56-s2-16"), "{said}");
}
