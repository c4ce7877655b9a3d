//! `eval`, `predict` and `export` on other people's ONNX files.

use std::fs;
use std::path::Path;

use crate::common::{Fixture, engine, text};
use files::Impostor;
use support::onnx::{beside, element, floats, int, ints, means, model, node, port};

/// Landmarks of the fixture's faces, two numbers each.
const N: usize = 212;

/// Weights and biases of a network that guesses all landmarks at one place, moved a little by the picture's colours.
fn constants(place: f32) -> (Vec<f32>, Vec<f32>) {
    ((0..3 * N).map(|i| (i % 7) as f32 * 1e-3).collect(), (0..N).map(|i| place + (i % 11) as f32 * 1e-2).collect())
}

fn network(batch: &str, place: f32) -> Vec<u8> {
    let (weight, bias) = constants(place);
    means(batch, 112, N, floats("weight", &[3, N as i64], &weight), floats("bias", &[N as i64], &bias))
}

/// A folder with the same network, its constants in `model.onnx.data` as PyTorch writes them.
fn pair(folder: &Path, place: f32) {
    let (weight, bias) = constants(place);
    let raw: Vec<u8> = weight.iter().chain(&bias).flat_map(|v| v.to_le_bytes()).collect();
    let at = |offset: usize, values: usize| [offset.to_string(), (4 * values).to_string()];
    let notes = |[offset, length]: &[String; 2]| {
        [("location", "model.onnx.data".to_string()), ("offset", offset.clone()), ("length", length.clone())]
    };
    let tensor = |name: &str, dims: &[i64], at: [String; 2]| {
        let notes = notes(&at);
        beside(name, dims, &notes.each_ref().map(|(key, value)| (*key, value.as_str())))
    };
    let weight = tensor("weight", &[3, N as i64], at(0, 3 * N));
    let bias = tensor("bias", &[N as i64], at(12 * N, N));
    fs::create_dir(folder).unwrap();
    fs::write(folder.join("model.onnx"), means("batch", 112, N, weight, bias)).unwrap();
    fs::write(folder.join("model.onnx.data"), raw).unwrap();
}

/// The NME that `eval` prints, run in a folder below the fixture's.
#[track_caller]
fn nme(fixture: &Fixture, cwd: &str, model: &str) -> f64 {
    let mut command = fixture.command("eval --json");
    let faces = fixture.path("faces");
    let done = command.current_dir(fixture.path(cwd)).args(["--model", model, "--data"]).arg(faces).output().unwrap();
    assert!(done.status.success(), "{}", text(&done.stderr));
    let said: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    said["nme"].as_f64().unwrap()
}

/// The network that is shipped for people without faces.
#[test]
fn the_network_of_synthetic_faces_needs_no_training() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(1);
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("results/synthetic");
    let model = shipped.join("subnet.onnx");
    assert!(fs::metadata(&model).unwrap().len() < 1_000_000);
    // Twice what it has on the faces that it was tested on.
    let error = nme(&fixture, ".", &model.display().to_string());
    assert!(error < 0.03, "{error}");
    fixture.done(&format!("predict --model {} --image {} --out drawn.png", model.display(), shipped.join("face.jpg").display()));
}

#[test]
fn weights_beside_a_model_are_its_own_whatever_the_working_folder() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(1);
    for (name, place) in [("run1", 0.3), ("run2", 0.5)] {
        pair(&fixture.path(name), place);
        fs::write(fixture.path(&format!("{name}.onnx")), network("batch", place)).unwrap();
    }
    let [first, second] = ["run1.onnx", "run2.onnx"].map(|model| nme(&fixture, ".", model));
    assert!((first - second).abs() > 0.01, "{first} {second}");
    for (cwd, model, expected) in [
        ("run1", "../run2/model.onnx", second),
        ("run2", "../run1/model.onnx", first),
        ("run1", "model.onnx", first),
        (".", "run2/model.onnx", second),
        ("faces", "../run1/model.onnx", first),
    ] {
        let found = nme(&fixture, cwd, model);
        assert!((found - expected).abs() < 1e-9, "{model} from {cwd}: {found}, not {expected}");
    }
    fs::remove_file(fixture.path("run2/model.onnx.data")).unwrap();
    let said = fixture.refused("eval --model run2/model.onnx --data faces", 2);
    assert!(said.contains("run2/model.onnx.data") && said.contains("external_data=False"), "{said}");
}

