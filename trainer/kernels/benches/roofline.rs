//! The roofline by operator: `cargo bench -p kernels --bench roofline`.
//!
//! First what the processor can do on all threads: multiply-adds on registers alone, for each instruction set, on one thread and on all;
//! bytes a second from memory. Then training steps of the supernet and the pose network, each step of the plan timed alone. A line an operator
//! and shape: its share of the time, multiply-adds a second and their share of the peak, bytes a second and their share of memory's,
//! and its share of the roof: the longer of the times that arithmetic and memory need at least, over the time that it took. The last column
//! says what holds it: `memory` or `arithmetic`, whichever's least time is longer, where at least half of the time is explained by that;
//! else `kernel`: instructions beside the multiply-adds, caches, and threads that wait. Least bytes are those of maps read and written
//! once; maps that stay in the caches need fewer from memory, so that a share may be over 100 %.
//!
//! `BLOCKTIME_SIMD=avx2` chooses an instruction set, `RAYON_NUM_THREADS` the threads, `BLOCKTIME_BATCH` the images (default 32).

use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use blocks::{Graph, Space, Weights};
use kernels::ops::peak::multiply_adds;
use kernels::{Arguments, Cost, Direction, Level, Mode, Plan, Times};
use rayon::prelude::*;

/// Steps before and while it is measured.
const WARM_UP: usize = 2;
const STEPS: usize = 8;

/// Operators that are shown.
const SHOWN: usize = 25;

/// What the processor can do, a second.
struct Machine {
    multiply_adds: f64,
    bytes: f64,
}

/// The best of several tries.
fn best(tries: usize, work: impl Fn()) -> Duration {
    let took = (0..tries).map(|_| {
        let start = Instant::now();
        work();
        start.elapsed()
    });
    took.min().unwrap_or_default()
}

/// Multiply-adds a second on so many threads.
fn peak(level: Level, threads: usize) -> f64 {
    const ROUNDS: usize = 20_000_000;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    let each = multiply_adds(level, 1) * ROUNDS;
    let took = best(3, || {
        pool.broadcast(|_| black_box(multiply_adds(level, ROUNDS)));
    });
    (threads * each) as f64 / took.as_secs_f64()
}

/// Bytes a second that all threads read and write: a + b to c, of 128 MiB each.
fn memory() -> f64 {
    const LEN: usize = 32 << 20;
    let (a, b) = (vec![1.0f32; LEN], vec![2.0f32; LEN]);
    let c = std::sync::Mutex::new(vec![0.0f32; LEN]);
    let took = best(5, || {
        let mut c = c.lock().expect("one thread");
        c.par_chunks_mut(1 << 16).zip(a.par_chunks(1 << 16)).zip(b.par_chunks(1 << 16)).for_each(|((c, a), b)| {
            for (c, (a, b)) in c.iter_mut().zip(a.iter().zip(b)) {
                *c = a + b;
            }
        });
    });
    (3 * LEN * size_of::<f32>()) as f64 / took.as_secs_f64()
}

/// Time and least costs of all steps of a name.
#[derive(Default)]
struct Row {
    seconds: f64,
    multiply_adds: f64,
    bytes: f64,
}

impl Row {
    fn add(&mut self, took: Duration, cost: Cost, images: f64) {
        self.seconds += took.as_secs_f64();
        self.multiply_adds += images * cost.multiply_adds;
        self.bytes += images * cost.bytes;
    }

    fn show(&self, name: &str, total: f64, machine: &Machine) -> String {
        let (arithmetic, memory) = (self.multiply_adds / machine.multiply_adds, self.bytes / machine.bytes);
        let roof = arithmetic.max(memory) / self.seconds;
        let holds = match (roof >= 0.5, memory > arithmetic) {
            (false, _) => "kernel",
            (true, true) => "memory",
            (true, false) => "arithmetic",
        };
        format!(
            "{:5.1} % {:8.2} ms {:7.1} G/s {:4.0} % {:7.1} GB/s {:4.0} % {:5.0} %  {holds:10} {name}",
            100.0 * self.seconds / total,
            1e3 * self.seconds / STEPS as f64,
            1e-9 * self.multiply_adds / self.seconds,
            100.0 * arithmetic / self.seconds,
            1e-9 * self.bytes / self.seconds,
            100.0 * memory / self.seconds,
            100.0 * roof,
        )
    }
}

