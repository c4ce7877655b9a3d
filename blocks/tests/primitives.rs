//! Names and shapes of the primitives. The names of NNI's 26 are those of NNI 2.5's `ops.py`, so that its checkpoints load.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::collections::BTreeSet;

use blocks::{Candidate, Family, Layer, Misfit, Op, Primitive, Shape, Weights, eval};

const EQUAL: Layer = Layer { c_in: 8, c_out: 8, stride: 1, h: 9, w: 9 };
const CHANGING: Layer = Layer { c_in: 8, c_out: 12, stride: 2, h: 9, w: 9 };
/// Layers at which each of the primitives that are not NNI's can stand somewhere.
const OUTER: [Layer; 4] = [
    Layer { c_in: 3, c_out: 16, stride: 2, h: 12, w: 12 },
    Layer { c_in: 8, c_out: 8, stride: 8, h: 24, w: 24 },
    Layer { c_in: 12, c_out: 8, stride: 1, h: 5, w: 5 },
    Layer { c_in: 8, c_out: 8, stride: 7, h: 7, w: 7 },
];

/// The primitives of the outer layers that can stand at a layer.
fn outer(layer: Layer) -> impl Iterator<Item = Primitive> {
    Primitive::outer().filter(move |p| p.misfit(&layer).is_none())
}

/// Prefixes of the weights at a layer, without `op.`; the batch norms' are marked with `*`.
fn names(primitive: Primitive, layer: Layer) -> Vec<String> {
    let graph = Candidate { primitive, layer }.graph();
    let named = graph.nodes().iter().filter(|n| n.op != Op::Input && !n.name.is_empty());
    named.map(|n| format!("{}{}", n.name.strip_prefix("op.").unwrap(), if n.op == Op::BatchNorm { "*" } else { "" })).collect()
}

/// What the reference's modules are called.
fn expected(name: &str, layer: Layer) -> Vec<&'static str> {
    match name {
        "skip" if layer == EQUAL => vec![],
        "skip" => vec!["conv.0", "conv.1*"],
        "conv1x1" => vec!["conv.0"],
        "depth_conv" => vec!["conv.0", "conv.2"],
        n if n.starts_with("sep") => vec!["conv.0.0", "conv.0.1*", "conv.1.0", "conv.1.1*"],
        n if n.starts_with("gh") => vec!["primary_conv.0", "primary_conv.1*", "cheap_operation.0", "cheap_operation.1*"],
        n if n.ends_with("_se") => vec![
            "ir_block.0",
            "ir_block.1*",
            "ir_block.4",
            "ir_block.5*",
            "ir_block.6.avg_pool",
            "ir_block.6.fc",
            "ir_block.8",
            "ir_block.9*",
        ],
        _ => vec!["ir_block.0", "ir_block.1*", "ir_block.4", "ir_block.5*", "ir_block.8", "ir_block.9*"],
    }
}

#[test]
fn there_are_twenty_six_different_ones_of_nni_and_fourteen_others() {
    let nni: BTreeSet<_> = Primitive::nni().map(|p| p.name()).collect();
    let all: BTreeSet<_> = Primitive::all().map(|p| p.name()).collect();
    assert_eq!((nni.len(), all.len()), (26, 40));
    assert!(Primitive::all().all(|p| Primitive::from_name(p.name()) == Some(p)));
}

#[test]
fn weights_have_the_references_names() {
    for primitive in Primitive::nni() {
        for layer in [EQUAL, CHANGING] {
            assert_eq!(names(primitive, layer), expected(primitive.name(), layer), "{primitive} {layer:?}");
        }
    }
}

#[test]
fn a_primitive_says_of_which_family_it_is() {
    for (primitive, layer) in
        Primitive::nni().map(|p| (p, EQUAL)).chain(OUTER.into_iter().flat_map(|l| outer(l).map(move |p| (p, l))))
    {
        let graph = Candidate { primitive, layer }.graph();
        let is_gated = graph.nodes().iter().any(|node| node.op == Op::Mul);
        assert_eq!(primitive.family(), Family::Block { is_gated, moves: false }, "{primitive}");
    }
}

#[test]
fn biases_stand_where_the_reference_has_them() {
    for primitive in Primitive::nni() {
        let graph = Candidate { primitive, layer: CHANGING }.graph();
        let biased = graph.nodes().iter().filter(|n| matches!(&n.op, Op::Conv(c) if c.bias)).map(|n| n.name.as_str());
        let expected: &[&str] = match primitive.name() {
            "conv1x1" => &["op.conv.0"],
            "depth_conv" => &["op.conv.0", "op.conv.2"],
            n if n.ends_with("_se") => &["op.ir_block.6.fc"],
            _ => &[],
        };
        assert_eq!(biased.collect::<Vec<_>>(), expected, "{primitive}");
    }
}