#[test]
fn a_batch_that_is_fixed_is_filled() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(1);
    // Eight faces: whole batches, and a last one that is not.
    for (name, batch) in [("open.onnx", "batch"), ("one.onnx", "1"), ("three.onnx", "3"), ("UPPER.ONNX", "4")] {
        fs::write(fixture.path(name), network(batch, 0.4)).unwrap();
    }
    let expected = nme(&fixture, ".", "open.onnx");
    for name in ["one.onnx", "three.onnx", "UPPER.ONNX"] {
        let found = nme(&fixture, ".", name);
        assert!((found - expected).abs() < 1e-9, "{name}: {found}, not {expected}");
    }
    fixture.done("predict --model UPPER.ONNX --image faces/test_data/imgs/00000.jpg --out drawn.png");
}

#[test]
fn what_eval_needs_and_what_it_got() {
    if !engine() {
        return;
    }
    let fixture = Fixture::new(1);
    let refused = |name: &str, file: Vec<u8>, words: &[&str]| {
        fs::write(fixture.path(name), file).unwrap();
        let said = fixture.refused(&format!("eval --model {name} --data faces"), 2);
        assert!(said.contains(name) && words.iter().all(|word| said.contains(word)), "{words:?}: {said}");
    };
    // The landmarks of all pictures one below the other, which for one picture look like 106 pictures of one point.
    let (weight, bias) = constants(0.4);
    let rows = [
        node("GlobalAveragePool", &["input"], &["pooled"], &[]),
        node("Flatten", &["pooled"], &["flat"], &[int("axis", 1)]),
        node("Gemm", &["flat", "weight", "bias"], &["all"], &[]),
        node("Reshape", &["all", "shape"], &["points"], &[]),
    ];
    let constants = [floats("weight", &[3, 212], &weight), floats("bias", &[212], &bias), ints("shape", &[2], &[-1, 2])];
    let view = model(&rows, &constants, &[port("input", 1, "batch,3,112,112")], &[port("points", 1, "rows,2")]);
    refused("view.onnx", view, &["[batch, 2 × points]", "'points' float32 [106, 2]"]);
    let relu = |kind, dims: &str| {
        model(&[node("Relu", &["input"], &["y"], &[])], &[], &[port("input", kind, dims)], &[port("y", kind, dims)])
    };
    refused(
        "sides.onnx",
        relu(1, "batch,3,height,width"),
        &["[batch, 3, side, side]", "'input', float32 [batch, 3, height, width]"],
    );
    refused("double.onnx", relu(element::FLOAT64, "batch,3,112,112"), &["float32", "'input', float64"]);
    refused("feature.onnx", relu(1, "batch,3,112,112"), &["'y' float32 [1, 3, 112, 112]"]);
    refused("odd.onnx", b"nonsense".to_vec(), &[]);
    let page = Impostor::WebPage.to_string();
    refused("page.onnx", b"<html>".to_vec(), &[&page]);
    refused("pointer.onnx", b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 3\n".to_vec(), &["`git lfs pull`"]);
    refused(
        "pointer.safetensors",
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 3\n".to_vec(),
        &["`git lfs pull`"],
    );
    let upper = fixture.refused("predict --model NONE.SAFETENSORS --image x.png --out x.png", 2);
    assert!(upper.contains("NONE.SAFETENSORS"), "{upper}");
}
