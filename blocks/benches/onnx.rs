//! Time to write a whole subnet as an ONNX file: `cargo bench -p blocks`.

use blocks::{Space, Weights, onnx};
use criterion::{Criterion, criterion_group, criterion_main};

fn write(c: &mut Criterion) {
    let space = Space::load("pfld").expect("built in");
    let choice: Vec<_> = space.layers().iter().map(|l| l.primitives[0]).collect();
    let graph = space.deployed(&choice, 106);
    let weights = Weights::for_measuring(&graph, 1);
    let options = onnx::Options::default();
    c.bench_function("onnx/write_subnet", |b| b.iter(|| onnx::model(&graph, &weights, &options)));
    let file = onnx::model(&graph, &weights, &options).expect("the weights are complete");
    c.bench_function("onnx/inspect_subnet", |b| b.iter(|| onnx::inspect(&file)));
}

criterion_group!(benches, write);
criterion_main!(benches);
