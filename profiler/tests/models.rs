//! `profiler bench` on other people's models: weights beside them, shapes and types of all kinds, and what is no model at all.

#![allow(clippy::unwrap_used)]

mod common;

use std::fs;
use std::path::Path;

use common::{engine, run};
use files::Impostor;
use serde_json::Value;
use support::onnx::{beside, bytes, element, floats, int, ints, means, model, node, number, port};

const BENCH: &str = "bench --budget 60s --precision 20% --sample 200us --canary 100us --passes 1 --json";

/// Writes a model of that name.
fn write(folder: &Path, name: &str, file: &[u8]) {
    fs::write(folder.join(name), file).unwrap();
}

/// Measures the models, blanks between their names and further arguments; gives the figures and what was said.
#[track_caller]
fn measured(folder: &Path, arguments: &str) -> (Vec<Value>, String) {
    let (code, out, err) = run(folder, &format!("{BENCH} {arguments}"));
    assert_eq!(code, 0, "{err}");
    (serde_json::from_str(&out).unwrap(), err)
}

/// They must be refused as bad input, with these names.
#[track_caller]
fn refused(folder: &Path, arguments: &str, words: &[&str]) {
    let (code, _, err) = run(folder, &format!("{BENCH} {arguments}"));
    assert!(code == 2 && words.iter().all(|word| err.contains(word)), "{code}: {err}");
}

/// One operation on one input.
fn single(operator: &str, kind: i64, dims: &str, to: i64, out: &str) -> Vec<u8> {
    let cast = if operator == "Cast" { vec![int("to", to)] } else { vec![] };
    model(&[node(operator, &["x"], &["y"], &cast)], &[], &[port("x", kind, dims)], &[port("y", to, out)])
}

fn weight(n: usize) -> Vec<u8> {
    floats("weight", &[3, n as i64], &vec![0.5; 3 * n])
}

fn bias(n: usize) -> Vec<u8> {
    floats("bias", &[n as i64], &vec![0.25; n])
}

#[test]
fn weights_beside_a_model_are_measured_with_it() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let notes = |location| [("location", location), ("offset", "0"), ("length", "24")];
    write(folder, "a.onnx", &means("batch", 8, 2, beside("weight", &[3, 2], &notes("a.onnx.data")), bias(2)));
    write(folder, "a.onnx.data", &[0; 24]);
    let (figures, _) = measured(folder, "{}/a.onnx");
    // What measured it stands beside each figure.
    let figure = &figures[0];
    assert_eq!(
        (&figure["device"], &figure["threads"], &figure["engine"]["name"]),
        (&"local".into(), &1.into(), &"onnxruntime".into())
    );
    assert!(figure["engine"]["version"].is_string() && figure["engine"]["library_sha256"].is_string(), "{figure}");
    assert_eq!(figure["outputs"][0]["shape"], serde_json::json!([1, 2]));
    // One pass does not tell how well the reference kernel's time is known, one model not what interference does to all.
    assert_eq!((&figure["canary_error"], &figure["canary_error_assumed"]), (&0.014.into(), &true.into()));
    assert!(figure["interference_removed"].is_null(), "{figure}");
    let us = |field: &str| figure[field].as_f64().unwrap();
    let half = (figure["paired_ci95_us"][1].as_f64().unwrap() - us("paired_us")) / us("paired_us");
    assert!(half >= 1.96 * 0.014 && us("paired_samples") >= 6.0 && us("paired_samples") <= us("samples"), "{figure}");
    for (location, word) in
        [("gone.data", "external_data=False"), ("../a.onnx.data", "out of the model's folder"), ("/etc/passwd", "'/etc/passwd'")]
    {
        write(folder, "b.onnx", &means("batch", 8, 2, beside("weight", &[3, 2], &notes(location)), bias(2)));
        refused(folder, "{}/b.onnx", &["b.onnx", word]);
    }
    write(folder, "a.onnx.data", &[0; 20]);
    refused(folder, "{}/a.onnx", &["a.onnx.data", "20 bytes", "24 are needed"]);
}

