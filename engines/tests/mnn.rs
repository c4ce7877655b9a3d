//! MNN against the plain reference result and against ONNX Runtime, which is left out where its library is missing. Needs MNN's
//! converter (`scripts/setup-mnn.sh`): skipped without it. With `BLOCKTIME_REQUIRE_ENGINE=1`, nothing is left out.

#![cfg(feature = "mnn")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

mod beside;
mod common;

use std::path::Path;

use beside::{assert_near, check, onnxruntime};
use blocks::onnx::Batch;
use blocks::{Graph, Op, Space, Weights, eval};
use common::{all_primitives, noise, session, unusual};
use engines::mnn::FORMAT;
use engines::{ConvertError, Engine, EngineError, EngineKind, SessionOptions};

/// Largest difference, in parts of the largest expected value.
const TOLERANCE: f32 = 1e-5;

/// The same where MNN computes a dense convolution by Winograd's scheme in large tiles, which costs two digits (with its hint
/// `WINOGRAD_MEMORY_LEVEL` at 0, for small tiles, 1e-6 is left).
const WINOGRAD: f32 = 1e-3;

/// Whether MNN may take Winograd's scheme: dense windows at stride 1.
fn by_winograd(graph: &Graph) -> bool {
    graph.nodes().iter().any(|node| matches!(&node.op, Op::Conv(c) if c.groups == 1 && c.kernel > 1 && c.stride == 1))
}

/// The engine, where there is a converter for it.
fn mnn() -> Option<Box<dyn Engine>> {
    if let Err(e) = FORMAT.converter() {
        support::skip("BLOCKTIME_REQUIRE_ENGINE", &e.to_string());
        return None;
    }
    Some(engines::open(EngineKind::Mnn, None).unwrap())
}

#[test]
fn the_version_is_that_of_the_converter() {
    assert_eq!(engines::open(EngineKind::Mnn, None).unwrap().info().version, engines::mnn::VERSION);
}

#[test]
fn all_primitives_at_two_shapes() {
    let Some(mnn) = mnn() else { return };
    let graphs = all_primitives();
    assert_eq!(graphs.len(), 91);
    let (by_winograd, others): (Vec<_>, Vec<_>) = graphs.into_iter().partition(by_winograd);
    check(&*mnn, &others, TOLERANCE);
    check(&*mnn, &by_winograd, WINOGRAD);
}

#[test]
fn trunk_pieces_and_whole_networks() {
    let Some(mnn) = mnn() else { return };
    let space = Space::load("pfld").unwrap();
    let choice = |k: usize| space.layers().iter().map(|l| l.primitives[k]).collect::<Vec<_>>();
    let mut graphs: Vec<_> = space.trunk_pieces(106).into_iter().map(|piece| piece.graph).collect();
    graphs.extend([space.subnet(&choice(1), 106), space.deployed(&choice(8), 86)]);
    check(&*mnn, &graphs, TOLERANCE);
    // It has large dense 3×3 convolutions.
    check(&*mnn, &[space.pose_net().unwrap()], WINOGRAD);
}

#[test]
fn unusual_graphs() {
    let Some(mnn) = mnn() else { return };
    check(&*mnn, &[unusual()], TOLERANCE);
}

#[test]
fn the_tenth_run_sees_the_inputs_of_the_first() {
    let Some(mnn) = mnn() else { return };
    let space = Space::load("pfld").unwrap();
    let graph = space.deployed(&space.layers().iter().map(|l| l.primitives[1]).collect::<Vec<_>>(), 106);
    let weights = Weights::for_measuring(&graph, 7);
    let input = noise(graph.node(graph.inputs()[0]).shape.volume(), 1);
    let mut session = session(&*mnn, &graph, &weights, Batch::Fixed(1));
    session.set_inputs(std::slice::from_ref(&input)).unwrap();
    let mut outputs = Vec::new();
    for _ in 0..10 {
        session.run().unwrap();
        outputs.push(session.read_outputs().unwrap());
    }
    assert!(outputs.iter().all(|found| *found == outputs[0]));
    assert_near("the last", &outputs[9], &eval::evaluate(&graph, &weights, &[input]).unwrap(), TOLERANCE);
}

