//! Operators, shapes and multiply-adds of any ONNX file.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use prost::Message;

use super::error::{InspectError, PART_LIMIT, SIZE_LIMIT};
use super::proto::{self, DimensionValue, element};
use super::size;

/// Most dimensions of a shape that is followed: those of every layer are kept.
const RANK: usize = 16;

/// A dimension of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Fixed.
    Fixed(usize),
    /// Left open, with its name.
    Open(String),
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(n) => write!(f, "{n}"),
            Self::Open(name) => f.write_str(name),
        }
    }
}

/// Name and dimensions of an input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its dimensions, the batch included; empty where the file states none.
    pub dims: Vec<Dim>,
}

/// What an ONNX file holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Program that wrote it, with its version.
    pub producer: String,
    /// Version of the standard operator set.
    pub opset: i64,
    /// Number of operations of each type.
    pub operators: BTreeMap<String, usize>,
    /// Inputs, constants left out.
    pub inputs: Vec<Value>,
    /// Outputs.
    pub outputs: Vec<Value>,
    /// Values of all constants.
    pub parameters: u64,
    /// Multiply-adds of convolutions and fully connected layers for a batch of 1, biases not counted; `None` where a shape
    /// cannot be followed that far.
    pub macs: Option<u64>,
}

/// Reads what an ONNX file holds. Foreign files are welcome: operators unknown here only leave the multiply-adds open.
///
/// # Errors
/// [`InspectError`], where it is no ONNX file.
pub fn inspect(bytes: &[u8]) -> Result<Summary, InspectError> {
    let (model, graph) = decode(bytes)?;
    let mut operators = BTreeMap::new();
    for node in &graph.node {
        *operators.entry(node.op_type.clone()).or_default() += 1;
    }
    let constants: BTreeSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    Ok(Summary {
        producer: format!("{} {}", model.producer_name, model.producer_version).trim().to_string(),
        opset: model.opset_import.iter().find(|o| o.domain.is_empty()).map_or(0, |o| o.version),
        operators,
        inputs: graph.input.iter().filter(|v| !constants.contains(v.name.as_str())).map(value).collect(),
        outputs: graph.output.iter().map(value).collect(),
        parameters: graph.initializer.iter().filter_map(|t| size(&dims(t)?)).fold(0, u64::saturating_add),
        macs: macs(&graph),
    })
}

/// The constants of 32-bit floats by name, row-major: the weights of any ONNX file.
///
/// # Errors
/// As [`inspect`].
pub fn constants(bytes: &[u8]) -> Result<BTreeMap<String, Vec<f32>>, InspectError> {
    let (_, graph) = decode(bytes)?;
    let floats = graph.initializer.into_iter().filter(|t| t.data_type == element::FLOAT);
    let raw = |bytes: &[u8]| bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
    Ok(floats.map(|t| (t.name, if t.raw_data.is_empty() { t.float_data } else { raw(&t.raw_data) })).collect())
}

/// The file, and its graph apart.
pub(super) fn decode(bytes: &[u8]) -> Result<(proto::Model, proto::Graph), InspectError> {
    match bytes.len() {
        0 => return Err(InspectError::Empty),
        n if n > SIZE_LIMIT => return Err(InspectError::TooLarge(n)),
        _ => {}
    }
    size::check(bytes, PART_LIMIT)?;
    let mut model = proto::Model::decode(bytes).map_err(|e| InspectError::Decode(e.to_string()))?;
    let graph = model.graph.take().filter(|graph| !graph.node.is_empty()).ok_or(InspectError::NoGraph)?;
    Ok((model, graph))
}

fn dimensions(info: &proto::ValueInfo) -> &[proto::Dimension] {
    let shape = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).and_then(|t| t.shape.as_ref());
    shape.map_or(&[], |s| &s.dim)
}

fn value(info: &proto::ValueInfo) -> Value {
    let dim = |d: &proto::Dimension| match &d.value {
        Some(DimensionValue::Size(n)) if *n >= 0 => Dim::Fixed(*n as usize),
        Some(DimensionValue::Name(name)) => Dim::Open(name.clone()),
        _ => Dim::Open("?".to_string()),
    };
    Value { name: info.name.clone(), dims: dimensions(info).iter().map(dim).collect() }
}