#[test]
fn outputs_may_have_any_shape_and_inputs_any_batch() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    // What comes out is not what is stated: rows of all pictures, a number of boxes, nothing, a list, a batch fixed at 4.
    let rows = [node("Reshape", &["x", "shape"], &["y"], &[])];
    let shape = ints("shape", &[2], &[-1, 2]);
    write(folder, "view.onnx", &model(&rows, &[shape], &[port("x", 1, "batch,212")], &[port("y", 1, "rows,2")]));
    let found = [
        node("Greater", &["x", "zero"], &["m"], &[]),
        node("NonZero", &["m"], &["t"], &[]),
        node("Transpose", &["t"], &["y"], &[]),
    ];
    let found = |zero| model(&found, &[floats("zero", &[], &[zero])], &[port("x", 1, "1,50")], &[port("y", 7, "n,2")]);
    write(folder, "boxes.onnx", &found(0.0));
    write(folder, "none.onnx", &found(2.0));
    write(folder, "list.onnx", &sequence());
    write(folder, "batch4.onnx", &means("4", 8, 2, weight(2), bias(2)));
    let (figures, _) = measured(folder, "{}/view.onnx {}/boxes.onnx {}/none.onnx {}/list.onnx {}/batch4.onnx");
    let shapes: Vec<_> = figures.iter().map(|figure| figure["outputs"][0]["shape"].clone()).collect();
    assert_eq!(shapes[0], serde_json::json!([106, 2]));
    assert!(shapes[1][0].as_u64().unwrap() > 0 && shapes[1][1] == 2, "{shapes:?}");
    assert_eq!((&shapes[2], &shapes[4]), (&serde_json::json!([0, 2]), &serde_json::json!([4, 2])));
    assert_eq!(figures[4]["inputs"][0]["shape"], serde_json::json!([4, 3, 8, 8]));
    assert!(figures[3]["outputs"][0]["element"].is_null(), "{}", figures[3]);
}

/// A model whose output is a list of tensors.
fn sequence() -> Vec<u8> {
    let tensor = bytes(1, number(1, 1));
    let output = [bytes(1, "y"), bytes(2, bytes(4, bytes(1, tensor)))].concat();
    model(&[node("SequenceConstruct", &["x", "x"], &["y"], &[])], &[], &[port("x", 1, "1,3")], &[output])
}

#[test]
fn open_dimensions_are_given_on_the_command_line() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "open.onnx", &single("Relu", 1, "batch,3,height,width", 1, "batch,3,height,width"));
    refused(folder, "{}/open.onnx", &["'x', float32 [batch, 3, height, width]", "--shape 'x=1,3,height,width'"]);
    let (figures, _) = measured(folder, "{}/open.onnx --shape x=2,3,16,24");
    assert_eq!(figures[0]["outputs"][0]["shape"], serde_json::json!([2, 3, 16, 24]));
    refused(folder, "{}/open.onnx --shape x=1,4,16,16", &["[batch, 3, height, width]", "[1, 4, 16, 16]"]);
    refused(folder, "{}/open.onnx --shape y=1,3,16,16", &["no model has an input 'y'", "'x'"]);
    refused(folder, "{}/open.onnx --shape x=1,3,16", &["[1, 3, 16]"]);
    refused(folder, "{}/open.onnx --shape 1,3,16,16", &["x=1,3,112,112"]);
    // Two models, of which one has the input.
    write(folder, "other.onnx", &model(&[node("Relu", &["z"], &["y"], &[])], &[], &[port("z", 1, "1,5")], &[port("y", 1, "1,5")]));
    let (figures, _) = measured(folder, "{}/open.onnx {}/other.onnx --shape x=1,3,8,8");
    assert_eq!(figures[1]["inputs"][0]["shape"], serde_json::json!([1, 5]));
}

