//! Graphs at odd shapes, and what holds for whatever runs them: results of the plain evaluation, gradients of finite differences.

use blocks::{Builder, Conv, Graph, NodeId, Primitive, Shape, Weights};
use kernels::{Arguments, Gradients, Mode, Plan};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Dropout's seed.
const SEED: u64 = 5;

/// The way back of a pass: all gradients from those of the outputs.
pub type Back<'a> = Box<dyn FnOnce(&[Option<&[f32]>]) -> Gradients + 'a>;

/// Something that runs a plan.
pub trait Runs {
    /// Its name.
    fn name(&self) -> String;

    /// The plan that it runs.
    fn plan(&self) -> &Plan;

    /// A pass: outputs, and the way back.
    fn pass<'a>(&'a self, args: Arguments<'a>, stats: &mut [f32], mode: Mode, dropout_seed: u64) -> (Vec<Vec<f32>>, Back<'a>);
}

/// The CPU with an instruction set.
impl Runs for Plan {
    fn name(&self) -> String {
        self.level().name().to_string()
    }

    fn plan(&self) -> &Plan {
        self
    }

    fn pass<'a>(&'a self, args: Arguments<'a>, stats: &mut [f32], mode: Mode, dropout_seed: u64) -> (Vec<Vec<f32>>, Back<'a>) {
        let (outputs, kept) = self.forward(args, stats, mode, dropout_seed);
        let back = move |gradients: &[Option<&[f32]>]| self.backward(kept, args, gradients, true, &vec![true; args.inputs.len()]);
        (outputs, Box::new(back))
    }
}

pub fn noise(n: usize, seed: u64) -> Vec<f32> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    (0..n).map(|_| rng.random_range(-1.0..1.0)).collect()
}

/// Trained parameters and running statistics, in the plan's order.
pub fn flat(graph: &Graph, seed: u64) -> (Vec<f32>, Vec<f32>) {
    let weights = Weights::for_measuring(graph, seed);
    let (mut params, mut stats) = (Vec::new(), Vec::new());
    for p in graph.params() {
        let to = if p.kind.is_trained() { &mut params } else { &mut stats };
        to.extend_from_slice(weights.get(&p).unwrap());
    }
    (params, stats)
}

/// A case: a graph, the batch size, and its masks.
pub struct Case {
    pub graph: Graph,
    pub n: usize,
    pub masks: Vec<f32>,
}

impl Case {
    fn new(graph: Graph, n: usize) -> Self {
        Self { graph, n, masks: Vec::new() }
    }
}

/// One input of `shape` through `build`.
fn one(name: &str, shape: Shape, build: impl Fn(&mut Builder, NodeId) -> NodeId) -> Graph {
    let mut g = Builder::new(name);
    let x = g.input("x", shape);
    let y = build(&mut g, x);
    g.finish(&[("y", y)])
}

