//! Constants in one form: exporters write them as initializers, as operations, and as copies of others.

use std::collections::{BTreeMap, BTreeSet};

use crate::onnx::proto::element;
use crate::onnx::schema::{Attribute, Graph, Node, Tensor};

/// Whether a tensor has as many values as its dimensions say. Of texts and of types that are unknown here, which no engine takes, only the
/// dimensions are looked at.
pub fn fits(tensor: &Tensor) -> bool {
    let Some(values) = element::values(&tensor.dims) else { return false };
    let Some(bits) = element::bits(tensor.data_type()) else { return true };
    let Some(needed) = values.checked_mul(bits).map(|bits| bits.div_ceil(8)) else { return false };
    if let Some(raw) = &tensor.raw_data {
        return raw.len() as u64 == needed;
    }
    // Values of less than a byte share one; complex ones are two numbers.
    let listed = match tensor.data_type() {
        element::FLOAT => tensor.float_data.len(),
        element::INT64 => tensor.int64_data.len(),
        element::DOUBLE => tensor.double_data.len(),
        element::COMPLEX64 => tensor.float_data.len() / 2,
        element::COMPLEX128 => tensor.double_data.len() / 2,
        element::UINT32 | element::UINT64 => tensor.uint64_data.len(),
        _ => tensor.int32_data.len(),
    };
    listed as u64 == if bits < 8 { needed } else { values }
}

/// Drops inputs that name a constant, as old files have them.
pub fn drop_as_inputs(graph: &mut Graph) {
    let constants: BTreeSet<String> = graph.initializer.iter().map(|tensor| tensor.name().to_string()).collect();
    graph.input.retain(|info| !constants.contains(info.name()));
}

/// Makes every constant an initializer, and has copies of one read the constant itself.
pub fn settle(graph: &mut Graph) {
    let outputs: BTreeSet<String> = graph.output.iter().map(|info| info.name().to_string()).collect();
    let mut constants: BTreeSet<String> = graph.initializer.iter().map(|tensor| tensor.name().to_string()).collect();
    let mut copies: BTreeMap<String, String> = BTreeMap::new();
    let mut kept = Vec::new();
    for mut node in std::mem::take(&mut graph.node) {
        for name in &mut node.input {
            if let Some(constant) = copies.get(name) {
                name.clone_from(constant);
            }
        }
        let output = node.output.first().cloned().unwrap_or_default();
        if let Some(tensor) = constant(&node) {
            constants.insert(output);
            graph.initializer.push(tensor);
        } else if let ("Identity", [input], false) = (node.op_type(), &node.input[..], outputs.contains(&output))
            && constants.contains(input)
        {
            copies.insert(output, input.clone());
        } else {
            kept.push(node);
        }
    }
    graph.node = kept;
}

/// The value of an operation that is a constant of numbers.
fn constant(node: &Node) -> Option<Tensor> {
    let ([attribute], "Constant") = (&node.attribute[..], node.op_type()) else { return None };
    let Attribute { t, f, i, floats, ints, .. } = attribute;
    let name = node.output.first().cloned();
    let numbers = |data_type, dims: Vec<i64>, raw: Vec<u8>| Tensor {
        dims,
        data_type: Some(data_type),
        raw_data: Some(raw),
        name: name.clone(),
        ..Default::default()
    };
    Some(match attribute.name() {
        "value" => Tensor { name: name.clone(), ..t.as_deref()?.clone() },
        "value_float" => numbers(element::FLOAT, vec![], (*f)?.to_le_bytes().to_vec()),
        "value_int" => numbers(element::INT64, vec![], (*i)?.to_le_bytes().to_vec()),
        "value_floats" => numbers(element::FLOAT, vec![floats.len() as i64], floats.iter().flat_map(|v| v.to_le_bytes()).collect()),
        "value_ints" => numbers(element::INT64, vec![ints.len() as i64], ints.iter().flat_map(|v| v.to_le_bytes()).collect()),
        _ => return None,
    })
}

/// Whether the one output is the one input, by way of operations that let it through, and there are no others.
pub fn does_nothing(graph: &Graph) -> bool {
    let ([input], [output]) = (&graph.input[..], &graph.output[..]) else { return false };
    let mut value = input.name();
    for node in &graph.node {
        // Whether a Dropout lets all through was checked when the file was read.
        let lets_through =
            ["Identity", "Dropout"].contains(&node.op_type()) && node.input.first().is_some_and(|name| name == value);
        let Some(next) = node.output.first().filter(|_| lets_through) else { return false };
        value = next;
    }
    value == output.name()
}