#[test]
fn inputs_of_all_types_are_made_up_or_read() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let kinds = [
        ("int64", element::INT64),
        ("int32", element::INT32),
        ("uint8", element::UINT8),
        ("int8", element::INT8),
        ("bool", element::BOOL),
        ("float16", element::FLOAT16),
        ("float64", element::FLOAT64),
    ];
    let mut names = String::new();
    for (name, kind) in kinds {
        write(folder, &format!("{name}.onnx"), &single("Cast", kind, "batch,6", 1, "batch,6"));
        names += &format!(" {{}}/{name}.onnx");
    }
    // Indices into a table of two rows, and whole numbers that must not be 1.
    let gather = [node("Gather", &["table", "x"], &["y"], &[])];
    write(
        folder,
        "words.onnx",
        &model(&gather, &[floats("table", &[2, 3], &[1.0; 6])], &[port("x", 7, "batch,4")], &[port("y", 1, "batch,4,3")]),
    );
    write(
        folder,
        "row.onnx",
        &model(&gather, &[floats("table", &[1, 3], &[1.0; 3])], &[port("x", 7, "batch,4")], &[port("y", 1, "batch,4,3")]),
    );
    let (figures, err) = measured(folder, &format!("{names} {{}}/words.onnx {{}}/row.onnx"));
    for (figure, (name, _)) in std::iter::zip(&figures, kinds) {
        assert_eq!(figure["inputs"][0]["element"], name, "{figure}");
    }
    assert!(!err.contains("note"), "{err}");

    // Values of the user's own.
    let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (1, 4), }";
    let npy = |values: [i64; 4]| {
        let values: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        [b"\x93NUMPY\x01\0", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &values].concat()
    };
    write(folder, "x.npy", &npy([0, 1, 1, 0]));
    measured(folder, "{}/words.onnx --input x={}/x.npy");
    write(folder, "x.npy", &npy([0, 1, 2, 0]));
    refused(folder, "{}/words.onnx --input x={}/x.npy", &["words.onnx", "engine"]);
    refused(folder, "{}/float64.onnx --input x={}/x.npy", &["'x', float64 [batch, 6]", "int64 [1, 4]"]);
    refused(folder, "{}/words.onnx --input x={}/none.npy", &["none.npy"]);
    write(folder, "page.npy", b"<!DOCTYPE html>");
    refused(folder, "{}/words.onnx --input x={}/page.npy", &["page.npy", &Impostor::WebPage.to_string()]);
    write(folder, "text.onnx", &single("Identity", element::STRING, "1", element::STRING, "1"));
    refused(folder, "{}/text.onnx", &["'x'", "String"]);
}

#[test]
fn outputs_that_are_not_finite_or_not_the_same_are_a_note() {
    let Some(_) = engine() else { return };
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    write(folder, "log.onnx", &single("Log", 1, "1,64", 1, "1,64"));
    let mask = [node("Where", &["c", "x", "inf"], &["y"], &[])];
    let masked = model(
        &mask,
        &[floats("inf", &[], &[f32::NEG_INFINITY])],
        &[port("c", element::BOOL, "1,8"), port("x", 1, "1,8")],
        &[port("y", 1, "1,8")],
    );
    write(folder, "mask.onnx", &masked);
    let random = [node("RandomUniformLike", &["x"], &["y"], &[])];
    write(folder, "random.onnx", &model(&random, &[], &[port("x", 1, "1,64")], &[port("y", 1, "1,64")]));
    let (figures, err) = measured(folder, "{}/log.onnx {}/mask.onnx {}/random.onnx");
    let notes: Vec<_> = figures.iter().map(|figure| figure["notes"].as_array().unwrap()).collect();
    assert_eq!(notes.iter().map(|notes| notes.len()).collect::<Vec<_>>(), [1, 0, 1], "{notes:?}");
    assert_ne!(notes[0], notes[2]);
    assert!(err.contains("log.onnx") && err.contains("--input") && err.contains("random.onnx"), "{err}");
}

#[test]
fn what_is_no_model_is_named_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let cases: [(&[u8], String); 4] = [
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:4d\nsize 33\n", Impostor::LfsPointer.to_string()),
        (b"\n<!DOCTYPE html>\n<html>", Impostor::WebPage.to_string()),
        (b"nonsense", String::new()),
        (b"", String::new()),
    ];
    for (content, what) in cases {
        write(folder, "m.onnx", content);
        refused(folder, "{}/m.onnx", &["m.onnx", &what]);
    }
    let Some(_) = engine() else { return };
    // What the engine refuses is the model's fault, not the device's; endings are those of other systems, too.
    write(folder, "odd.onnx", &single("NoSuchOperator", 1, "1", 1, "1"));
    refused(folder, "{}/odd.onnx", &["odd.onnx", "NoSuchOperator"]);
    write(folder, "UPPER.ONNX", &single("Relu", 1, "1,5", 1, "1,5"));
    measured(folder, "{}/UPPER.ONNX");
}
