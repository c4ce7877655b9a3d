//! The reference evaluation against results worked out by hand.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use blocks::eval::{EvalError, evaluate, evaluate_mixed};
use blocks::weights::WeightError;
use blocks::{Builder, Conv, Graph, NodeId, Shape, Weights};

/// A graph of one operation on one input.
fn one(shape: Shape, op: impl FnOnce(&mut Builder, NodeId) -> NodeId) -> Graph {
    let mut g = Builder::new("one");
    let x = g.input("x", shape);
    let y = op(&mut g, x);
    g.finish(&[("y", y)])
}

fn run(graph: &Graph, weights: &[(&str, &[f32])], x: &[f32]) -> Vec<f32> {
    let weights = Weights(weights.iter().map(|&(name, values)| (name.to_string(), values.to_vec())).collect());
    evaluate(graph, &weights, &[x.to_vec()]).unwrap().remove(0)
}

const COUNTING: [f32; 9] = [1., 2., 3., 4., 5., 6., 7., 8., 9.];

#[test]
fn a_convolution_is_a_correlation_with_zeros_around() {
    let graph = one(Shape::new(1, 3, 3), |g, x| g.conv(x, "c", Conv::dense(1, 1, 3).padding(1).with_bias()));
    // The kernel picks the pixel above and ten times the one to the right.
    let y = run(&graph, &[("c.weight", &[0., 1., 0., 0., 0., 10., 0., 0., 0.]), ("c.bias", &[0.5])], &COUNTING);
    assert_eq!(y, [20.5, 30.5, 0.5, 51.5, 62.5, 3.5, 84.5, 95.5, 6.5]);
}

#[test]
fn stride_and_dilation_choose_the_pixels() {
    let strided = one(Shape::new(1, 3, 3), |g, x| g.conv(x, "c", Conv::pointwise(1, 1).stride(2)));
    assert_eq!(run(&strided, &[("c.weight", &[2.])], &COUNTING), [2., 6., 14., 18.]);
    let dilated = one(Shape::new(1, 3, 3), |g, x| g.conv(x, "c", Conv::dense(1, 1, 2).dilation(2)));
    assert_eq!(run(&dilated, &[("c.weight", &[1., 10., 100., 1000.])], &COUNTING), [1. + 30. + 700. + 9000.]);
    let both = one(Shape::new(1, 3, 3), |g, x| g.conv(x, "c", Conv::dense(1, 1, 2).dilation(2).padding(1).stride(2)));
    assert_eq!(run(&both, &[("c.weight", &[1., 10., 100., 1000.])], &COUNTING), [5000., 500., 50., 5.]);
}

#[test]
fn groups_see_their_own_channels_only() {
    let x = [1., 2., 3., 4.];
    let dense = one(Shape::new(4, 1, 1), |g, x| g.conv(x, "c", Conv::pointwise(4, 2)));
    assert_eq!(run(&dense, &[("c.weight", &[1., 10., 100., 1000., 1., 1., 1., 1.])], &x), [4321., 10.]);
    let grouped = one(Shape::new(4, 1, 1), |g, x| g.conv(x, "c", Conv { groups: 2, ..Conv::pointwise(4, 2) }));
    assert_eq!(run(&grouped, &[("c.weight", &[1., 10., 1., 10.])], &x), [21., 43.]);
    let depthwise = one(Shape::new(4, 1, 1), |g, x| g.conv(x, "c", Conv::depthwise(4, 1)));
    assert_eq!(run(&depthwise, &[("c.weight", &[1., 10., 100., 1000.])], &x), [1., 20., 300., 4000.]);
}