fn dims(tensor: &proto::Tensor) -> Option<Vec<u64>> {
    tensor.dims.iter().map(|&d| u64::try_from(d).ok()).collect()
}

fn size(dims: &[u64]) -> Option<u64> {
    dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d))
}

/// Follows the shapes through the graph and adds up what convolutions and matrix products do.
fn macs(graph: &proto::Graph) -> Option<u64> {
    let mut shapes: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    for info in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
        let dim = |(i, d): (usize, &proto::Dimension)| match d.value {
            Some(DimensionValue::Size(n)) => u64::try_from(n).ok(),
            _ => (i == 0).then_some(1),
        };
        let dims: Option<Vec<u64>> = dimensions(info).iter().enumerate().map(dim).collect();
        if let Some(dims) = dims.filter(|d| (1..=RANK).contains(&d.len())) {
            shapes.insert(&info.name, dims);
        }
    }
    let mut constants: BTreeMap<&str, &proto::Tensor> = BTreeMap::new();
    for tensor in &graph.initializer {
        let dims = dims(tensor)?;
        if dims.len() <= RANK {
            shapes.insert(&tensor.name, dims);
            constants.entry(&tensor.name).or_insert(tensor);
        }
    }
    let mut total = 0u64;
    for node in &graph.node {
        let input = |i: usize| node.input.get(i).and_then(|name| shapes.get(name.as_str()));
        let output = node.output.first()?;
        let shape = if node.op_type == "Reshape" {
            let wanted = node.input.get(1).and_then(|name| constants.get(name.as_str()));
            input(0).and_then(|from| reshaped(from, &integers(wanted?)?))
        } else {
            output_shape(node, &input)
        };
        let per_output = match node.op_type.as_str() {
            "Conv" => size(input(1)?.get(1..)?)?,
            "Gemm" if setting(node, "transA") == Some(1) => *input(0)?.first()?,
            "Gemm" | "MatMul" => *input(0)?.last()?,
            // Their work is not counted here, and leaving it out silently would be wrong.
            "ConvTranspose" | "LSTM" | "GRU" | "RNN" | "Einsum" => return None,
            _ => 0,
        };
        if let Some(shape) = shape {
            shapes.insert(output, shape);
        }
        if per_output == 0 {
            continue;
        }
        total = total.checked_add(size(shapes.get(output.as_str())?)?.checked_mul(per_output)?)?;
    }
    Some(total)
}

/// Shape of a node's first output, for the operators of convolutional networks.
fn output_shape<'a>(node: &proto::Node, input: &dyn Fn(usize) -> Option<&'a Vec<u64>>) -> Option<Vec<u64>> {
    let first = input(0)?;
    match node.op_type.as_str() {
        "Conv" => {
            let weight = input(1)?;
            let mut shape = vec![*first.first()?, *weight.first()?];
            shape.extend(window(node, first.get(2..)?, weight.get(2..)?)?);
            Some(shape)
        }
        "MaxPool" | "AveragePool" => {
            let kernel: Vec<u64> = settings(node, "kernel_shape")?.iter().map(|&k| u64::try_from(k).ok()).collect::<Option<_>>()?;
            let mut shape = first.get(..2)?.to_vec();
            shape.extend(window(node, first.get(2..)?, &kernel)?);
            Some(shape)
        }
        "GlobalAveragePool" | "GlobalMaxPool" => Some(first.iter().enumerate().map(|(i, &d)| if i < 2 { d } else { 1 }).collect()),
        "Flatten" => {
            let axis = usize::try_from(setting(node, "axis").unwrap_or(1)).ok()?;
            Some(vec![size(first.get(..axis)?)?, size(first.get(axis..)?)?])
        }
        "Gemm" => {
            let (a, b) = (first, input(1)?);
            let rows = if setting(node, "transA") == Some(1) { a.get(1)? } else { a.first()? };
            let columns = if setting(node, "transB") == Some(1) { b.first()? } else { b.get(1)? };
            Some(vec![*rows, *columns])
        }
        "Concat" => {
            let axis = usize::try_from(setting(node, "axis")?).ok()?;
            let mut shape = first.clone();
            for i in 1..node.input.len() {
                let more = *input(i)?.get(axis)?;
                let dim = shape.get_mut(axis)?;
                *dim = dim.checked_add(more)?;
            }
            Some(shape)
        }
        "Relu" | "Clip" | "HardSigmoid" | "HardSwish" | "Sigmoid" | "BatchNormalization" | "Identity" | "Dropout" | "LeakyRelu"
        | "PRelu" => Some(first.clone()),
        "Add" | "Mul" | "Sub" | "Div" => broadcast(first, input(1)?),
        _ => None,
    }
}

