//! Names and shapes of the 26 primitives. The names are those of NNI 2.5's `ops.py`, so that its checkpoints load.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail as the tests do")]

use std::collections::BTreeSet;

use blocks::{Candidate, Layer, Op, Primitive, Shape, Weights, eval};

const EQUAL: Layer = Layer { c_in: 8, c_out: 8, stride: 1, h: 9, w: 9 };
const CHANGING: Layer = Layer { c_in: 8, c_out: 12, stride: 2, h: 9, w: 9 };

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
fn there_are_twenty_six_different_ones() {
    let all: BTreeSet<_> = Primitive::all().map(|p| p.name()).collect();
    assert_eq!(all.len(), 26);
    assert!(Primitive::all().all(|p| Primitive::from_name(p.name()) == Some(p)));
}

#[test]
fn weights_have_the_references_names() {
    for primitive in Primitive::all() {
        for layer in [EQUAL, CHANGING] {
            assert_eq!(names(primitive, layer), expected(primitive.name(), layer), "{primitive} {layer:?}");
        }
    }
}

#[test]
fn a_primitive_says_whether_it_has_a_gate() {
    for primitive in Primitive::all() {
        let graph = Candidate { primitive, layer: EQUAL }.graph();
        assert_eq!(primitive.is_gated(), graph.nodes().iter().any(|node| node.op == Op::Mul), "{primitive}");
    }
}

#[test]
fn biases_stand_where_the_reference_has_them() {
    for primitive in Primitive::all() {
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
    for primitive in Primitive::all() {
        for (layer, shape) in [(EQUAL, Shape::new(8, 9, 9)), (CHANGING, Shape::new(12, 5, 5))] {
            let graph = Candidate { primitive, layer }.graph();
            assert_eq!(graph.node(graph.outputs()[0].1).shape, shape, "{primitive}");
            let x: Vec<f32> = (0..layer.input().volume()).map(|i| (i as f32 * 0.7).sin()).collect();
            let y = eval::evaluate(&graph, &Weights::for_measuring(&graph, 1), &[x]).unwrap().remove(0);
            assert_eq!(y.len(), shape.volume());
            assert!(y.iter().all(|v| v.is_finite()), "{primitive}");
        }
    }
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
