//! The baseline's definition against the published file's structure.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use blocks::{Graph, Weights, baseline, onnx};

fn summary(graph: &Graph) -> onnx::Summary {
    onnx::inspect(&onnx::model(graph, &Weights::for_measuring(graph, 1), &onnx::Options::default()).unwrap()).unwrap()
}

#[test]
fn operators_multiply_adds_and_parameters_are_the_published_files() {
    let ours = summary(&baseline::deployed(106));
    for (op, n) in [("Conv", 30), ("Relu", 27), ("GlobalAveragePool", 3), ("Gemm", 1), ("Concat", 1)] {
        assert_eq!(ours.operators.get(op), Some(&n), "{op}: {:?}", ours.operators);
    }
    let Some(path) = support::shared("baseline/mobilenetv3_pfld_106.onnx") else { return };
    let published = std::fs::read(path).unwrap();
    assert_eq!(onnx::inspect(&published).unwrap().macs, ours.macs);
    assert_eq!(Some(baseline::deployed(106).macs()), ours.macs);
    // Batch norms are folded in the published file, as they are in ours.
    let folded: usize = onnx::constants(&published).unwrap().values().map(Vec::len).sum();
    let graph = baseline::deployed(106);
    let ours = onnx::model(&graph, &Weights::for_measuring(&graph, 1), &onnx::Options::default()).unwrap();
    assert_eq!(onnx::constants(&ours).unwrap().values().map(Vec::len).sum::<usize>(), folded);
    assert_eq!(folded, 263_332);
}

#[test]
fn it_follows_the_number_of_points_and_trains_with_a_pose_net() {
    let [few, many] = [19, 106].map(baseline::trained);
    let outputs =
        |graph: &Graph| graph.outputs().iter().map(|(name, id)| (name.clone(), graph.node(*id).shape)).collect::<Vec<_>>();
    assert_eq!(outputs(&few)[0].1.c, 38);
    assert_eq!(outputs(&many)[1], ("features".to_string(), blocks::Shape::new(64, 28, 28)));
    let pose = baseline::pose();
    assert_eq!(pose.node(pose.inputs()[0]).shape, outputs(&few)[1].1);
    assert_eq!(baseline::deployed(106).parameter_count(), many.parameter_count());
}
