//! ONNX Runtime against the plain reference result, for every block, trunk piece and network that is written.
//!
//! Needs the library (`scripts/setup-onnxruntime.sh`): skipped without it, unless `BLOCKTIME_REQUIRE_ENGINE=1`.

#![cfg(feature = "onnxruntime")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

mod common;

use blocks::onnx::Batch;
use blocks::{Graph, Space, Weights, eval};
use common::{Case, all_primitives, noise, session, unusual};
use engines::{Element, Engine, EngineError, EngineKind, SessionOptions, Value};

fn engine() -> Option<Box<dyn Engine>> {
    match engines::open(EngineKind::OnnxRuntime, None) {
        Ok(engine) => Some(engine),
        Err(e) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &e.to_string());
            None
        }
    }
}

/// Runs a graph in the engine and by the plain formulas.
fn check(engine: &dyn Engine, graph: &Graph) {
    let case = Case::new(graph);
    let found = case.run(engine);
    assert_eq!(found.len(), case.expected.len());
    for ((name, _), (found, expected)) in graph.outputs().iter().zip(found.iter().zip(&case.expected)) {
        assert!(expected.iter().any(|v| *v != 0.0), "{}: all of {name} is zero", graph.name());
        assert_near(&format!("{} {name}", graph.name()), found, expected);
    }
}

fn assert_near(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (f, e)) in std::iter::zip(found, expected).enumerate() {
        assert!((f - e).abs() <= 1e-5 + 1e-4 * e.abs(), "{name}: value {i} is {f}, not {e}");
    }
}

#[test]
fn all_primitives_at_two_shapes() {
    let Some(engine) = engine() else { return };
    let graphs = all_primitives();
    graphs.iter().for_each(|graph| check(&*engine, graph));
    assert_eq!(graphs.len(), 91);
}

#[test]
fn all_candidates_trunk_pieces_and_networks_of_the_built_in_space() {
    let Some(engine) = engine() else { return };
    let space = Space::load("pfld").unwrap();
    space.unique_candidates().iter().for_each(|c| check(&*engine, &c.graph()));
    space.trunk_pieces(106).iter().for_each(|p| check(&*engine, &p.graph));
    check(&*engine, &space.pose_net().unwrap());
    for k in [1, 8] {
        let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[k]).collect();
        check(&*engine, &space.subnet(&choice, 106));
        check(&*engine, &space.deployed(&choice, 86));
    }
}

#[test]
fn unusual_graphs() {
    let Some(engine) = engine() else { return };
    check(&*engine, &unusual());
}

#[test]
fn an_open_batch_takes_its_size_from_the_values() {
    let Some(engine) = engine() else { return };
    let space = Space::load("pfld").unwrap();
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[2]).collect();
    let graph = space.deployed(&choice, 19);
    let weights = Weights::for_measuring(&graph, 3);
    let mut session = session(&*engine, &graph, &weights, Batch::Open);
    assert!(session.inputs()[0].open_batch());
    assert_eq!(session.inputs()[0].shape(1), Some(vec![1, 3, 112, 112]));
    let images = [noise(3 * 112 * 112, 5), noise(3 * 112 * 112, 6)];
    let expected: Vec<f32> =
        images.iter().flat_map(|i| eval::evaluate(&graph, &weights, std::slice::from_ref(i)).unwrap().remove(0)).collect();
    for images in [&images[..], &images[..1]] {
        session.set_inputs(&[images.concat()]).unwrap();
        session.run().unwrap();
        let found = session.read_outputs().unwrap().remove(0);
        assert_near("landmarks", &found, &expected[..images.len() * 38]);
    }
}

#[test]
fn shapes_and_types_are_those_that_come_out() {
    use support::onnx::{element, ints, model, node, port};
    let Some(engine) = engine() else { return };
    // Bytes of any number of rows, as numbers in rows of two, whatever the file says of them.
    let nodes =
        [node("Cast", &["x"], &["c"], &[support::onnx::int("to", element::INT64)]), node("Reshape", &["c", "shape"], &["y"], &[])];
    let file = model(
        &nodes,
        &[ints("shape", &[2], &[-1, 2])],
        &[port("x", element::UINT8, "n,side")],
        &[port("y", element::INT64, "rows,2")],
    );
    let mut session = engine.load(&file, &SessionOptions::default()).unwrap();
    assert_eq!(session.inputs()[0].to_string(), "'x', uint8 [n, side]");
    assert!(matches!(session.set_inputs(&[vec![0.0; 4]]), Err(EngineError::Inputs(_))));
    for rows in [3, 1, 4] {
        let bytes: Vec<u8> = (0..4 * rows as u8).collect();
        session.feed(&[Value::new(Element::Uint8, vec![rows, 4], bytes.clone()).unwrap()]).unwrap();
        for _ in 0..2 {
            session.run().unwrap();
        }
        let found = session.results().unwrap().remove(0).unwrap();
        assert_eq!((found.element(), found.shape()), (Element::Int64, &[2 * rows, 2][..]));
        assert_eq!(found.numbers(), bytes.iter().map(|&b| f64::from(b)).collect::<Vec<_>>());
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let Some(engine) = engine() else { return };
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
}

#[test]
fn the_engine_says_what_it_is() {
    let Some(engine) = engine() else { return };
    let info = engine.info();
    assert_eq!(info.name, "onnxruntime");
    assert!(info.version.starts_with("1."), "{}", info.version);
    assert_eq!(info.library_sha256.as_ref().unwrap().len(), 64);
    let again = engines::open(EngineKind::OnnxRuntime, info.library.as_deref()).unwrap();
    assert_eq!(again.info(), info);
}