pub fn cases() -> Vec<Case> {
    let s = Shape::new;
    let mut cases = vec![
        Case::new(one("pointwise", s(5, 7, 3), |g, x| g.conv(x, "c", Conv::pointwise(5, 19))), 3),
        Case::new(one("pointwise wide", s(48, 9, 5), |g, x| g.conv(x, "c", Conv::pointwise(48, 33).with_bias())), 2),
        Case::new(one("pointwise strided", s(17, 7, 6), |g, x| g.conv(x, "c", Conv::pointwise(17, 20).stride(2))), 2),
        Case::new(one("dense 3x3", s(20, 6, 5), |g, x| g.conv(x, "c", Conv::dense(20, 7, 3).padding(1))), 2),
        Case::new(one("dense 3x3 stride 2", s(3, 9, 8), |g, x| g.conv(x, "c", Conv::dense(3, 18, 3).padding(1).stride(2))), 3),
        Case::new(one("dense 5x5 wide", s(3, 9, 43), |g, x| g.conv(x, "c", Conv::dense(3, 37, 5).padding(2).stride(2))), 2),
        Case::new(
            one("dense 5x5 stride 3", s(2, 10, 31), |g, x| g.conv(x, "c", Conv::dense(2, 8, 5).padding(1).stride(3).with_bias())),
            2,
        ),
        Case::new(
            one("dense of planes, dilated", s(3, 9, 21), |g, x| g.conv(x, "c", Conv::dense(3, 16, 3).padding(2).dilation(2))),
            1,
        ),
        Case::new(one("dense 7x7", s(17, 7, 7), |g, x| g.conv(x, "c", Conv::dense(17, 5, 7).padding(1))), 1),
        Case::new(one("dense dilated", s(16, 8, 8), |g, x| g.conv(x, "c", Conv::dense(16, 16, 3).padding(2).dilation(2))), 1),
        Case::new(one("depthwise 3x3", s(21, 7, 5), |g, x| g.conv(x, "c", Conv::depthwise(21, 3).padding(1).with_bias())), 3),
        Case::new(one("depthwise 5x5", s(16, 14, 14), |g, x| g.conv(x, "c", Conv::depthwise(16, 5).padding(2))), 1),
        Case::new(one("depthwise stride 2", s(33, 7, 9), |g, x| g.conv(x, "c", Conv::depthwise(33, 3).padding(1).stride(2))), 2),
        Case::new(one("depthwise dilated", s(16, 7, 7), |g, x| g.conv(x, "c", Conv::depthwise(16, 3).padding(3).dilation(3))), 2),
        Case::new(one("depthwise 1x1 stride 2", s(16, 6, 6), |g, x| g.conv(x, "c", Conv::depthwise(16, 1).stride(2))), 2),
        Case::new(one("depthwise whole map", s(16, 5, 5), |g, x| g.conv(x, "c", Conv::depthwise(16, 5))), 2),
        Case::new(one("depthwise without padding", s(16, 6, 5), |g, x| g.conv(x, "c", Conv::depthwise(16, 3))), 2),
        Case::new(
            one("depthwise 9x9 stride 8", s(16, 24, 24), |g, x| g.conv(x, "c", Conv::depthwise(16, 9).padding(1).stride(8))),
            1,
        ),
        Case::new(one("batch norm", s(19, 4, 3), |g, x| g.batch_norm(x, "b")), 4),
        Case::new(one("relu", s(5, 4, 3), |g, x| g.relu(x)), 2),
        Case::new(one("hard sigmoid", s(18, 4, 3), |g, x| g.hard_sigmoid(x)), 2),
        Case::new(one("max pool", s(18, 7, 8), |g, x| g.max_pool(x, 2, 2)), 2),
        Case::new(one("max pool overlapping", s(4, 7, 7), |g, x| g.max_pool(x, 3, 2)), 2),
        Case::new(one("global average", s(18, 3, 4), |g, x| g.global_avg_pool(x)), 2),
        Case::new(one("linear", s(6, 3, 3), |g, x| g.linear(x, "l", 20)), 3),
        Case::new(one("conv bn relu", s(16, 5, 5), |g, x| g.conv_bn_relu(x, "c", Conv::pointwise(16, 24))), 3),
        Case::new(one("batch of one", s(16, 5, 5), |g, x| g.conv_bn_relu(x, "c", Conv::depthwise(16, 3).padding(1))), 1),
        Case::new(
            one("twice read", s(16, 4, 4), |g, x| {
                let y = g.conv_bn_relu(x, "c", Conv::pointwise(16, 16));
                let z = g.conv(y, "d", Conv::pointwise(16, 16));
                let sum = g.add(y, z);
                g.add(sum, x)
            }),
            2,
        ),
        Case::new(
            one("twice read by strided depthwise", s(16, 6, 6), |g, x| {
                let y = g.conv_bn_relu(x, "c", Conv::pointwise(16, 16));
                let z = g.conv(y, "d", Conv::depthwise(16, 1).stride(2));
                let w = g.conv(y, "e", Conv::depthwise(16, 2).stride(2));
                g.add(z, w)
            }),
            2,
        ),
        Case::new(
            one("odd concat", s(6, 4, 4), |g, x| {
                let a = g.conv_bn_relu(x, "a", Conv::pointwise(6, 5));
                let b = g.conv(x, "b", Conv::pointwise(6, 13));
                g.concat(&[a, x, b])
            }),
            2,
        ),
        Case::new(
            one("concat of halves", s(8, 12, 12), |g, x| {
                let a = g.conv_bn_relu(x, "a", Conv::pointwise(8, 8));
                let b = g.conv_bn_relu(x, "b", Conv::pointwise(8, 16));
                g.concat(&[a, b, x])
            }),
            2,
        ),
        Case::new(
            one("relu of a sum", s(16, 4, 4), |g, x| {
                let a = g.conv(x, "a", Conv::pointwise(16, 16));
                let sum = g.add(a, x);
                g.relu(sum)
            }),
            2,
        ),
        Case::new(one("dropout", s(16, 4, 4), |g, x| g.dropout(x, 0.5)), 2),
    ];
    for c in [3, 16] {
        let by = |name: &str, h| {
            let mut g = Builder::new(name);
            let (x, f) = (g.input("x", s(c, 4, 3)), g.input("f", s(c, h, if h == 1 { 1 } else { 3 })));
            let y = g.mul(x, f);
            g.finish(&[("y", y)])
        };
        cases.push(Case::new(by("product by channel", 1), 2));
        cases.push(Case::new(by("product", 4), 2));
    }
    let same = blocks::Layer { c_in: 32, c_out: 32, stride: 1, h: 7, w: 7 };
    let halving = blocks::Layer { c_in: 16, c_out: 24, stride: 2, h: 6, w: 6 };
    for p in Primitive::nni() {
        for layer in [same, halving] {
            cases.push(Case::new(blocks::Candidate { primitive: p, layer }.graph(), 3));
        }
    }
    let pooled = blocks::Layer { c_in: 20, c_out: 20, stride: 7, h: 7, w: 7 };
    for p in Primitive::outer() {
        for layer in [same, halving, pooled].into_iter().filter(|layer| p.misfit(layer).is_none()) {
            cases.push(Case::new(blocks::Candidate { primitive: p, layer }.graph(), 3));
        }
    }
    let space = "name = 'mixed'\ninput = [16, 6, 6]\n[[stage]]\n\
        candidates = ['skip', 'mb_k3_res', 'mb_k5_res_se', 'sep_k3', 'gh_k5', 'mb_k3_e2_res', 'conv1x1', 'depth_conv']\n\
        layers = [{ c_in = 16, c_out = 16, stride = 1, h = 6, w = 6 }]\n[[stage]]\n\
        candidates = ['gh_k3', 'mb_k3_e2', 'skip']\nlayers = [{ c_in = 16, c_out = 32, stride = 2, h = 6, w = 6 }]";
    let graph = blocks::Space::parse(space, "test").unwrap().supernet(1);
    let masks = vec![0.1, 0.2, 0.05, 0.25, 0.1, 0.1, 0.15, 0.05, 0.5, 0.2, 0.3, 0.0, 0.0, 0.0, 0.0, 0.0];
    cases.push(Case { graph, n: 3, masks });
    cases.push(joined());
    cases
}