#[test]
fn batch_norm_uses_its_running_statistics() {
    let graph = one(Shape::new(2, 1, 2), |g, x| g.batch_norm(x, "n"));
    let weights: [(&str, &[f32]); 4] =
        [("n.weight", &[2., 1.]), ("n.bias", &[10., 0.]), ("n.running_mean", &[1., 0.]), ("n.running_var", &[4., 0.])];
    let y = run(&graph, &weights, &[1., 5., 0., 1.]);
    // 1/√ε stands where the variance is zero.
    for (found, expected) in std::iter::zip(y, [10., 14., 0., 1e5_f32.sqrt()]) {
        assert!((found - expected).abs() < 1e-4 * expected.max(1.), "{found} is not {expected}");
    }
}

#[test]
fn activations_pooling_and_joining() {
    let s = Shape::new(1, 1, 5);
    let x = [-4., -1.5, 0., 1.5, 4.];
    assert_eq!(run(&one(s, |g, x| g.relu(x)), &[], &x), [0., 0., 0., 1.5, 4.]);
    assert_eq!(run(&one(s, |g, x| g.hard_sigmoid(x)), &[], &x), [0., 0.25, 0.5, 0.75, 1.]);
    assert_eq!(run(&one(s, |g, x| g.dropout(x, 0.5)), &[], &x), x);
    assert_eq!(run(&one(Shape::new(1, 3, 3), |g, x| g.max_pool(x, 2, 1)), &[], &COUNTING), [5., 6., 8., 9.]);
    assert_eq!(run(&one(Shape::new(1, 3, 3), |g, x| g.max_pool(x, 2, 2)), &[], &COUNTING.map(|v| -v)), [-1.]);
    assert_eq!(run(&one(Shape::new(2, 1, 2), |g, x| g.global_avg_pool(x)), &[], &[1., 2., -3., -5.]), [1.5, -4.]);
    let joined = one(Shape::new(2, 1, 2), |g, x| {
        let mean = g.global_avg_pool(x);
        let scaled = g.mul(x, mean);
        let sum = g.add(scaled, x);
        g.concat(&[sum, x])
    });
    assert_eq!(run(&joined, &[], &[1., 3., 0., 4.]), [3., 9., 0., 12., 1., 3., 0., 4.]);
    let linear = one(Shape::new(2, 1, 2), |g, x| g.linear(x, "fc", 2));
    let weights: [(&str, &[f32]); 2] = [("fc.weight", &[1., 10., 100., 1000., 1., 1., 1., 1.]), ("fc.bias", &[0.5, -0.5])];
    assert_eq!(run(&linear, &weights, &[1., 2., 3., 4.]), [4321.5, 9.5]);
}

#[test]
fn a_mixture_weighs_its_candidates_by_the_mask() {
    let graph = one(Shape::new(1, 1, 2), |g, x| {
        let other = g.relu(x);
        g.mixture(&[x, other], 0)
    });
    let mixed = |masks: &[Vec<f32>]| evaluate_mixed(&graph, &Weights::default(), &[vec![-2., 4.]], masks);
    assert_eq!(mixed(&[vec![0.25, 0.75]]).unwrap()[0], [-0.5, 4.]);
    assert_eq!(mixed(&[]), Err(EvalError::Mask { layer: 0, candidates: 2, found: 0 }));
    assert_eq!(mixed(&[vec![1.]]), Err(EvalError::Mask { layer: 0, candidates: 2, found: 1 }));
}

#[test]
fn inputs_and_weights_that_do_not_fit_are_refused() {
    let graph = one(Shape::new(1, 1, 2), |g, x| g.conv(x, "c", Conv::pointwise(1, 1)));
    let fails = |inputs: &[Vec<f32>]| evaluate(&graph, &Weights::default(), inputs).unwrap_err();
    assert!(matches!(fails(&[]), EvalError::InputCount { expected: 1, found: 0, .. }));
    let size = EvalError::InputSize { name: "x".into(), shape: Shape::new(1, 1, 2), found: 3 };
    assert_eq!(fails(&[vec![0.; 3]]), size);
    assert_eq!(fails(&[vec![0.; 2]]), EvalError::Weights(WeightError::Missing("c.weight".into())));
}
