//! Forward and backward passes at the PFLD net's real shapes, batch 32: `cargo bench -p kernels`.
//!
//! Every operation of the supernet and the pose network alone, at each shape that it has there (`-- op/`), then blocks, trunk pieces and
//! whole nets. A graph's inputs and outputs are `[n][c][h][w]`: its figures hold the change of layout at both ends, which the
//! row `op/relu` shows with next to nothing between.
//!
//! `BLOCKTIME_SIMD=avx2` or `portable` times another instruction set, `RAYON_NUM_THREADS` sets the threads.

use std::hint::black_box;

use std::collections::BTreeMap;

use blocks::{Builder, Graph, Node, Op, Space, Weights};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use kernels::{Arguments, Mode, Plan};

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
    let args = Arguments { inputs: &inputs, params: &params, masks: &masks };
    let gradients: Vec<Vec<f32>> = plan.output_shapes().iter().map(|s| vec![0.01; BATCH * s.volume()]).collect();
    let gradients: Vec<Option<&[f32]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
    let wanted = vec![true; inputs.len()];
    let mut group = c.benchmark_group(name);
    group.throughput(Throughput::Elements(BATCH as u64));
    group.bench_function("forward", |b| {
        b.iter(|| black_box(plan.forward(args, &mut stats.clone(), Mode::Train, 1).0));
    });
    group.bench_function("forward+backward", |b| {
        b.iter(|| {
            let (_, kept) = plan.forward(args, &mut stats.clone(), Mode::Train, 1);
            black_box(plan.backward(kept, args, &gradients, true, &wanted))
        });
    });
    group.finish();
}

/// One operation of a net as a graph of its own, and its name with its shapes.
fn alone(net: &Graph, node: &Node) -> Option<(String, Graph)> {
    let shapes: Vec<_> = node.inputs.iter().map(|&id| net.node(id).shape).collect();
    let mut g = Builder::new("op");
    let x: Vec<_> = shapes.iter().enumerate().map(|(i, &shape)| g.input(&format!("x{i}"), shape)).collect();
    let (name, y) = match &node.op {
        Op::Input => return None,
        Op::Conv(conv) => {
            let kind = if conv.is_depthwise() { "depthwise" } else { "dense" };
            let dilated = if conv.dilation > 1 { format!(" dilation {}", conv.dilation) } else { String::new() };
            (format!("{kind} {0}x{0} stride {1}{dilated}", conv.kernel, conv.stride), g.conv(x[0], "c", *conv))
        }
        Op::BatchNorm => ("batch norm".to_string(), g.batch_norm(x[0], "b")),
        Op::Relu => ("relu".to_string(), g.relu(x[0])),
        Op::HardSigmoid => ("hard sigmoid".to_string(), g.hard_sigmoid(x[0])),
        Op::Dropout { p } => ("dropout".to_string(), g.dropout(x[0], *p)),
        Op::Add => ("add".to_string(), g.add(x[0], x[1])),
        Op::Mul => ("mul".to_string(), g.mul(x[0], x[1])),
        Op::Concat => ("concat".to_string(), g.concat(&x)),
        Op::MaxPool { kernel, stride } => (format!("max pool {kernel}x{kernel}"), g.max_pool(x[0], *kernel, *stride)),
        Op::GlobalAvgPool => ("global average".to_string(), g.global_avg_pool(x[0])),
        Op::Linear { c_out } => ("linear".to_string(), g.linear(x[0], "l", *c_out)),
        Op::Mixture { .. } => (format!("mixture of {}", x.len()), g.mixture(&x, 0)),
    };
    Some((format!("op/{name} {} to {}", shapes[0], node.shape), g.finish(&[("y", y)])))
}

fn operations(c: &mut Criterion) {
    let space = Space::load("pfld").expect("the built-in space is valid");
    let nets = [space.supernet(106), space.pose_net().expect("the PFLD space has a trunk")];
    let different: BTreeMap<String, Graph> =
        nets.iter().flat_map(|net| net.nodes().iter().filter_map(|node| alone(net, node))).collect();
    for (name, graph) in different {
        bench_graph(c, &name, &graph);
    }
}

fn training(c: &mut Criterion) {
    let space = Space::load("pfld").expect("the built-in space is valid");
    for candidate in space.unique_candidates() {
        bench_graph(c, &candidate.key(), &candidate.graph());
    }
    for piece in space.trunk_pieces(106) {
        bench_graph(c, piece.graph.name(), &piece.graph);
    }
    bench_graph(c, "pose network", &space.pose_net().expect("the PFLD space has a trunk"));
    bench_graph(c, "supernet", &space.supernet(106));
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(std::time::Duration::from_millis(300)).measurement_time(std::time::Duration::from_secs(1));
    targets = operations, training
}
criterion_main!(benches);
