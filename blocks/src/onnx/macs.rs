//! Multiply-adds of an ONNX file.

use super::proto;
use super::shapes::{Shapes, setting, size};

/// What multiplies and is not counted here: leaving it out silently would be wrong.
const UNCOUNTED: [&str; 14] = [
    "Attention",
    "ConvInteger",
    "ConvTranspose",
    "DeformConv",
    "Einsum",
    "GRU",
    "If",
    "LSTM",
    "Loop",
    "MatMulInteger",
    "QLinearConv",
    "QLinearMatMul",
    "RNN",
    "Scan",
];

/// What convolutions and matrix products do for one image, biases not counted; none where a shape cannot be followed that far.
pub(super) fn count(graph: &proto::Graph) -> Option<u64> {
    let mut shapes = Shapes::stated(graph)?;
    let mut total = 0u64;
    for node in &graph.node {
        let output = node.output.first()?;
        if UNCOUNTED.contains(&node.op_type.as_str()) {
            return None;
        }
        let input = |place: usize| shapes.input(node, place);
        // A weight has the channels of one group only.
        let per_output = match node.op_type.as_str() {
            "Conv" => size(input(1)?.get(1..)?)?,
            "Gemm" if setting(node, "transA") == Some(1) => *input(0)?.first()?,
            "Gemm" | "MatMul" => *input(0)?.last()?,
            _ => 0,
        };
        shapes.follow(node);
        if per_output > 0 {
            total = total.checked_add(size(shapes.of(output)?)?.checked_mul(per_output)?)?;
        }
    }
    Some(total)
}
