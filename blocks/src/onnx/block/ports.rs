//! Inputs and outputs of a block: float32 tensors of a fixed shape for one image.

use super::fault::{BlockFault, Side};
use crate::onnx::proto::element;
use crate::onnx::schema::{Dimension, DimensionValue, Shape, TensorType, Type, ValueInfo};

/// Most dimensions, and most values, of an input or output.
const RANK: usize = 8;
const VALUES: u64 = 1 << 28;

/// An input or output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name in the file.
    pub name: String,
    /// Its dimensions, the batch of 1 included.
    pub dims: Vec<usize>,
}

/// Reads the ports of one side; what is wrong with them is added to `faults`.
pub fn read(infos: &[ValueInfo], side: Side, faults: &mut Vec<BlockFault>) -> Vec<Port> {
    if infos.is_empty() {
        faults.push(BlockFault::NoPort(side));
    }
    let one = |info: &ValueInfo| match dims(info, side) {
        Ok(dims) => Some(Port { name: info.name().to_string(), dims }),
        Err(fault) => {
            faults.push(fault);
            None
        }
    };
    infos.iter().filter_map(one).collect()
}

fn dims(info: &ValueInfo, side: Side) -> Result<Vec<usize>, BlockFault> {
    let name = || info.name().to_string();
    let no_shape = || BlockFault::NoShape { side, name: name() };
    let r#type = info.r#type.as_ref().ok_or_else(no_shape)?;
    let Type { tensor_type: Some(TensorType { elem_type, shape }), sequence_type: None, map_type: None, .. } = r#type else {
        return Err(no_shape());
    };
    match elem_type.unwrap_or_default() {
        element::FLOAT => {}
        other => return Err(BlockFault::Element { side, name: name(), element: element_name(other) }),
    }
    let dims = &shape.as_ref().ok_or_else(no_shape)?.dim;
    if dims.is_empty() {
        return Err(no_shape());
    }
    let mut sizes = Vec::new();
    for (i, dim) in dims.iter().enumerate() {
        sizes.push(match &dim.value {
            Some(DimensionValue::Size(n)) if i == 0 && *n != 1 => return Err(BlockFault::Batch { side, name: name(), batch: *n }),
            Some(DimensionValue::Size(n)) => *n,
            _ if i == 0 => 1,
            open => {
                let label = if let Some(DimensionValue::Name(label)) = open { label.clone() } else { "?".to_string() };
                return Err(BlockFault::Open { side, name: name(), dim: i, label });
            }
        });
    }
    if sizes.len() > RANK || element::values(&sizes).is_none_or(|n| !(1..=VALUES).contains(&n)) {
        let shown = sizes.iter().take(RANK + 1).map(i64::to_string).collect::<Vec<_>>();
        return Err(BlockFault::Shape { side, name: name(), shape: shown.join("x") });
    }
    sizes.iter().map(|&d| usize::try_from(d).map_err(|_| no_shape())).collect()
}

/// The ports as a file states them.
pub fn infos(ports: &[Port]) -> Vec<ValueInfo> {
    ports.iter().map(|port| info(&port.name, &port.dims)).collect()
}

/// A float32 port as a file states it.
pub fn info(name: &str, dims: &[usize]) -> ValueInfo {
    let dim = |&d: &usize| Dimension { value: i64::try_from(d).ok().map(DimensionValue::Size), denotation: None };
    let shape = Some(Shape { dim: dims.iter().map(dim).collect() });
    let tensor_type = Some(TensorType { elem_type: Some(element::FLOAT), shape });
    let r#type = Some(Type { tensor_type, ..Default::default() });
    ValueInfo { name: Some(name.to_string()), r#type, ..Default::default() }
}

/// An element type as people call it.
fn element_name(element: i32) -> String {
    const NAMES: [&str; 17] = [
        "untyped",
        "float32",
        "uint8",
        "int8",
        "uint16",
        "int16",
        "int32",
        "int64",
        "string",
        "bool",
        "float16",
        "float64",
        "uint32",
        "uint64",
        "complex64",
        "complex128",
        "bfloat16",
    ];
    let known = usize::try_from(element).ok().and_then(|n| NAMES.get(n));
    known.map_or_else(|| format!("of type {element}"), |name| (*name).to_string())
}
