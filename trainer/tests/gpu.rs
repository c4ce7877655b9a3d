//! A model on GPUs computes what it does on the CPU. The GPUs are stand-ins that run the same kernels.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "../kernels/tests/shim/mod.rs"]
mod shim;

use blocks::{Graph, Space, Weights};
use candle_core::{Device, Tensor, Var};
use kernels::gpu::Gpu;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use shim::Shim;
use trainer::model::{Mode, Model, Opened};

const BATCH: usize = 4;

fn random(shape: &[usize], seed: u64) -> Tensor {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let values: Vec<f32> = (0..shape.iter().product()).map(|_| rng.random_range(-1.0..1.0)).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn flat(t: &Tensor) -> Vec<f32> {
    t.flatten_all().unwrap().to_vec1().unwrap()
}

/// What a training pass gives: output, gradients of weights, masks and input, and the statistics after it.
fn pass(model: &Model, graph: &Graph) -> Vec<Vec<f32>> {
    let (shape, layers) = (graph.node(graph.inputs()[0]).shape, 2);
    let input = Var::from_tensor(&random(&[BATCH, shape.c, shape.h, shape.w], 1)).unwrap();
    let masks = Var::from_tensor(&random(&[layers, 3], 2)).unwrap();
    let out = model.forward(&[input.as_tensor().clone()], Some(masks.as_tensor()), Mode::Train).unwrap().remove(0);
    let loss = (&out * random(out.dims(), 3)).unwrap().sum_all().unwrap();
    let gradients = loss.backward().unwrap();
    let of = |var: &Var| flat(gradients.get(var).unwrap());
    let after = model.weights().unwrap();
    let stats = model.layout().stats().iter().flat_map(|slot| after.0[&slot.param.name].clone()).collect();
    vec![flat(&out), of(model.params()), of(&masks), of(&input), stats]
}

#[test]
fn a_model_on_gpus_computes_what_it_does_on_the_cpu() {
    let text = "name = \"s\"\ninput = [16, 6, 6]\n[[stage]]\ncandidates = [\"skip\", \"mb_k3_res_se\", \"gh_k3\"]\n\
                layers = [{ c_in = 16, c_out = 16, stride = 1, h = 6, w = 6 }]\n[[stage]]\n\
                candidates = [\"mb_k5_e2\", \"sep_k3\", \"skip\"]\nlayers = [{ c_in = 16, c_out = 32, stride = 2, h = 6, w = 6 }]\n";
    let graph = Space::parse(text, "s").unwrap().supernet(1);
    let weights = Weights::for_measuring(&graph, 5);
    let expected = pass(&Model::new(graph.clone(), &weights).unwrap(), &graph);
    for count in [1, 2] {
        let gpus: Option<Vec<Gpu>> = (0..count).map(|_| Shim::new().map(|machine| Gpu::new(machine))).collect();
        let Some(gpus) = gpus else { return };
        let found = pass(&Model::on_gpus(graph.clone(), &weights, &Opened::new(gpus)).unwrap(), &graph);
        for (part, (found, expected)) in std::iter::zip(&found, &expected).enumerate() {
            let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
            assert_eq!(found.len(), expected.len());
            for (i, (f, e)) in std::iter::zip(found, expected).enumerate() {
                assert!((f - e).abs() <= 2e-5 * largest, "part {part} [{i}] on {count} GPUs: {f}, expected {e}");
            }
        }
    }
}