/// A picture that several convolutions read in place, layers that read others than the one before, and all blocks of outer layers.
fn joined() -> Case {
    let space = "name = 'joined'\ninput = [3, 12, 12]\n[[stage]]\ncandidates = ['conv_k3', 'conv_k5', 'gh_conv_k3']\n\
        layers = [{ c_in = 3, c_out = 16, stride = 2, h = 12, w = 12 }]\n[[stage]]\n\
        candidates = ['stem2', 'stem2_half', 'max_conv1x1', 'sep_k3']\n\
        layers = [{ c_in = 16, c_out = 16, stride = 2, h = 6, w = 6 }]\n[[stage]]\n\
        candidates = ['pool_k9', 'pool_k3', 'pool_max']\n\
        layers = [{ c_in = 16, c_out = 16, stride = 2, h = 6, w = 6, inputs = [1] }]\n[[stage]]\n\
        candidates = ['linear', 'linear_r4', 'gh_k3']\n\
        layers = [{ c_in = 32, c_out = 16, stride = 1, h = 3, w = 3, inputs = [3, 2] }]\n[[stage]]\n\
        candidates = ['pool_k3', 'pool_avg']\nlayers = [{ c_in = 16, c_out = 16, stride = 3, h = 3, w = 3 }]";
    let graph = blocks::Space::parse(space, "test").unwrap().supernet(1);
    let masks = vec![0.2, 0.5, 0.3, 0.0, 0.4, 0.1, 0.2, 0.3, 0.6, 0.1, 0.3, 0.0, 0.3, 0.3, 0.4, 0.0, 0.7, 0.3, 0.0, 0.0];
    Case { graph, n: 3, masks }
}

