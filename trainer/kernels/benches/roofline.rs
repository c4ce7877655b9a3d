//! The roofline by operator: `cargo bench -p kernels --bench roofline`.
//!
//! First what the processor can do on all threads: multiply-adds on registers alone, for each instruction set, on one thread and on all;
//! bytes a second from memory. Then training steps of the supernet and the pose network, each step of the plan timed alone. A line an operator
//! and shape: its share of the time, multiply-adds a second and their share of the peak, bytes a second and their share of memory's,
//! and its share of the roof: the longer of the times that arithmetic and memory need at least, over the time that it took. Least bytes are
//! those of maps read and written once; maps that stay in the caches need fewer from memory, so that a share may be over 100 %.
//!
//! The next column says what limits the operator. A and M are the least times of arithmetic and memory as shares of the time it took:
//!
//! - `both`: neither A nor M is more than 1.5 times the other, and A + M is at least a half;
//! - `arithmetic` or `memory`: otherwise, the larger of A and M, if it is at least a half;
//! - `kernel`: otherwise: instructions beside the multiply-adds, caches, and threads that wait, which the bench cannot tell apart.
//!
//! The last line is about the clock of the cores. A chain of dependent operations, whose speed depends on the clock alone, is timed on one
//! thread, directly after multiply-adds on all threads, and directly after each training step. Below 95 % of the speed on one thread, the
//! frequency limits too: everything inside the cores, `arithmetic` and `kernel`, takes longer by that share.
//!
//! `BLOCKTIME_SIMD=avx2` chooses an instruction set, `RAYON_NUM_THREADS` the threads, `BLOCKTIME_BATCH` the images (default 32),
//! `BLOCKTIME_SPACE` the search space (default pfld).

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

/// Readings of the chain after work: few, so that the clock has not changed yet; more than one, for an interrupt may fall into one.
const CHAIN_TRIES: usize = 3;

/// The clock limits below this share of the speed on one thread.
const FULL_CLOCK: f64 = 0.95;

/// What the processor can do, a second.
struct Machine {
    multiply_adds: f64,
    bytes: f64,
}

/// What limits an operator whose arithmetic and memory need at least these shares of the time that it took.
fn limit(arithmetic: f64, memory: f64) -> &'static str {
    const ALIKE: f64 = 1.5;
    const EXPLAINED: f64 = 0.5;
    let (less, more) = (arithmetic.min(memory), arithmetic.max(memory));
    match more {
        _ if more <= ALIKE * less && less + more >= EXPLAINED => "both",
        _ if more < EXPLAINED => "kernel",
        _ if memory > arithmetic => "memory",
        _ => "arithmetic",
    }
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

/// Turns a second of a chain of dependent operations. How many cycles a turn takes depends on the processor, not on its clock.
fn chain_speed(tries: usize) -> f64 {
    const TURNS: u32 = 50_000;
    let took = best(tries, || {
        let mut x = black_box(1u64);
        for _ in 0..TURNS {
            x = x.rotate_left(1).wrapping_add(x);
        }
        black_box(x);
    });
    f64::from(TURNS) / took.as_secs_f64()
}

/// The speed of the chain on the slowest of all threads, directly after their work.
fn slowest(speeds: Vec<f64>) -> f64 {
    speeds.into_iter().fold(f64::INFINITY, f64::min)
}

/// Multiply-adds a second on so many threads, and the speed of the chain after them.
fn peak(level: Level, threads: usize) -> (f64, f64) {
    const ROUNDS: usize = 20_000_000;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads start");
    let each = multiply_adds(level, 1) * ROUNDS;
    let took = best(3, || {
        pool.broadcast(|_| black_box(multiply_adds(level, ROUNDS)));
    });
    let speeds = pool.broadcast(|_| {
        black_box(multiply_adds(level, ROUNDS));
        chain_speed(CHAIN_TRIES)
    });
    ((threads * each) as f64 / took.as_secs_f64(), slowest(speeds))
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
        let limit = limit(arithmetic / self.seconds, memory / self.seconds);
        format!(
            "{:5.1} % {:8.2} ms {:7.1} G/s {:4.0} % {:7.1} GB/s {:4.0} % {:5.0} %  {limit:10} {name}",
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

/// Training steps of a net, each step of its plan into the rows; the speeds of the chain after each training step.
fn run(graph: &Graph, batch: usize, rows: &mut BTreeMap<String, Row>) -> Vec<f64> {
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
    let after_step = |_| {
        step(&timed);
        slowest(rayon::broadcast(|_| chain_speed(CHAIN_TRIES)))
    };
    let speeds = (0..STEPS).map(after_step).collect();
    let images = (STEPS * batch) as f64;
    for (i, described) in timed.described().into_iter().enumerate() {
        for (direction, cost) in [(Direction::Forward, described.forward), (Direction::Backward, described.backward)] {
            let name = format!("{} {}", described.name, if direction == Direction::Forward { "forward" } else { "backward" });
            rows.entry(name).or_default().add(times.of(i, direction), cost, images);
        }
    }
    speeds
}

/// What the clock is under load, as shares of that on one thread.
fn show_clock(after_multiply_adds: f64, after_steps: f64) -> String {
    let said = if after_steps < FULL_CLOCK { "it limits, too" } else { "it does not limit" };
    format!(
        "clock after multiply-adds {:.0} %, after training steps {:.0} % of that on one thread: {said}",
        100.0 * after_multiply_adds,
        100.0 * after_steps
    )
}

fn main() {
    // Cargo's tests start benches, too: then there is nothing to measure.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let threads = rayon::current_num_threads();
    // Long enough for a clock to rise.
    let alone = chain_speed(2000);
    for level in Level::available() {
        let [one, all] = [1, threads].map(|threads| 1e-9 * peak(level, threads).0);
        println!("{:8} {one:7.1} G multiply-adds/s on one thread, {all:7.1} on {threads}", level.name());
    }
    let level = Level::current();
    let (multiply_adds, after_multiply_adds) = peak(level, threads);
    let machine = Machine { multiply_adds, bytes: memory() };
    println!("memory   {:7.1} GB/s on {threads} threads", 1e-9 * machine.bytes);

    let batch = std::env::var("BLOCKTIME_BATCH").ok().and_then(|n| n.parse().ok()).unwrap_or(32);
    let space = std::env::var("BLOCKTIME_SPACE").unwrap_or_else(|_| "pfld".to_string());
    let space = Space::load(&space).expect("a built-in space's name, or a file that holds one");
    let mut rows = BTreeMap::new();
    let mut speeds = run(&space.supernet(106), batch, &mut rows);
    speeds.extend(run(&space.pose_net().expect("the PFLD space has a trunk"), batch, &mut rows));
    speeds.sort_by(f64::total_cmp);
    let mut whole = Row::default();
    for row in rows.values() {
        whole.seconds += row.seconds;
        whole.multiply_adds += row.multiply_adds;
        whole.bytes += row.bytes;
    }
    let mut rows: Vec<_> = rows.into_iter().filter(|(_, row)| row.seconds > 0.0).collect();
    rows.sort_by(|a, b| b.1.seconds.total_cmp(&a.1.seconds));
    println!("\n{}, {threads} threads, batch {batch}: multiply-adds, bytes, share of the roof, what limits it", level.name());
    for (name, row) in rows.iter().take(SHOWN) {
        println!("{}", row.show(name, whole.seconds, &machine));
    }
    println!("{}", whole.show("all", whole.seconds, &machine));
    println!("{}", show_clock(after_multiply_adds / alone, speeds[speeds.len() / 2] / alone));
}