/// Training steps of a net, each step of its plan into the rows.
fn run(graph: &Graph, batch: usize, rows: &mut BTreeMap<String, Row>) {
    let weights = Weights::for_measuring(graph, 1);
    let (mut params, mut stats) = (Vec::new(), Vec::new());
    for p in graph.params() {
        let to = if p.kind.is_trained() { &mut params } else { &mut stats };
        to.extend_from_slice(weights.get(&p).expect("seeded weights are complete"));
    }
    let plan = Plan::new(graph);
    let input = vec![0.5; batch * plan.input_shapes()[0].volume()];
    let (layers, width) = plan.mask_shape();
    let masks = vec![1.0 / width.max(1) as f32; layers * width];
    let args = Arguments { inputs: &[&input], params: &params, masks: &masks };
    let gradients: Vec<Vec<f32>> = plan.output_shapes().iter().map(|s| vec![0.01; batch * s.volume()]).collect();
    let gradients: Vec<Option<&[f32]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
    let mut step = |plan: &Plan| {
        let (_, kept) = plan.forward(args, &mut stats, Mode::Train, 1);
        black_box(plan.backward(kept, args, &gradients, true, &[false]));
    };
    (0..WARM_UP).for_each(|_| step(&plan));
    let times = Arc::new(Times::default());
    let timed = plan.timed(times.clone());
    (0..STEPS).for_each(|_| step(&timed));
    let images = (STEPS * batch) as f64;
    for (i, described) in timed.described().into_iter().enumerate() {
        for (direction, cost) in [(Direction::Forward, described.forward), (Direction::Backward, described.backward)] {
            let name = format!("{} {}", described.name, if direction == Direction::Forward { "forward" } else { "backward" });
            rows.entry(name).or_default().add(times.of(i, direction), cost, images);
        }
    }
}

fn main() {
    // Cargo's tests start benches, too: then there is nothing to measure.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let threads = rayon::current_num_threads();
    for level in Level::available() {
        let [one, all] = [1, threads].map(|threads| 1e-9 * peak(level, threads));
        println!("{:8} {one:7.1} G multiply-adds/s on one thread, {all:7.1} on {threads}", level.name());
    }
    let level = Level::current();
    let machine = Machine { multiply_adds: peak(level, threads), bytes: memory() };
    println!("memory   {:7.1} GB/s on {threads} threads", 1e-9 * machine.bytes);

    let batch = std::env::var("BLOCKTIME_BATCH").ok().and_then(|n| n.parse().ok()).unwrap_or(32);
    let space = Space::load("pfld").expect("the built-in space is valid");
    let mut rows = BTreeMap::new();
    run(&space.supernet(106), batch, &mut rows);
    run(&space.pose_net().expect("the PFLD space has a trunk"), batch, &mut rows);
    let mut whole = Row::default();
    for row in rows.values() {
        whole.seconds += row.seconds;
        whole.multiply_adds += row.multiply_adds;
        whole.bytes += row.bytes;
    }
    let mut rows: Vec<_> = rows.into_iter().filter(|(_, row)| row.seconds > 0.0).collect();
    rows.sort_by(|a, b| b.1.seconds.total_cmp(&a.1.seconds));
    println!("\n{}, {threads} threads, batch {batch}: multiply-adds, bytes, share of the roof, what holds it", level.name());
    for (name, row) in rows.iter().take(SHOWN) {
        println!("{}", row.show(name, whole.seconds, &machine));
    }
    println!("{}", whole.show("all", whole.seconds, &machine));
}
