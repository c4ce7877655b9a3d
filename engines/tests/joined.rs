//! Blocks joined into a network against the network that was exported whole.
//!
//! ONNX Runtime's part needs the library (`scripts/setup-onnxruntime.sh`): skipped without it, unless `BLOCKTIME_REQUIRE_ENGINE=1`.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::fs;

use blocks::{Measurable, SpaceFolder};
use engines::{Engine, EngineKind, SessionOptions};

/// The network that was exported whole.
const CHOICE: [&str; 3] = ["k3_e2", "skip", "se"];

fn engine(kind: EngineKind) -> Option<Box<dyn Engine>> {
    match engines::open(kind, None) {
        Ok(engine) => Some(engine),
        Err(e) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &e.to_string());
            None
        }
    }
}

/// The outputs of a network for an input that is the same each time.
fn run(engine: &dyn Engine, file: &[u8]) -> Vec<Vec<f32>> {
    let mut session = engine.load(file, &SessionOptions::default()).unwrap();
    let values = (0..3 * 16 * 16).map(|i| ((i * 37 % 101) as f32 - 50.0) / 25.0).collect();
    session.set_inputs(&[values]).unwrap();
    session.run().unwrap();
    session.read_outputs().unwrap()
}

/// The outputs of the joined network, and of the one exported whole, for both exporters.
fn outputs(engine: &dyn Engine) -> Vec<[Vec<Vec<f32>>; 2]> {
    let both = ["torchscript", "dynamo"].map(|exporter| {
        let folder = support::project_root().join("tests/spaces/onnx").join(exporter);
        let space = SpaceFolder::load(&folder).unwrap();
        let choice: Vec<_> = space.choice(&CHOICE).unwrap().into_iter().map(Some).collect();
        [run(engine, &space.network(&choice)), run(engine, &fs::read(folder.join("whole.onnx")).unwrap())]
    });
    both.into()
}

#[cfg(feature = "onnxruntime")]
#[test]
fn onnx_runtime_computes_the_very_same() {
    let Some(engine) = engine(EngineKind::OnnxRuntime) else { return };
    for [joined, whole] in outputs(&*engine) {
        assert!(whole[0].len() == 5 && whole[0].iter().any(|v| *v != 0.0));
        assert_eq!(joined, whole);
    }
}

#[cfg(feature = "tract")]
#[test]
fn tract_computes_the_same() {
    let Some(engine) = engine(EngineKind::Tract) else { return };
    for [joined, whole] in outputs(&*engine) {
        for (a, b) in std::iter::zip(&joined[0], &whole[0]) {
            assert!((a - b).abs() <= 1e-5 * b.abs().max(1.0), "{a} is not {b}");
        }
    }
}
