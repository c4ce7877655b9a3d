//! Blocks of other people's exporters: read, told apart, joined.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use blocks::onnx::block::{Block, BlockFault, Side};
use blocks::onnx::schema;
use prost::Message;
use support::onnx::{bytes, element, floats, int, ints, model, node, number, port};

const EXPORTERS: [&str; 2] = ["torchscript", "dynamo"];

fn folder(exporter: &str) -> PathBuf {
    support::project_root().join("tests/spaces/onnx").join(exporter)
}

fn faults(file: &[u8]) -> Vec<BlockFault> {
    Block::read(file).unwrap_err()
}

/// A port of a feature map.
fn map(name: &str) -> Vec<u8> {
    port(name, element::FLOAT32, "1,4,8,8")
}

/// A file of these operations from `x` to `y`.
fn file(nodes: &[Vec<u8>], constants: &[Vec<u8>]) -> Vec<u8> {
    model(nodes, constants, &[map("x")], &[map("y")])
}

#[test]
fn decoded_and_encoded_again_a_file_is_the_same() {
    for exporter in EXPORTERS {
        let files = fs::read_dir(folder(exporter).join("blocks")).unwrap().map(|entry| entry.unwrap().path());
        // One of them sets every field that there is, and is written by the library that ONNX is made with.
        let everything = support::project_root().join("tests/spaces/onnx/everything.onnx");
        for path in files.chain([folder(exporter).join("whole.onnx"), everything]) {
            let file = fs::read(&path).unwrap();
            let again = schema::Model::decode(&file[..]).unwrap().encode_to_vec();
            assert!(again == file, "{}", path.display());
        }
    }
}

#[test]
fn fingerprints_are_those_of_the_python_package() {
    for exporter in EXPORTERS {
        let text = fs::read_to_string(folder(exporter).join("fingerprints.json")).unwrap();
        let known: BTreeMap<String, String> = serde_json::from_str(&text).unwrap();
        assert_eq!(known.len(), 7);
        for (path, fingerprint) in known {
            let block = Block::read(&fs::read(folder(exporter).join(&path)).unwrap()).unwrap();
            assert_eq!(block.fingerprint, fingerprint, "{exporter} {path}");
        }
    }
}

#[test]
fn a_block_has_neither_notes_nor_open_dimensions_nor_constants_in_several_forms() {
    let value = [bytes(1, "value"), bytes(5, floats("", &[], &[6.0])), support::onnx::number(20, 4)].concat();
    let nodes = [
        node("Constant", &[], &["six"], &[value]),
        node("Identity", &["bias"], &["copy"], &[]),
        node("Add", &["x", "copy"], &["a"], &[]),
        [node("Min", &["a", "six"], &["y"], &[]), bytes(6, "where it was written")].concat(),
    ];
    let constants = [floats("bias", &[4, 1, 1], &[1.0, 2.0, 3.0, 4.0])];
    let inputs = [port("x", element::FLOAT32, "batch,4,8,8"), port("bias", element::FLOAT32, "4,1,1")];
    let block = Block::read(&model(&nodes, &constants, &inputs, &[port("y", element::FLOAT32, "n,4,8,8")])).unwrap();
    assert_eq!((block.inputs.len(), &block.inputs[0].dims[..]), (1, &[1, 4, 8, 8][..]));
    let operators: Vec<_> = block.graph.node.iter().map(|node| (node.op_type(), &node.input[1][..])).collect();
    assert_eq!(operators, [("Add", "bias"), ("Min", "six")]);
    assert!(block.graph.node.iter().all(|node| node.doc_string.is_none()));
    assert_eq!(block.graph.initializer.len(), 2);
    assert_eq!((block.parameters(), block.opset, block.does_nothing), (5, 13, false));
    assert_eq!(Block::read(&block.file()).unwrap().graph, block.graph, "what is written is read again");
}