#[test]
fn an_open_batch_is_one() {
    let Some(mnn) = mnn() else { return };
    let space = Space::load("pfld").unwrap();
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[2]).collect();
    let graph = space.deployed(&choice, 19);
    let weights = Weights::for_measuring(&graph, 3);
    let mut session = session(&*mnn, &graph, &weights, Batch::Open);
    for image in [noise(3 * 112 * 112, 5), noise(3 * 112 * 112, 6)] {
        session.set_inputs(std::slice::from_ref(&image)).unwrap();
        assert!(matches!(session.read_outputs(), Err(EngineError::NoInputs)), "outputs of other inputs");
        session.run().unwrap();
        assert_near("landmarks", &session.read_outputs().unwrap(), &eval::evaluate(&graph, &weights, &[image]).unwrap(), TOLERANCE);
    }
    assert!(matches!(session.set_inputs(&[vec![0.0; 2 * 3 * 112 * 112]]), Err(EngineError::Inputs(_))));
}

#[test]
fn ports_are_those_of_onnxruntime_by_name() {
    let (Some(mnn), Some(other)) = (mnn(), onnxruntime()) else { return };
    let space = Space::load("pfld").unwrap();
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[0]).collect();
    let graph = space.subnet(&choice, 106);
    let weights = Weights::for_measuring(&graph, 1);
    let [a, b] = [&mnn, &other].map(|engine| session(&**engine, &graph, &weights, Batch::Fixed(1)));
    let mut outputs = b.outputs().to_vec();
    assert!(outputs.len() > 1, "{outputs:?}");
    outputs.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!((a.inputs(), a.outputs()), (b.inputs(), &outputs[..]));
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(mnn) = mnn() else { return };
    for bytes in [&b"no model"[..], b"", &[0; 4096]] {
        assert!(matches!(mnn.load(bytes, &SessionOptions::default()), Err(EngineError::Load { .. })));
    }
    let graph = Space::load("pfld").unwrap().pose_net().unwrap();
    let weights = Weights::for_measuring(&graph, 1);
    let mut session = session(&*mnn, &graph, &weights, Batch::Fixed(1));
    assert!(matches!(session.run(), Err(EngineError::NoInputs)));
    for wrong in [vec![], vec![vec![0.0; 7]], vec![vec![]]] {
        assert!(matches!(session.set_inputs(&wrong), Err(EngineError::Inputs(_))));
    }
    session.set_inputs(&[vec![0.0; 16 * 28 * 28]]).unwrap();
    assert!(matches!(session.read_outputs(), Err(EngineError::NoInputs)));
    let refused = engines::open(EngineKind::Mnn, Some(Path::new("/some/lib.so")));
    assert!(matches!(refused, Err(EngineError::NoLibrary { engine: "mnn", .. })));
}

#[test]
fn the_engine_says_what_it_is() {
    let engine = engines::open(EngineKind::Mnn, None).unwrap();
    let info = engine.info();
    assert_eq!((info.name.as_str(), info.version.as_str()), ("mnn", engines::mnn::VERSION));
    assert_eq!((info.precision.as_deref(), &info.library_sha256), (Some("high"), &None));
    let build = info.build.as_ref().unwrap();
    assert!(["sources ", "options ", std::env::consts::ARCH].iter().all(|part| build.contains(part)), "{build}");
}

#[test]
fn the_converter_refuses_what_is_no_onnx_file() {
    let Some(_) = mnn() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (onnx, made) = (folder.path().join("cut.onnx"), folder.path().join("cut.mnn"));
    std::fs::write(&onnx, b"cut").unwrap();
    let refused = FORMAT.converter().unwrap().convert(&onnx, &made);
    assert!(matches!(refused, Err(ConvertError::Refused { path, .. }) if path == onnx));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "half a file is left");
}
