//! ONNX Runtime with several threads. A test program of its own: the first number of threads is the process's.

#![cfg(all(feature = "onnxruntime", target_os = "linux"))]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::num::NonZeroUsize;

use blocks::onnx::{self, Options};
use blocks::{Space, Weights};
use engines::{EngineError, EngineKind, Session, SessionOptions};

/// Threads of this process.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").unwrap().count()
}

#[test]
fn sessions_share_one_pool_and_only_the_running_one_has_it() {
    let engine = match engines::open(EngineKind::OnnxRuntime, None) {
        Ok(engine) => engine,
        Err(e) => {
            support::skip("BLOCKTIME_REQUIRE_ENGINE", &e.to_string());
            return;
        }
    };
    let graph = Space::load("pfld").unwrap().pose_net().unwrap();
    let weights = Weights::for_measuring(&graph, 1);
    let file = onnx::model(&graph, &weights, &Options::default()).unwrap();
    let with = |threads: usize| SessionOptions { threads: NonZeroUsize::new(threads).unwrap(), ..SessionOptions::default() };
    let ready = |threads: usize| -> Box<dyn Session> {
        let mut session = engine.load(&file, &with(threads)).unwrap();
        session.set_inputs(&[vec![0.5; 16 * 28 * 28]]).unwrap();
        session.run().unwrap();
        session
    };
    let mut sessions = vec![ready(2)];
    // The pool's, and what else the engine starts once.
    let before = threads();
    sessions.extend((1..20).map(|_| ready(2)));
    // Each with a pool of its own would make nineteen more, and those that have just run spin against the one that runs.
    assert_eq!(threads(), before, "threads, after nineteen more sessions of two threads");
    let first = sessions[0].read_outputs().unwrap();
    for session in &mut sessions {
        session.run().unwrap();
        assert_eq!(session.read_outputs().unwrap(), first);
    }
    // One thread needs no pool; three would need another one.
    assert_eq!((ready(1).read_outputs().unwrap(), threads()), (first, before));
    let refused = engine.load(&file, &with(3)).err().unwrap();
    assert!(matches!(refused, EngineError::Pool { threads: 2, asked: 3, .. }), "{refused}");
}
