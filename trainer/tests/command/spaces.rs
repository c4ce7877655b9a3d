//! Spaces, networks and counts of points from elsewhere: what of them can be used, and what is said of the rest.

use std::fs;

use blocks::onnx::{self, Options};
use blocks::{Builder, Conv, Graph, Shape, Weights};

use crate::common::{Fixture, SEARCH, engine, text};

/// Writes the PFLD space for pictures of another side, a multiple of 16.
fn write_pfld(fixture: &Fixture, name: &str, side: usize) {
    let text = fs::read_to_string(support::project_root().join("blocks/spaces/pfld.toml")).unwrap();
    let inner = |part: usize| format!("= {}", side / part);
    let text = text.replace("112, 112", &format!("{side}, {side}")).replace("= 14", &inner(8)).replace("= 7", &inner(16));
    fs::write(fixture.path(name), text).unwrap();
}

#[test]
fn a_space_that_its_pose_net_does_not_fit() {
    let fixture = Fixture::new(10);
    write_pfld(&fixture, "s96.toml", 96);
    let search = SEARCH.replace("--lut lut.csv", "--perf-metric flops");
    let said = fixture.refused(&format!("{search} --space s96.toml --out run"), 2);
    assert!(["s96.toml", "112", "96x96"].iter().all(|part| said.contains(part)), "{said}");
    assert!(!fixture.path("run").exists());
}

#[test]
fn pictures_are_resized_for_a_space_with_a_larger_input() {
    let fixture = Fixture::new(10);
    write_pfld(&fixture, "s128.toml", 128);
    let search = SEARCH.replace("--lut lut.csv", "--perf-metric flops").replace("--end-epoch 4", "--end-epoch 2");
    fixture.done(&format!("{search} --space s128.toml --out run"));
    fixture.done("finetune --data faces --batch 8 --end-epoch 1 --out run");
    let model = "run/subnet/checkpoint_last.safetensors";
    let output = fixture.run(&format!("eval --model {model} --data faces --json"));
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("128×128"), "{}", text(&output.stderr));
    fixture.done(&format!("predict --model {model} --image faces/test_data/imgs/00000.jpg --out drawn.png"));
}

#[test]
fn the_published_network_has_its_landmarks_behind_a_feature_map() {
    let Some(model) = support::shared("baseline/mobilenetv3_pfld_106.onnx") else { return };
    if !engine() {
        return;
    }
    let fixture = Fixture::new(10);
    // The command runs in another folder.
    let model = model.canonicalize().unwrap();
    let said = fixture.done(&format!("eval --model {} --data faces --json", model.display()));
    let evaluation: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(evaluation["per_point"].as_array().unwrap().len(), 106);
    // It was trained on other faces, but a map read in place of its landmarks would be far off.
    let nme = evaluation["nme"].as_f64().unwrap();
    assert!(nme < 0.1, "{nme}");
}

/// A network with a feature map, and `landmarks` outputs for 106 points behind it.
fn network(landmarks: usize) -> Graph {
    let mut g = Builder::new("network");
    let x = g.input("input", Shape::new(3, 112, 112));
    let map = g.conv(x, "map", Conv::dense(3, 4, 9).stride(8));
    let mean = g.global_avg_pool(map);
    let names: Vec<String> = (0..landmarks).map(|i| format!("landmarks{i}")).collect();
    let mut outputs = vec![("map", map)];
    outputs.extend(names.iter().map(|name| (name.as_str(), g.linear(mean, name, 212))));
    g.finish(&outputs)
}

#[test]
fn onnx_files_must_have_one_output_of_landmarks() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(10);
    let write = |name: &str, graph: &Graph| {
        let bytes = onnx::model(graph, &Weights::for_measuring(graph, 1), &Options::default()).unwrap();
        fs::write(fixture.path(name), bytes).unwrap();
    };
    write("one.onnx", &network(1));
    fixture.done("eval --model one.onnx --data faces");
    for (name, landmarks) in [("none.onnx", 0), ("two.onnx", 2)] {
        write(name, &network(landmarks));
        let said = fixture.refused(&format!("eval --model {name} --data faces"), 2);
        assert!(
            said.contains(name) && said.contains("[batch, 2 × points]") && said.contains("'map' float32 [1, 4, 13, 13]"),
            "{said}"
        );
        assert_eq!(said.matches("212").count(), landmarks, "{said}");
    }

    fs::write(fixture.path("broken.onnx"), b"no model").unwrap();
    let said = fixture.refused("eval --model broken.onnx --data faces", 2);
    assert!(said.contains("broken.onnx"), "{said}");
}

#[test]
fn counts_of_points_that_nothing_knows() {
    let fixture = Fixture::new(10);
    let said = fixture.refused("synth --out made --points 68", 2);
    assert!(said.contains("106") && said.contains("68"), "{said}");
    assert!(!fixture.path("made").exists());
}
