//! What any ONNX file holds: operators, inputs and outputs, multiply-adds.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use prost::Message;

use super::error::{InspectError, PART_LIMIT, SIZE_LIMIT};
use super::macs;
use super::proto::{self, DimensionValue, element};
use super::shapes::{dimensions, dims, size};
use super::size::check;

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
    /// Multiply-adds of convolutions and matrix products for a batch of 1, biases not counted; `None` where a shape
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
        macs: macs::count(&graph),
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
    check(bytes, PART_LIMIT)?;
    let mut model = proto::Model::decode(bytes).map_err(|e| InspectError::Decode(e.to_string()))?;
    let graph = model.graph.take().filter(|graph| !graph.node.is_empty()).ok_or(InspectError::NoGraph)?;
    Ok((model, graph))
}

fn value(info: &proto::ValueInfo) -> Value {
    let dim = |d: &proto::Dimension| match &d.value {
        Some(DimensionValue::Size(n)) if *n >= 0 => Dim::Fixed(*n as usize),
        Some(DimensionValue::Name(name)) => Dim::Open(name.clone()),
        _ => Dim::Open("?".to_string()),
    };
    Value { name: info.name.clone(), dims: dimensions(info).iter().map(dim).collect() }
}
