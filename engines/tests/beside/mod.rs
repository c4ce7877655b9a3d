//! An engine's results beside the plain formulas' and ONNX Runtime's.

use engines::{Engine, EngineKind};

use crate::common::Case;
use blocks::Graph;

/// ONNX Runtime to compare with; nothing where its library is missing, unless `BLOCKTIME_REQUIRE_ENGINE=1`.
pub fn onnxruntime() -> Option<Box<dyn Engine>> {
    match engines::open(EngineKind::OnnxRuntime, None) {
        Ok(engine) => Some(engine),
        Err(e) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &format!("not compared with ONNX Runtime: {e}"));
            None
        }
    }
}

/// Runs graphs in the engine, by the plain formulas and in ONNX Runtime; largest difference in parts of the largest expected value.
pub fn check(engine: &dyn Engine, graphs: &[Graph], tolerance: f32) {
    let other = onnxruntime();
    for graph in graphs {
        let case = Case::new(graph);
        let found = case.run(engine);
        assert_near(&format!("{} by the formulas", graph.name()), &found, &case.expected, tolerance);
        if let Some(other) = &other {
            assert_near(&format!("{} in ONNX Runtime", graph.name()), &found, &case.run(&**other), tolerance);
        }
    }
}

/// Compares all outputs.
pub fn assert_near(name: &str, found: &[Vec<f32>], expected: &[Vec<f32>], tolerance: f32) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (found, expected)) in std::iter::zip(found, expected).enumerate() {
        assert_eq!(found.len(), expected.len(), "{name}: output {i}");
        let range = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
        assert!(range > 0.0, "{name}: all of output {i} is zero");
        let error = std::iter::zip(found, expected).map(|(f, e)| (f - e).abs() / range).fold(0.0, f32::max);
        assert!(error <= tolerance && found.iter().all(|v| v.is_finite()), "{name}: output {i} is off by {error:e} of its range");
    }
}
