//! tract against the plain reference result and against ONNX Runtime, which is left out where its library is missing
//! (unless `BLOCKTIME_REQUIRE_ENGINE=1`).

#![cfg(feature = "tract")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

mod beside;
mod common;

use std::num::NonZeroUsize;
use std::path::Path;

use beside::{assert_near, check, onnxruntime};
use blocks::onnx::Batch;
use blocks::{Space, Weights, eval};
use common::{all_primitives, noise, session, unusual};
use engines::{Engine, EngineError, EngineKind, SessionOptions};

/// Largest difference, in parts of the largest expected value.
const TOLERANCE: f32 = 1e-5;

fn tract() -> Box<dyn Engine> {
    engines::open(EngineKind::Tract, None).unwrap()
}

#[test]
fn the_version_is_the_one_that_is_built_in() {
    let lock = std::fs::read_to_string(support::project_root().join("Cargo.lock")).unwrap();
    let after = lock.split("name = \"tract-onnx\"\nversion = \"").nth(1).unwrap();
    assert_eq!(after.split('"').next(), Some(tract().info().version.as_str()));
}

#[test]
fn all_primitives_at_two_shapes() {
    let graphs = all_primitives();
    assert_eq!(graphs.len(), 91);
    check(&*tract(), &graphs, TOLERANCE);
}

#[test]
fn trunk_pieces_and_whole_networks() {
    let space = Space::load("pfld").unwrap();
    let choice = |k: usize| space.layers().iter().map(|l| l.primitives[k]).collect::<Vec<_>>();
    let mut graphs: Vec<_> = space.trunk_pieces(106).into_iter().map(|piece| piece.graph).collect();
    graphs.extend([space.pose_net().unwrap(), space.subnet(&choice(1), 106), space.deployed(&choice(8), 86)]);
    check(&*tract(), &graphs, TOLERANCE);
}

#[test]
fn unusual_graphs() {
    check(&*tract(), &[unusual()], TOLERANCE);
}

#[test]
fn an_open_batch_takes_its_size_from_the_values() {
    let space = Space::load("pfld").unwrap();
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[2]).collect();
    let graph = space.deployed(&choice, 19);
    let weights = Weights::for_measuring(&graph, 3);
    let mut session = session(&*tract(), &graph, &weights, Batch::Open);
    for port in session.inputs().iter().chain(session.outputs()) {
        assert!(port.open_batch(), "{port:?}");
    }
    let images = [noise(3 * 112 * 112, 5), noise(3 * 112 * 112, 6)];
    let expected: Vec<f32> =
        images.iter().flat_map(|i| eval::evaluate(&graph, &weights, std::slice::from_ref(i)).unwrap().remove(0)).collect();
    for images in [&images[..], &images[..1]] {
        session.set_inputs(&[images.concat()]).unwrap();
        assert!(matches!(session.read_outputs(), Err(EngineError::NoInputs)), "outputs of other inputs");
        session.run().unwrap();
        let found = session.read_outputs().unwrap();
        assert_near("landmarks", &found, &[expected[..images.len() * 38].to_vec()], TOLERANCE);
    }
}

#[test]
fn ports_are_those_of_onnxruntime() {
    let Some(other) = onnxruntime() else { return };
    let graph = unusual();
    let weights = Weights::for_measuring(&graph, 1);
    for batch in [Batch::Fixed(1), Batch::Open] {
        let [a, b] = [&tract(), &other].map(|engine| session(&**engine, &graph, &weights, batch));
        assert_eq!((a.inputs(), a.outputs()), (b.inputs(), b.outputs()));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let engine = tract();
    assert!(matches!(engine.load(b"no model", &SessionOptions::default()), Err(EngineError::Load { .. })));
    assert!(matches!(engine.load(b"", &SessionOptions::default()), Err(EngineError::Load { .. })));
    let graph = Space::load("pfld").unwrap().pose_net().unwrap();
    let weights = Weights::for_measuring(&graph, 1);
    let mut session = session(&*engine, &graph, &weights, Batch::Fixed(1));
    assert!(matches!(session.run(), Err(EngineError::NoInputs)));
    for wrong in [vec![], vec![vec![0.0; 7]], vec![vec![]]] {
        assert!(matches!(session.set_inputs(&wrong), Err(EngineError::Inputs(_))));
    }
    session.set_inputs(&[vec![0.0; 16 * 28 * 28]]).unwrap();
    assert!(matches!(session.read_outputs(), Err(EngineError::NoInputs)));
    assert!(matches!(session.set_inputs(&[]), Err(EngineError::Inputs(_))));

    let file = blocks::onnx::model(&graph, &weights, &blocks::onnx::Options { batch: Batch::Fixed(1) }).unwrap();
    let two = SessionOptions { threads: NonZeroUsize::new(2).unwrap(), ..SessionOptions::default() };
    assert!(matches!(engine.load(&file, &two), Err(EngineError::Threads { asked: 2, .. })));
    let refused = engines::open(EngineKind::Tract, Some(Path::new("/some/lib.so")));
    assert!(matches!(refused, Err(EngineError::NoLibrary { engine: "tract", .. })));
}

#[test]
fn the_engine_says_what_it_is() {
    let engine = tract();
    let info = engine.info();
    assert_eq!((info.name.as_str(), &info.library, &info.library_sha256), ("tract", &None, &None));
    assert!(info.version.starts_with("0."), "{}", info.version);
    let build = info.build.as_ref().unwrap();
    assert!(["sources ", "opt-level ", "rustc 1.", std::env::consts::ARCH].iter().all(|part| build.contains(part)), "{build}");
}
