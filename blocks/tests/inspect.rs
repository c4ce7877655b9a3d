//! Reading ONNX files: our own, a foreign one, and files that are none.

use blocks::onnx::{self, Dim, InspectError, OnnxError};
use blocks::weights::WeightError;
use blocks::{Space, Weights};

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
