//! Forward and backward passes at the PFLD net's real shapes, batch 32: `cargo bench -p kernels`.
//!
//! `BLOCKTIME_SIMD=avx2` or `portable` times another instruction set, `RAYON_NUM_THREADS` sets the threads.

use std::hint::black_box;

use blocks::{Graph, Space, Weights};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernels::{Mode, Plan};

const BATCH: usize = 32;

/// Times a training pass over a graph: forward, and forward with backward.
fn bench_graph(c: &mut Criterion, name: &str, graph: &Graph) {
    let plan = Plan::new(graph);
    let weights = Weights::for_measuring(graph, 1);
    let (mut params, mut stats) = (Vec::new(), Vec::new());
    for p in graph.params() {
        let to = if p.kind.is_trained() { &mut params } else { &mut stats };
        to.extend_from_slice(weights.get(&p).expect("seeded weights are complete"));
    }
    let inputs: Vec<Vec<f32>> = plan.input_shapes().iter().map(|s| vec![0.5; BATCH * s.volume()]).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let (layers, width) = plan.mask_shape();
    let masks = vec![1.0 / width.max(1) as f32; layers * width];
    let gradients: Vec<Vec<f32>> = plan.output_shapes().iter().map(|s| vec![0.01; BATCH * s.volume()]).collect();
    let gradients: Vec<Option<&[f32]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
    let wanted = vec![true; inputs.len()];
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("forward", |b| {
        b.iter(|| black_box(plan.forward(&inputs, &params, &mut stats.clone(), &masks, Mode::Train, 1).0));
    });
    group.bench_function("forward+backward", |b| {
        b.iter(|| {
            let (_, tape) = plan.forward(&inputs, &params, &mut stats.clone(), &masks, Mode::Train, 1);
            black_box(plan.backward(tape, &gradients, true, &wanted))
        });
    });
    group.finish();
}

fn training(c: &mut Criterion) {
    let space = Space::load("pfld").expect("the built-in space is valid");
    for candidate in space.unique_candidates() {
        bench_graph(c, &candidate.key(), &candidate.graph());
    }
    for piece in space.trunk_pieces(106) {
        bench_graph(c, piece.graph.name(), &piece.graph);
    }
    bench_graph(c, "pose net", &space.pose_net().expect("the PFLD space has a trunk"));
    bench_graph(c, "supernet", &space.supernet(106));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = training
}
criterion_main!(benches);