/// Output of a training pass, weighed by fixed random numbers: a scalar with a known gradient in the output.
fn loss(runs: &dyn Runs, inputs: &[Vec<f32>], params: &[f32], stats: &[f32], masks: &[f32]) -> f64 {
    let inputs: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let args = Arguments { inputs: &inputs, params, masks };
    let (outputs, _) = runs.pass(args, &mut stats.to_vec(), Mode::TrainFrozenStats, SEED);
    outputs.iter().map(|y| std::iter::zip(y, noise(y.len(), 99)).map(|(&y, r)| f64::from(y) * f64::from(r)).sum::<f64>()).sum()
}

/// Checks some elements of a gradient against differences of `f` around `at`.
///
/// One element at a time, as a step along many would cross some kink of ReLU or max pool however small it is. Large steps cross
/// kinks too, small ones suffer from rounding, and a kink right at the point has a slope on either side: a right gradient agrees
/// with the difference of one of several sizes, to both sides or to one.
fn check_elements(elements: usize, gradient: &[f32], at: &[f32], what: &str, f: impl Fn(&[f32]) -> f64) {
    assert_eq!(gradient.len(), at.len(), "{what}");
    let rms = (gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>() / at.len() as f64).sqrt();
    let mut rng = ChaCha8Rng::seed_from_u64(at.len() as u64);
    for _ in 0..elements {
        let i = rng.random_range(0..at.len());
        let shifted = |h: f32| {
            let mut values = at.to_vec();
            values[i] += h;
            (f(&values), f64::from(values[i]))
        };
        let slope = |a: (f64, f64), b: (f64, f64)| (a.0 - b.0) / (a.1 - b.1);
        let middle = shifted(0.0);
        let slopes = |h: f32| {
            let (left, right) = (shifted(-h), shifted(h));
            [slope(right, left), slope(right, middle), slope(middle, left)]
        };
        let found = f64::from(gradient[i]);
        let tolerance = 8e-3 * rms.max(found.abs()).max(0.1);
        let mut expected = Vec::new();
        let agrees = [1e-2, 3e-3, 1e-3, 3e-4].into_iter().any(|h| {
            expected.extend(slopes(h));
            expected.iter().any(|e| (found - e).abs() <= tolerance)
        });
        assert!(agrees, "{what}[{i}]: gradient {found}, finite differences {expected:?}");
    }
}