#[test]
fn a_block_that_lets_everything_through_does_nothing() {
    let through = [node("Identity", &["x"], &["a"], &[]), node("Dropout", &["a"], &["y"], &[])];
    assert!(Block::read(&file(&through, &[])).unwrap().does_nothing);
    let more = [node("Identity", &["x"], &["a"], &[]), node("Relu", &["a"], &["y"], &[])];
    assert!(!Block::read(&file(&more, &[])).unwrap().does_nothing);
    let twice = [node("Identity", &["x"], &["y"], &[]), node("Relu", &["x"], &["z"], &[])];
    assert!(!Block::read(&file(&twice, &[])).unwrap().does_nothing, "there is more");
}

#[test]
fn weights_and_names_do_not_count_in_a_fingerprint_but_scalars_and_settings_do() {
    let clip = |name: &str, limit: f32, weights: [f32; 4]| {
        let nodes = [node("Mul", &["x", name], &["m"], &[]), node("Min", &["m", "limit"], &["y"], &[])];
        let constants = [floats(name, &[4, 1, 1], &weights), floats("limit", &[], &[limit])];
        Block::read(&file(&nodes, &constants)).unwrap().fingerprint
    };
    let one = clip("w", 6.0, [1.0; 4]);
    assert_eq!(one, clip("weight", 6.0, [2.0; 4]));
    assert_ne!(one, clip("w", 3.0, [1.0; 4]));
    let softmax = |axis| Block::read(&file(&[node("Softmax", &["x"], &["y"], &[int("axis", axis)])], &[])).unwrap().fingerprint;
    assert_ne!(softmax(1), softmax(2));
    let shaped = |values| {
        let nodes = [node("Reshape", &["x", "shape"], &["y"], &[])];
        Block::read(&file(&nodes, &[ints("shape", &[4], values)])).unwrap().fingerprint
    };
    assert_ne!(shaped(&[1, 4, 8, 8]), shaped(&[0, 4, 8, 8]));
}

#[test]
fn constants_whose_values_do_not_fit_their_shapes_are_refused() {
    let nodes = [node("Mul", &["x", "w"], &["m"], &[]), node("Mul", &["m", "v"], &["y"], &[])];
    let with = |constant: Vec<u8>| Block::read(&file(&nodes, &[floats("v", &[4, 1, 1], &[1.0; 4]), constant]));
    let wrong = |shape: &str| vec![BlockFault::Values { name: "w".into(), shape: shape.into() }];
    for (dims, shape) in [
        (&[1 << 30, 1 << 30][..], "1073741824x1073741824"),
        (&[1 << 40, 1 << 40], "1099511627776x1099511627776"),
        (&[1 << 62], "4611686018427387904"),
        (&[-1, -4], "-1x-4"),
        (&[4], "4"),
        (&[], ""),
    ] {
        assert_eq!(with(floats("w", dims, &[])).unwrap_err(), wrong(shape));
    }
    assert_eq!(with(floats("w", &[0, -1], &[])).unwrap_err(), wrong("0x-1"));
    assert_eq!(with(floats("w", &[4, 1, 1], &[1.0; 5])).unwrap_err(), wrong("4x1x1"));
    assert_eq!(with(floats("w", &[4, 1, 1], &[1.0; 4])).unwrap().parameters(), 8);
    assert_eq!(with(floats("w", &[0], &[])).unwrap().parameters(), 4);
    // Values in the list of their type, and within an operation.
    let listed = |data_type, dims: Vec<i64>, lists: schema::Tensor| {
        let name = Some("w".to_string());
        with(schema::Tensor { dims, data_type: Some(data_type), name, ..lists }.encode_to_vec()).err()
    };
    let of_floats = schema::Tensor { float_data: vec![1.0; 4], ..Default::default() };
    let of_doubles = schema::Tensor { double_data: vec![1.0; 4], ..Default::default() };
    let of_ints = schema::Tensor { int32_data: vec![1; 4], ..Default::default() };
    let of_wide = schema::Tensor { int64_data: vec![1; 4], ..Default::default() };
    let of_unsigned = schema::Tensor { uint64_data: vec![1; 4], ..Default::default() };
    for (data_type, list, fitting) in [
        (1, &of_floats, 4),
        (14, &of_floats, 2),
        (11, &of_doubles, 4),
        (15, &of_doubles, 2),
        (6, &of_ints, 4),
        (9, &of_ints, 4),
        (10, &of_ints, 4),
        (22, &of_ints, 8),
        (7, &of_wide, 4),
        (12, &of_unsigned, 4),
        (13, &of_unsigned, 4),
    ] {
        assert_eq!(listed(data_type, vec![fitting], list.clone()), None, "{data_type}");
        assert_eq!(listed(data_type, vec![fitting + 2], list.clone()), Some(wrong(&(fitting + 2).to_string())), "{data_type}");
    }
    let within = [bytes(1, "value"), bytes(5, floats("inner", &[4], &[])), number(20, 4)].concat();
    let given = [node("Constant", &[], &["w"], &[within]), nodes[0].clone(), node("Identity", &["m"], &["y"], &[])];
    assert_eq!(faults(&file(&given, &[])), [BlockFault::Values { name: "inner".into(), shape: "4".into() }]);
}

