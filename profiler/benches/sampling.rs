//! What the sampling loop itself costs, on an engine that does nothing: `cargo bench -p profiler`.
//!
//! A sample is two readings of the clock and a loop of runs. The last line says what that is of a sample of 10 ms of the
//! smallest models (5 µs a run, so 2000 runs); it must stay below 0.5 %.

use std::hint::black_box;
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use engines::{Engine, EngineError, EngineInfo, Port, Session, SessionOptions, Value};
use profiler::agent::clock;
use profiler::agent::model::Model;
use profiler::protocol::{Hold, Item, Job, PROTOCOL, Plan};

/// Runs in a sample of 10 ms of a model that takes 5 µs.
const RUNS: u64 = 2000;

/// An engine whose models take no time.
struct Idle(EngineInfo);

impl Engine for Idle {
    fn info(&self) -> &EngineInfo {
        &self.0
    }

    fn load(&self, _: &[u8], _: &SessionOptions) -> Result<Box<dyn Session>, EngineError> {
        Ok(Box::new(Nothing(0)))
    }
}

struct Nothing(u64);

impl Session for Nothing {
    fn inputs(&self) -> &[Port] {
        &[]
    }

    fn outputs(&self) -> &[Port] {
        &[]
    }

    fn feed(&mut self, _: &[Value]) -> Result<(), EngineError> {
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        // Something the compiler cannot leave out.
        self.0 = black_box(self.0 + 1);
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        Ok(Vec::new())
    }
}

fn idle_model() -> Model {
    let engine = Idle(EngineInfo {
        name: "idle".into(),
        version: "0".into(),
        precision: None,
        library: None,
        library_sha256: None,
        build: None,
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("m"), "").expect("written");
    let item =
        Item { id: "idle".into(), model: "m".into(), inputs: vec![], expected: vec![], parts: None, earlier: vec![], cold: false };
    let plan = Plan {
        precision: 0.01,
        budget_ms: 1,
        sample_us: 1e4,
        canary_us: 1.0,
        min_samples: 1,
        cold_runs: 0,
        idle_us: None,
        widening: 1.0,
    };
    let job = Job {
        protocol: PROTOCOL,
        engine: "idle".into(),
        engine_lib: None,
        threads: 1,
        cpus: vec![],
        oversubscribe: false,
        holder: String::new(),
        lock_timeout_ms: 0,
        simulated: false,
        seed: 1,
        plan,
        hold: Hold { celsius: None, start_celsius: None, governor: false },
        items: vec![item.clone()],
    };
    Model::load(&engine, &item, folder.path(), &job).expect("nothing can go wrong")
}

fn sampling(c: &mut Criterion) {
    let mut model = idle_model();
    c.bench_function("sampling/clock", |b| b.iter(clock::now_us));
    c.bench_function("sampling/2000 runs of nothing", |b| b.iter(|| model.time(black_box(RUNS))));
    // The fastest of many is the loop; what is above it is the machine's other work.
    let once = |model: &mut Model| {
        let start = Instant::now();
        black_box(model.time(black_box(RUNS)).expect("nothing can go wrong"));
        start.elapsed().as_secs_f64()
    };
    let loop_seconds = (0..1000).map(|_| once(&mut model)).fold(f64::INFINITY, f64::min);
    println!("loop and clock: {:.4} % of a sample of 10 ms (at most 0.5 %)", 100.0 * loop_seconds / 10e-3);
    assert!(loop_seconds < 0.005 * 10e-3, "the sampling loop costs too much");
}

criterion_group!(benches, sampling);
criterion_main!(benches);