#[test]
fn all_give_the_layers_output_shape_and_finite_values() {
    for primitive in Primitive::nni() {
        assert_gives(primitive, EQUAL, Shape::new(8, 9, 9));
        assert_gives(primitive, CHANGING, Shape::new(12, 5, 5));
    }
    let shapes = [Shape::new(16, 6, 6), Shape::new(8, 3, 3), Shape::new(8, 5, 5), Shape::new(8, 1, 1)];
    let mut seen = BTreeSet::new();
    for (layer, shape) in std::iter::zip(OUTER, shapes) {
        for primitive in outer(layer) {
            assert_gives(primitive, layer, shape);
            seen.insert(primitive.name());
        }
    }
    assert_eq!(seen.len(), 14, "{seen:?}");
}

fn assert_gives(primitive: Primitive, layer: Layer, shape: Shape) {
    let graph = Candidate { primitive, layer }.graph();
    assert_eq!(graph.node(graph.outputs()[0].1).shape, shape, "{primitive}");
    let x: Vec<f32> = (0..layer.input().volume()).map(|i| (i as f32 * 0.7).sin()).collect();
    let y = eval::evaluate(&graph, &Weights::for_measuring(&graph, 1), &[x]).unwrap().remove(0);
    assert_eq!(y.len(), shape.volume());
    assert!(y.iter().all(|v| v.is_finite()), "{primitive}");
}

/// With all weights zero a block gives its input where it has a residual, and zero where it has none.
#[test]
fn residuals_stand_where_the_name_says_so() {
    for primitive in Primitive::all().filter(|p| p.name().starts_with("mb")) {
        let graph = Candidate { primitive, layer: EQUAL }.graph();
        let weights = Weights(graph.params().into_iter().map(|p| (p.name.clone(), vec![0.0; p.len()])).collect());
        let x: Vec<f32> = (0..EQUAL.input().volume()).map(|i| i as f32).collect();
        let y = eval::evaluate(&graph, &weights, std::slice::from_ref(&x)).unwrap().remove(0);
        let expected = if primitive.name().contains("res") { x } else { vec![0.0; x.len()] };
        assert_eq!(y, expected, "{primitive}");
    }
}

#[test]
fn an_outer_primitive_says_where_it_cannot_stand() {
    let misfit =
        |name: &str, c_in, c_out, stride, h, w| Primitive::from_name(name).unwrap().misfit(&Layer { c_in, c_out, stride, h, w });
    let channels = Misfit::Channels { c_in: 8, c_out: 12 };
    for (found, expected) in [
        (misfit("stem2", 8, 8, 1, 8, 8), Some(Misfit::Halves { stride: 1 })),
        (misfit("stem2", 8, 8, 2, 8, 9), Some(Misfit::Windows { stride: 2, h: 8, w: 9 })),
        (misfit("stem2_half", 8, 9, 2, 8, 8), Some(Misfit::Divisor { divisor: 2, c_out: 9 })),
        (misfit("gh_conv_k3", 8, 9, 1, 8, 8), Some(Misfit::Divisor { divisor: 2, c_out: 9 })),
        (misfit("linear_r4", 8, 6, 1, 8, 8), Some(Misfit::Divisor { divisor: 4, c_out: 6 })),
        (misfit("pool_max", 8, 8, 3, 8, 8), Some(Misfit::Windows { stride: 3, h: 8, w: 8 })),
        (misfit("pool_max", 8, 12, 2, 8, 8), Some(channels)),
        (misfit("pool_k3", 8, 12, 2, 8, 8), Some(channels)),
        (misfit("pool_k9", 8, 8, 8, 20, 20), Some(Misfit::Size { gives: (2, 2), expected: (3, 3) })),
        (misfit("pool_avg", 8, 8, 2, 8, 8), Some(Misfit::Size { gives: (1, 1), expected: (4, 4) })),
        (misfit("max_conv1x1", 8, 12, 2, 7, 8), Some(Misfit::Windows { stride: 2, h: 7, w: 8 })),
        (misfit("conv_k5", 8, 9, 2, 7, 8), None),
        (misfit("linear", 8, 9, 1, 7, 8), None),
    ] {
        assert_eq!(found, expected);
    }
}

/// As many pixels of a window lie before those that become one as behind them.
#[test]
fn windows_stand_in_the_middle() {
    for (name, stride) in [("pool_k3", 2), ("pool_k9", 8), ("pool_k7", 7)] {
        let layer = Layer { c_in: 1, c_out: 1, stride, h: 3 * stride, w: 3 * stride };
        let graph = Candidate { primitive: Primitive::from_name(name).unwrap(), layer }.graph();
        let Op::Conv(conv) = graph.nodes()[1].op else { panic!("{name} is one convolution") };
        let (before, after) = (conv.padding, conv.kernel - conv.padding - stride);
        assert!(before.abs_diff(after) <= 1, "{name}: {before} pixels before, {after} after");
    }
}
