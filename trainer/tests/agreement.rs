//! Both backends compute the same for every primitive and for the pose network, forwards and backwards; and where candle's own
//! operations are known to be wrong, the right thing.

#![allow(clippy::unwrap_used)]

use blocks::{Builder, Candidate, Conv, Graph, Layer, Op, Primitive, Shape, Space, Weights};
use candle_core::{Device, Tensor, Var};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use trainer::model::{Backend, Mode, Model, Pass};

const SEED: u64 = 11;

fn random(shape: (usize, usize, usize, usize), seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let n = shape.0 * shape.1 * shape.2 * shape.3;
    Tensor::from_vec((0..n).map(|_| rng.random_range(-1.0f32..1.0)).collect::<Vec<_>>(), shape, &Device::Cpu).unwrap()
}

/// Output, gradients of input and parameters of Σ output · (fixed random numbers), weights after it.
/// A supernet gets equal masks.
fn run(graph: &Graph, backend: Backend, mode: Mode, n: usize) -> (Vec<f32>, Vec<f32>, Vec<f32>, Weights) {
    let shape = graph.node(graph.inputs()[0]).shape;
    let input = Var::from_tensor(&random((n, shape.c, shape.h, shape.w), 1)).unwrap();
    let model = Model::with_backend(graph.clone(), &Weights::for_measuring(graph, SEED), backend).unwrap();
    let pass = Pass { dropout_seed: 9, ..Pass::new(mode) };
    let mixtures = graph.nodes().iter().filter(|node| matches!(node.op, Op::Mixture { .. }));
    let width = mixtures.clone().map(|node| node.inputs.len()).max();
    let masks = width.map(|width| Tensor::full(1.0 / width as f32, (mixtures.count(), width), &Device::Cpu).unwrap());
    let out = model.run(&[input.as_tensor().clone()], masks.as_ref(), pass).unwrap().remove(0);
    let flat = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    if mode == Mode::Eval {
        return (flat(&out), vec![], vec![], model.weights().unwrap());
    }
    let loss = (&out * random(out.dims4().unwrap(), 2)).unwrap().sum_all().unwrap();
    let grads = loss.backward().unwrap();
    let of_params = grads.get(model.params()).map_or(vec![], flat);
    (flat(&out), flat(grads.get(&input).unwrap()), of_params, model.weights().unwrap())
}

#[track_caller]
fn assert_close(what: &str, a: &[f32], b: &[f32]) {
    assert_eq!(a.len(), b.len(), "{what}");
    let largest = b.iter().fold(0f32, |m, v| m.max(v.abs()));
    for (i, (x, y)) in a.iter().zip(b).enumerate() {
        assert!((x - y).abs() <= 1e-3 * y.abs() + 1e-4 * largest.max(1e-2), "{what}[{i}]: {x} {y}");
    }
}

fn assert_agree(graph: &Graph) {
    for mode in [Mode::Eval, Mode::Train, Mode::TrainFrozenStats] {
        let [fused, stock] = [Backend::Fused, Backend::Stock].map(|backend| run(graph, backend, mode, 3));
        let what = |part| format!("{} {mode:?} {part}", graph.name());
        assert_close(&what("output"), &fused.0, &stock.0);
        assert_close(&what("input gradient"), &fused.1, &stock.1);
        assert_close(&what("parameter gradients"), &fused.2, &stock.2);
        for (name, values) in &fused.3.0 {
            assert_close(&what(name), values, &stock.3.0[name]);
        }
    }
}

#[test]
fn backends_agree_on_every_primitive() {
    let layers = [
        Layer { c_in: 24, c_out: 24, stride: 1, h: 14, w: 14 },
        Layer { c_in: 32, c_out: 48, stride: 2, h: 14, w: 14 },
        Layer { c_in: 16, c_out: 16, stride: 1, h: 9, w: 9 },
        Layer { c_in: 20, c_out: 20, stride: 2, h: 10, w: 10 },
        Layer { c_in: 24, c_out: 24, stride: 7, h: 7, w: 7 },
    ];
    for layer in layers {
        for primitive in Primitive::all().filter(|p| p.misfit(&layer).is_none() && (layer.stride <= 2 || p.is_pool())) {
            // Dropout draws are each backend's own.
            if primitive.is_identity(&layer) {
                continue;
            }
            assert_agree(&Candidate { primitive, layer }.graph());
        }
    }
}