#[test]
fn factors_of_a_resize_count_in_a_fingerprint() {
    let resized = |input: &str, factor: f32| {
        let nodes = [
            node("Identity", &["factors"], &["copy"], &[]),
            node("Resize", &["x", "", input], &["larger"], &[]),
            node("GlobalAveragePool", &["larger"], &["y"], &[]),
        ];
        Block::read(&file(&nodes, &[floats("factors", &[4], &[1.0, 1.0, factor, factor])])).unwrap().fingerprint
    };
    assert_ne!(resized("factors", 2.0), resized("factors", 3.0));
    assert_eq!(resized("factors", 2.0), resized("copy", 2.0));
    // What the Python package computes: `test_export.py` has the same file.
    assert_eq!(resized("factors", 2.0), "912cbb0b6f0ad78e838c8c375c24d2919934c1e74c7ff7066198ce252d2a2ab7");
}

#[test]
fn what_engines_do_not_share_is_refused() {
    let plain = |operator: &str| node(operator, &["x"], &["y"], &[]);
    let named = |operator: &str, domain: &str| [plain(operator), bytes(7, domain)].concat();
    assert_eq!(faults(&file(&[named("Gelu", "com.microsoft")], &[])), [BlockFault::Domain("com.microsoft".into())]);
    assert_eq!(faults(&file(&[plain("If")], &[])), [BlockFault::ControlFlow("If".into())]);
    let branch = [bytes(1, "body"), bytes(6, bytes(1, plain("Relu")))].concat();
    let runs = node("Odd", &["x"], &["y"], &[branch]);
    assert_eq!(faults(&file(&[runs], &[])), [BlockFault::ControlFlow("Odd".into())]);
    assert_eq!(faults(&file(&[plain("QuantizeLinear")], &[])), [BlockFault::Quantised("QuantizeLinear".into())]);
    let function = [file(&[named("Own", "mine")], &[]), bytes(25, bytes(1, "Own"))].concat();
    assert_eq!(faults(&function), [BlockFault::Functions]);
    let sparse = [bytes(1, node("Relu", &["x"], &["y"], &[])), bytes(15, bytes(1, floats("v", &[1], &[1.0])))].concat();
    let sparse = [sparse, bytes(11, map("x")), bytes(12, map("y"))].concat();
    let sparse = [bytes(7, sparse), bytes(8, support::onnx::number(2, 13))].concat();
    assert_eq!(faults(&sparse), [BlockFault::Sparse]);
    let unversioned = bytes(7, [bytes(1, plain("Relu")), bytes(11, map("x")), bytes(12, map("y"))].concat());
    assert_eq!(faults(&unversioned), [BlockFault::NoOpset]);
}