/// The values of a constant of 64-bit integers: a shape.
fn integers(tensor: &proto::Tensor) -> Option<Vec<i64>> {
    if tensor.data_type != element::INT64 || tensor.raw_data.len().div_ceil(8).max(tensor.int64_data.len()) > RANK {
        return None;
    }
    if tensor.raw_data.is_empty() {
        return Some(tensor.int64_data.clone());
    }
    let values = tensor.raw_data.chunks(8).map(|bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?)));
    values.collect()
}

/// What Reshape makes of a shape: 0 keeps a dimension, −1 takes what is left.
fn reshaped(from: &[u64], wanted: &[i64]) -> Option<Vec<u64>> {
    let dim = |(i, &d): (usize, &i64)| match d {
        0 => from.get(i).copied(),
        -1 => Some(1),
        d => u64::try_from(d).ok(),
    };
    let mut shape: Vec<u64> = wanted.iter().enumerate().map(dim).collect::<Option<_>>()?;
    if let Some(i) = wanted.iter().position(|&d| d == -1) {
        shape[i] = size(from)?.checked_div(size(&shape)?)?;
    }
    (size(&shape)? == size(from)?).then_some(shape)
}

/// Output sides of a sliding window, for explicit padding.
fn window(node: &proto::Node, sides: &[u64], kernel: &[u64]) -> Option<Vec<u64>> {
    let automatic = node.attribute.iter().any(|a| a.name == "auto_pad" && !a.s.is_empty() && a.s != b"NOTSET");
    if automatic || setting(node, "ceil_mode") == Some(1) || kernel.len() != sides.len() {
        return None;
    }
    let n = sides.len();
    let pads = settings(node, "pads").unwrap_or_else(|| vec![0; 2 * n]);
    let strides = settings(node, "strides").unwrap_or_else(|| vec![1; n]);
    let dilations = settings(node, "dilations").unwrap_or_else(|| vec![1; n]);
    let at = |values: &[i64], i: usize| values.get(i).and_then(|&v| u64::try_from(v).ok());
    let side = |i: usize| {
        let padded = sides[i].checked_add(at(&pads, i)?)?.checked_add(at(&pads, i + n)?)?;
        let reach = kernel[i].checked_sub(1)?.checked_mul(at(&dilations, i)?)?.checked_add(1)?;
        padded.checked_sub(reach)?.checked_div(at(&strides, i)?)?.checked_add(1)
    };
    (0..n).map(side).collect()
}

/// The common shape of two inputs, aligned at their last dimensions.
fn broadcast(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let (long, short) = if a.len() >= b.len() { (a, b) } else { (b, a) };
    let offset = long.len() - short.len();
    let dim = |(i, &d): (usize, &u64)| match i.checked_sub(offset).map(|j| short[j]) {
        None | Some(1) => Some(d),
        Some(e) if d == e || d == 1 => Some(e),
        Some(_) => None,
    };
    long.iter().enumerate().map(dim).collect()
}

fn setting(node: &proto::Node, name: &str) -> Option<i64> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.i)
}

fn settings(node: &proto::Node, name: &str) -> Option<Vec<i64>> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.ints.clone())
}