#[test]
fn backends_agree_on_a_supernet_whose_layers_branch_and_join() {
    let space = "name = 'joined'\ninput = [20, 12, 12]\n[[stage]]\ncandidates = ['conv_k3', 'conv_k5', 'gh_conv_k3']\n\
        layers = [{ c_in = 20, c_out = 16, stride = 2, h = 12, w = 12 }]\n[[stage]]\ncandidates = ['stem2', 'stem2_half', 'sep_k3']\n\
        layers = [{ c_in = 16, c_out = 16, stride = 2, h = 6, w = 6 }]\n[[stage]]\ncandidates = ['pool_k5', 'pool_k3', 'pool_max']\n\
        layers = [{ c_in = 16, c_out = 16, stride = 2, h = 6, w = 6, inputs = [1] }]\n[[stage]]\n\
        candidates = ['linear', 'linear_r4', 'gh_k3']\n\
        layers = [{ c_in = 32, c_out = 16, stride = 1, h = 3, w = 3, inputs = [3, 2] }]";
    assert_agree(&Space::parse(space, "test").unwrap().supernet(1));
}

#[test]
fn backends_agree_on_pools_and_linear_layers() {
    let mut g = Builder::new("pools");
    let x = g.input("x", Shape::new(20, 13, 13));
    let y = g.conv_bn_relu(x, "a", Conv::dense(20, 24, 3).stride(2).padding(1));
    let y = g.max_pool(y, 3, 3);
    let y = g.linear(y, "fc1", 10);
    let y = g.linear(y, "fc2", 3);
    assert_agree(&g.finish(&[("y", y)]));
}

#[test]
fn a_pools_gradient_goes_to_the_largest_value_alone() {
    let mut g = Builder::new("pool");
    let x = g.input("x", Shape::new(1, 4, 4));
    let y = g.max_pool(x, 2, 2);
    let graph = g.finish(&[("y", y)]);
    let values: Vec<f32> = (0..16).map(|i| ((i * 7) % 16) as f32).collect();
    for backend in Backend::ALL {
        let input = Var::from_vec(values.clone(), (1, 1, 4, 4), &Device::Cpu).unwrap();
        let model = Model::with_backend(graph.clone(), &Weights::default(), backend).unwrap();
        let out = model.forward(&[input.as_tensor().clone()], None, Mode::Train).unwrap().remove(0);
        assert_eq!(out.flatten_all().unwrap().to_vec1::<f32>().unwrap(), [12.0, 14.0, 15.0, 13.0], "{backend}");
        let grads = out.sum_all().unwrap().backward().unwrap();
        let found = grads.get(&input).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap();
        let expected: Vec<f32> = values.iter().map(|v| f32::from([12.0, 14.0, 15.0, 13.0].contains(v))).collect();
        assert_eq!(found, expected, "{backend}");
    }
}

#[test]
fn relu_passes_no_gradient_at_zero() {
    let mut g = Builder::new("relu");
    let x = g.input("x", Shape::new(1, 1, 3));
    let y = g.relu(x);
    let graph = g.finish(&[("y", y)]);
    for backend in Backend::ALL {
        let input = Var::from_vec(vec![-1.0f32, 0.0, 2.0], (1, 1, 1, 3), &Device::Cpu).unwrap();
        let model = Model::with_backend(graph.clone(), &Weights::default(), backend).unwrap();
        let out = model.forward(&[input.as_tensor().clone()], None, Mode::Train).unwrap().remove(0);
        let grads = out.sum_all().unwrap().backward().unwrap();
        assert_eq!(grads.get(&input).unwrap().flatten_all().unwrap().to_vec1::<f32>().unwrap(), [0.0, 0.0, 1.0], "{backend}");
    }
}

#[test]
fn dropout_drops_in_training_only_and_by_its_seed() {
    let mut g = Builder::new("dropout");
    let x = g.input("x", Shape::new(16, 8, 8));
    let y = g.dropout(x, 0.25);
    let graph = g.finish(&[("y", y)]);
    let ones = Tensor::ones((4, 16, 8, 8), candle_core::DType::F32, &Device::Cpu).unwrap();
    for backend in Backend::ALL {
        let model = Model::with_backend(graph.clone(), &Weights::default(), backend).unwrap();
        let run = |mode, dropout_seed| {
            let pass = Pass { dropout_seed, ..Pass::new(mode) };
            let out = model.run(std::slice::from_ref(&ones), None, pass).unwrap().remove(0);
            out.flatten_all().unwrap().to_vec1::<f32>().unwrap()
        };
        assert!(run(Mode::Eval, 1).iter().all(|&v| v == 1.0), "{backend}");
        let dropped = run(Mode::Train, 1);
        assert!(dropped.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6), "{backend}");
        let share = dropped.iter().filter(|&&v| v == 0.0).count() as f64 / dropped.len() as f64;
        assert!((share - 0.25).abs() < 0.04, "{backend}: {share}");
        assert_eq!(dropped, run(Mode::TrainFrozenStats, 1), "{backend}");
        assert_ne!(dropped, run(Mode::Train, 2), "{backend}");
    }
}