#[test]
fn a_block_in_training_is_refused() {
    let norm = node("BatchNormalization", &["x", "c", "c", "c", "c"], &["y"], &[int("training_mode", 1)]);
    let old = node("BatchNormalization", &["x", "c", "c", "c", "c"], &["y", "mean", "var"], &[]);
    let c = floats("c", &[4], &[1.0; 4]);
    for norm in [norm, old] {
        let told = faults(&file(&[norm], std::slice::from_ref(&c)));
        assert_eq!(told, [BlockFault::Training(vec!["BatchNormalization, training_mode 1".into()])]);
    }
    let drop = |mode: u8| {
        let mode = [support::onnx::number(2, element::BOOL), bytes(8, "mode"), bytes(9, [mode])].concat();
        Block::read(&file(&[node("Dropout", &["x", "", "mode"], &["y"], &[])], &[mode]))
    };
    assert_eq!(drop(1).unwrap_err(), [BlockFault::Training(vec!["Dropout".into()])]);
    assert!(drop(0).unwrap().does_nothing);
}

#[test]
fn ports_other_than_float32_of_one_image_are_refused() {
    let with = |input: Vec<u8>| faults(&model(&[node("Relu", &["x"], &["y"], &[])], &[], &[input], &[map("y")])).swap_remove(0);
    let (side, x) = (Side::Input, || "x".to_string());
    let open = BlockFault::Open { side, name: x(), dim: 2, label: "height".into() };
    assert_eq!(with(port("x", element::FLOAT32, "n,4,height,8")), open);
    let half = BlockFault::Element { side, name: x(), element: "float16".into() };
    assert_eq!(with(port("x", element::FLOAT16, "1,4,8,8")), half);
    assert_eq!(with(port("x", element::FLOAT32, "2,4,8,8")), BlockFault::Batch { side, name: x(), batch: 2 });
    for (dims, shape) in [("1,4,0,8", "1x4x0x8"), ("1,99999,99999,99999", "1x99999x99999x99999")] {
        assert_eq!(with(port("x", element::FLOAT32, dims)), BlockFault::Shape { side, name: x(), shape: shape.into() });
    }
    for port in [port("x", element::FLOAT32, ""), bytes(1, "x")] {
        assert_eq!(with(port), BlockFault::NoShape { side, name: x() });
    }
    let told = faults(&model(&[node("Relu", &["x"], &["y"], &[])], &[], &[map("x")], &[port("y", element::INT64, "1,4")]));
    assert_eq!(told, [BlockFault::Element { side: Side::Output, name: "y".into(), element: "int64".into() }]);
    assert_eq!(
        faults(&model(&[node("Relu", &["c"], &["y"], &[])], &[floats("c", &[1], &[1.0])], &[], &[map("y")])),
        [BlockFault::NoPort(Side::Input)]
    );
}

#[test]
fn circles_and_values_given_twice_are_refused() {
    let circle = [node("Add", &["x", "b"], &["a"], &[]), node("Relu", &["a"], &["b"], &[]), node("Relu", &["b"], &["y"], &[])];
    assert_eq!(faults(&file(&circle, &[])), [BlockFault::Unknown { reader: "Add".into(), value: "b".into() }]);
    let twice = [node("Relu", &["x"], &["y"], &[]), node("Tanh", &["x"], &["y"], &[])];
    assert_eq!(faults(&file(&twice, &[])), [BlockFault::Twice("y".into())]);
    assert_eq!(
        faults(&file(&[node("Relu", &["x"], &["z"], &[])], &[])),
        [BlockFault::Unknown { reader: "the output".into(), value: "y".into() }]
    );
}

#[test]
fn all_faults_are_told_at_once() {
    let nodes = [node("If", &["x"], &["a"], &[]), node("QLinearConv", &["a"], &["y"], &[])];
    let told = faults(&model(&nodes, &[], &[port("x", element::FLOAT16, "1,4")], &[port("y", element::FLOAT32, "1,k")]));
    assert_eq!(told.len(), 4, "{told:?}");
}