pub fn check(case: &Case, runs: &dyn Runs, elements: usize) {
    let plan = runs.plan();
    let name = format!("{} ({})", case.graph.name(), runs.name());
    let (params, stats) = flat(&case.graph, 3);
    let inputs: Vec<Vec<f32>> =
        plan.input_shapes().iter().enumerate().map(|(i, s)| noise(case.n * s.volume(), 10 + i as u64)).collect();
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let args = Arguments { inputs: &slices, params: &params, masks: &case.masks };
    let (outputs, back) = runs.pass(args, &mut stats.clone(), Mode::TrainFrozenStats, SEED);
    let weights: Vec<Vec<f32>> = outputs.iter().map(|y| noise(y.len(), 99)).collect();
    let out_grads: Vec<Option<&[f32]>> = weights.iter().map(|w| Some(w.as_slice())).collect();
    let grads = back(&out_grads);
    let params_gradient = grads.params.unwrap();
    let mut at = 0;
    for p in case.graph.params().into_iter().filter(|p| p.kind.is_trained()) {
        let range = at..at + p.len();
        check_elements(
            elements,
            &params_gradient[range.clone()],
            &params[range.clone()],
            &format!("{name}: {}", p.name),
            |values| {
                let mut params = params.clone();
                params[range.clone()].copy_from_slice(values);
                loss(runs, &inputs, &params, &stats, &case.masks)
            },
        );
        at += p.len();
    }
    for (i, x) in inputs.iter().enumerate() {
        // Inputs that are read in place are pictures, whose gradient is not needed.
        let Some(gradient) = &grads.inputs[i] else { continue };
        check_elements(elements, gradient, x, &format!("{name}: input {i}"), |values| {
            let mut inputs = inputs.clone();
            inputs[i] = values.to_vec();
            loss(runs, &inputs, &params, &stats, &case.masks)
        });
    }
    if !case.masks.is_empty() {
        check_elements(elements, &grads.masks, &case.masks, &format!("{name}: masks"), |masks| {
            loss(runs, &inputs, &params, &stats, masks)
        });
    }
}

/// Every output of an evaluation against the plain one, an image at a time.
pub fn check_evaluation(case: &Case, runs: &dyn Runs) {
    let plan = runs.plan();
    let (params, mut stats) = flat(&case.graph, 3);
    let inputs: Vec<Vec<f32>> =
        plan.input_shapes().iter().enumerate().map(|(i, s)| noise(case.n * s.volume(), 10 + i as u64)).collect();
    let slices: Vec<&[f32]> = inputs.iter().map(Vec::as_slice).collect();
    let before = stats.clone();
    let args = Arguments { inputs: &slices, params: &params, masks: &case.masks };
    let (outputs, _) = runs.pass(args, &mut stats, Mode::Eval, SEED);
    assert_eq!(stats, before, "an evaluation moves nothing");
    // The plan's rows of masks are all as long as the longest.
    let width = plan.mask_shape().1;
    let mixtures = case.graph.nodes().iter().filter(|node| matches!(node.op, blocks::Op::Mixture { .. }));
    let masks: Vec<Vec<f32>> =
        mixtures.enumerate().map(|(l, node)| case.masks[l * width..l * width + node.inputs.len()].to_vec()).collect();
    let weights = Weights::for_measuring(&case.graph, 3);
    for image in 0..case.n {
        let one: Vec<Vec<f32>> = inputs.iter().map(|x| x.chunks(x.len() / case.n).nth(image).unwrap().to_vec()).collect();
        let expected = blocks::eval::evaluate_mixed(&case.graph, &weights, &one, &masks).unwrap();
        for (found, expected) in std::iter::zip(&outputs, &expected) {
            let found = found.chunks(expected.len()).nth(image).unwrap();
            let largest = expected.iter().fold(0f32, |m, x| m.max(x.abs()));
            for (i, (found, expected)) in std::iter::zip(found, expected).enumerate() {
                let error = (found - expected).abs();
                assert!(error <= 1e-5 * largest.max(1.0), "{} ({}) [{i}]: {found}, not {expected}", case.graph.name(), runs.name());
            }
        }
    }
}
