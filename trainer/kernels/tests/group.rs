//! Shares of a batch give what the whole batch gives: outputs, gradients, running statistics.

#![allow(clippy::unwrap_used)]

use blocks::{Graph, Space, Weights};
use kernels::group::threads;
use kernels::{Arguments, Mode, Plan};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// What a pass gives: outputs one after the other, gradients of parameters, masks and input, running statistics.
struct Passed {
    outputs: Vec<Vec<f32>>,
    params: Vec<f32>,
    masks: Vec<f32>,
    input: Vec<f32>,
    stats: Vec<f32>,
}

fn pass(plan: &Plan, graph: &Graph, input: &[f32], gradients: &[Vec<f32>], masks: &[f32]) -> Passed {
    let weights = Weights::for_measuring(graph, 3);
    let of = |trained: bool| -> Vec<f32> {
        graph.params().iter().filter(|p| p.kind.is_trained() == trained).flat_map(|p| weights.get(p).unwrap().to_vec()).collect()
    };
    let (params, mut stats) = (of(true), of(false));
    let args = Arguments { inputs: &[input], params: &params, masks };
    let (outputs, kept) = plan.forward(args, &mut stats, Mode::Train, 9);
    let gradients: Vec<Option<&[f32]>> = gradients.iter().map(|g| Some(g.as_slice())).collect();
    let mut back = plan.backward(kept, args, &gradients, true, &[true]);
    Passed { outputs, params: back.params.unwrap(), masks: back.masks, input: back.inputs.pop().flatten().unwrap(), stats }
}

#[track_caller]
fn assert_close(what: &str, found: &[f32], expected: &[f32]) {
    let largest = expected.iter().fold(0f32, |m, v| m.max(v.abs()));
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (f, e)) in std::iter::zip(found, expected).enumerate() {
        assert!((f - e).abs() <= 1e-5 * largest, "{what}[{i}]: {f}, expected {e}; the largest is {largest}");
    }
}

/// Every primitive with batch norm, eSE, dropout, mixtures, and the trunk, in one small supernet.
#[test]
fn shares_are_the_whole_batch() {
    let text = "name = \"s\"\ninput = [32, 6, 6]\n[[stage]]\n\
                candidates = [\"skip\", \"sep_k3\", \"mb_k3_res_se\", \"gh_k3\", \"conv1x1\"]\n\
                layers = [{ c_in = 32, c_out = 32, stride = 1, h = 6, w = 6 }]\n[[stage]]\n\
                candidates = [\"mb_k5_e2\", \"skip\"]\nlayers = [{ c_in = 32, c_out = 48, stride = 2, h = 6, w = 6 }]\n";
    let graph = Space::parse(text, "s").unwrap().supernet(1);
    let plan = Plan::new(&graph);
    let (layers, width) = plan.mask_shape();
    let masks: Vec<f32> = (0..layers * width).map(|i| 0.1 + 0.07 * i as f32).collect();
    let (batch, image) = (12, 32 * 36);
    let input = noise(batch * image, 1);
    let out = plan.output_shapes()[0].volume();
    let gradient = noise(batch * out, 2);
    let whole = pass(&plan, &graph, &input, std::slice::from_ref(&gradient), &masks);

    for size in [2, 3] {
        let group = threads(size);
        let share = batch / size;
        let members: Vec<Passed> = std::thread::scope(|scope| {
            let run = |rank: usize| {
                let plan = Plan::new(&graph).in_group(group[rank].clone());
                let (graph, input, gradient, masks) = (&graph, &input, &gradient, &masks);
                scope.spawn(move || {
                    let of = |values: &[f32], each: usize| values[rank * share * each..][..share * each].to_vec();
                    pass(&plan, graph, &of(input, image), &[of(gradient, out)], masks)
                })
            };
            let threads: Vec<_> = (0..size).map(run).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let all = |pick: fn(&Passed) -> &Vec<f32>| -> Vec<f32> { members.iter().flat_map(|m| pick(m).clone()).collect() };
        let sum = |pick: fn(&Passed) -> &Vec<f32>| -> Vec<f32> {
            (0..pick(&members[0]).len()).map(|i| members.iter().map(|m| pick(m)[i]).sum()).collect()
        };
        assert_close("outputs", &all(|m| &m.outputs[0]), &whole.outputs[0]);
        assert_close("input", &all(|m| &m.input), &whole.input);
        assert_close("params", &sum(|m| &m.params), &whole.params);
        assert_close("masks", &sum(|m| &m.masks), &whole.masks);
        for member in &members {
            assert_close("stats", &member.stats, &whole.stats);
        }
    }
}
