//! Reading ONNX files: our own, a foreign one, and files that are none.

use blocks::onnx::{self, Dim, InspectError, OnnxError};
use blocks::weights::WeightError;
use blocks::{Measurable, PartId, Space, SpaceFolder, Weights};
use support::onnx::{element, floats, int, ints, list, model, node, port};

#[test]
fn the_baselines_operators_and_multiply_adds_are_found() {
    let Some(path) = support::shared("baseline/mobilenetv3_pfld_106.onnx") else { return };
    let summary = onnx::inspect(&std::fs::read(path).unwrap()).unwrap();
    let count = |op: &str| summary.operators.get(op).copied().unwrap_or(0);
    assert_eq!((count("Conv"), count("Relu"), count("GlobalAveragePool"), count("Gemm")), (30, 27, 3, 1), "{summary:?}");
    let macs = summary.macs.expect("all shapes are known");
    assert!((77_350_000..77_450_000).contains(&macs), "{macs} multiply-adds");
    assert!((262_000..265_000).contains(&summary.parameters), "{} parameters", summary.parameters);
}

#[test]
fn our_own_files_multiply_adds_are_the_graphs() {
    let space = Space::load("pfld").unwrap();
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[2]).collect();
    for (batch, dim) in [(onnx::Batch::Fixed(1), Dim::Fixed(1)), (onnx::Batch::Open, Dim::Open("batch".to_string()))] {
        for graph in [space.subnet(&choice, 106), space.pose_net().unwrap()] {
            let weights = Weights::for_measuring(&graph, 1);
            let summary = onnx::inspect(&onnx::model(&graph, &weights, &onnx::Options { batch }).unwrap()).unwrap();
            assert_eq!(summary.macs, Some(graph.macs()), "{}", graph.name());
            assert_eq!(summary.opset, onnx::write::OPSET);
            assert!(!summary.operators.contains_key("BatchNormalization"), "{:?}", summary.operators);
            assert_eq!(summary.inputs[0].dims[0], dim);
            let names: Vec<_> = summary.outputs.iter().map(|o| o.name.as_str()).collect();
            let expected: Vec<_> = graph.outputs().iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, expected);
        }
    }
}

#[test]
fn blocks_of_both_exporters_are_counted() {
    for exporter in ["torchscript", "dynamo"] {
        let space = SpaceFolder::load(&support::project_root().join("tests/spaces/onnx").join(exporter)).unwrap();
        let layers = Measurable::layers(&space);
        let of = |id| space.part(id).unwrap().macs.unwrap();
        let block = |layer: usize, place: usize| of(PartId::Block(&layers[layer].candidates[place].key));
        // 1×1 convolutions and one of 3×3 or 5×5 by channel, on 8×8 and from there to 4×4; of two groups half.
        assert_eq!([block(0, 0), block(0, 1)], [64 * (4 * 8 + 8 * 9 + 8 * 4), 64 * (4 * 2 + 4 * 25 + 4 * 2)], "{exporter}");
        assert_eq!([block(1, 1), block(2, 0)], [64 * 4 * 4 * 9, 64 * 4 * 4 + 16 * (4 * 9 + 4 * 8)], "{exporter}");
        assert_eq!(
            [block(2, 1), of(PartId::Fixed("stem")), of(PartId::Fixed("head"))],
            [16 * 4 * 8 + 2 * 8 * 2, 64 * 3 * 4 * 9, 12 * 5],
            "{exporter}"
        );
    }
}

#[test]
fn shapes_are_followed_through_what_moves_values() {
    let constants = [
        ints("groups", &[5], &[1, 2, 4, 4, 4]),
        ints("map", &[4], &[0, -1, 4, 4]),
        ints("last", &[1], &[-1]),
        ints("sizes", &[2], &[6, 2]),
        floats("w", &[3, 6, 1, 1], &[1.0; 18]),
    ];
    let nodes = [
        node("Reshape", &["x", "groups"], &["g"], &[]),
        node("Transpose", &["g"], &["t"], &[list("perm", &[0, 2, 1, 3, 4])]),
        node("Reshape", &["t", "map"], &["m"], &[]),
        node("Split", &["m", "sizes"], &["six", "two"], &[int("axis", 1)]),
        // 3·16 outputs of 6 products.
        node("Conv", &["six", "w"], &["c"], &[]),
        // 16 means; as a matrix of 4×4, times itself: 16 outputs of 4 products.
        node("ReduceMean", &["c"], &["one"], &[list("axes", &[1]), int("keepdims", 0)]),
        node("Unsqueeze", &["one", "last"], &["more"], &[]),
        node("Squeeze", &["more", "last"], &["square"], &[]),
        node("MatMul", &["square", "square"], &["y"], &[]),
    ];
    let file = |nodes: &[Vec<u8>]| {
        let ports = (port("x", element::FLOAT32, "n,8,4,4"), port("y", element::FLOAT32, "n,4,4"));
        model(nodes, &constants, &[ports.0], &[ports.1])
    };
    assert_eq!(onnx::inspect(&file(&nodes)).unwrap().macs, Some(48 * 6 + 16 * 4));
    // Evenly: four channels do not fit the weight's six, whose outputs are 3·16 all the same.
    let halves = node("Split", &["m"], &["two", "six"], &[int("axis", -3)]);
    let even = [&nodes[..3], &[halves], &nodes[4..]].concat();
    assert_eq!(onnx::inspect(&file(&even)).unwrap().macs, Some(48 * 6 + 16 * 4));
    let unknown = [&nodes[..1], &[node("Oddity", &["g"], &["t"], &[])], &nodes[2..]].concat();
    assert_eq!(onnx::inspect(&file(&unknown)).unwrap().macs, None);
}

#[test]
fn what_is_no_onnx_file_is_refused() {
    assert_eq!(onnx::inspect(b""), Err(InspectError::Empty));
    assert!(matches!(onnx::inspect(b"this is a text, not a network"), Err(InspectError::Decode(_) | InspectError::NoGraph)));
    let space = Space::load("pfld").unwrap();
    let graph = space.pose_net().unwrap();
    let file = onnx::model(&graph, &Weights::for_measuring(&graph, 1), &onnx::Options::default()).unwrap();
    for end in [1, 40, file.len() / 2, file.len() - 1] {
        assert!(onnx::inspect(&file[..end]).is_err(), "cut at {end} of {}", file.len());
    }
}

#[test]
fn a_supernet_and_missing_weights_are_refused() {
    let space = Space::load("pfld").unwrap();
    let supernet = space.supernet(106);
    let weights = Weights::for_measuring(&supernet, 1);
    let e = onnx::model(&supernet, &weights, &onnx::Options::default()).unwrap_err();
    assert!(matches!(e, OnnxError::Mixture { layer: 0, .. }), "{e:?}");
    let pose = space.pose_net().unwrap();
    let mut weights = Weights::for_measuring(&pose, 1);
    weights.0.remove("fc2.bias");
    let e = onnx::model(&pose, &weights, &onnx::Options::default()).unwrap_err();
    assert!(matches!(&e, OnnxError::Weights { source: WeightError::Missing(name), .. } if name == "fc2.bias"), "{e:?}");
}
