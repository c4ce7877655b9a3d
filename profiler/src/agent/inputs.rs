//! What a model is given to run on: what the job holds for it, the rest made up by type.

use std::collections::BTreeMap;
use std::path::Path;

use engines::{Dim, Element, Port, Value};

use super::error::AgentError;
use crate::protocol::{self, Input, Item};
use crate::random::Random;

/// Most bytes of an input.
const LIMIT: usize = 1 << 31;

/// Whole numbers that are made up. Most are indices, masks or counts, for which one of these will do: nothing can be said of their range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All are 1.
    Ones,
    /// All are 0.
    Zeros,
}

/// The values of all inputs, in the session's order.
///
/// # Errors
/// [`AgentError::File`] for a file of values, [`AgentError::Inputs`] where one names no input, or where a size is neither stated by the
/// model nor given.
pub fn of(ports: &[Port], item: &Item, folder: &Path, random: &mut Random, whole: Whole) -> Result<Vec<Value>, AgentError> {
    let fault = |reason: String| AgentError::Inputs { id: item.id.clone(), reason };
    if let Some(input) = item.inputs.iter().find(|input| ports.iter().all(|port| port.name != input.name)) {
        return Err(fault(format!("it has no input '{}'; it has {}", input.name, listed(ports))));
    }
    let given = |port: &Port| item.inputs.iter().find(|input| input.name == port.name);
    // A dimension that has a name is as large wherever that name stands.
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for port in ports {
        for (dim, &size) in std::iter::zip(&port.dims, given(port).map(|input| &input.shape[..]).unwrap_or_default()) {
            if let Dim::Open(name) = dim
                && name != "?"
            {
                sizes.insert(name, size);
            }
        }
    }
    let shape = |port: &Port| match given(port) {
        Some(input) => Some(input.shape.clone()),
        None => port.dims.iter().enumerate().map(|(i, dim)| size(i, dim, &sizes)).collect(),
    };
    let shapes: Vec<_> = ports.iter().map(|port| (port, shape(port))).collect();
    let open: Vec<&Port> = shapes.iter().filter(|(_, shape)| shape.is_none()).map(|(port, _)| *port).collect();
    if !open.is_empty() {
        let flags = open.iter().map(|port| flag(port)).collect::<Vec<_>>().join(" ");
        let owned: Vec<Port> = open.into_iter().cloned().collect();
        return Err(fault(format!("the size of {} is open: give {flags}, with a number for each name", listed(&owned))));
    }
    let mut values = Vec::new();
    for (port, shape) in shapes {
        let shape = shape.unwrap_or_default();
        let value = match given(port).and_then(|input| input.values.as_ref().map(|values| (input, values))) {
            Some((input, from)) => read(input, from, item, folder)?,
            None => {
                let element =
                    port.element.ok_or_else(|| fault(format!("its input {port} has a type for which no value can be made")))?;
                let count = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d)).filter(|&n| n <= LIMIT / element.size());
                let count =
                    count.ok_or_else(|| fault(format!("its input {port} with the shape {shape:?} takes more than 2 GiB")))?;
                let bytes = made_up(element, count, random, whole);
                Value::new(element, shape, bytes)
                    .ok_or_else(|| fault(format!("random values cannot be made for its input {port}")))?
            }
        };
        values.push(value);
    }
    Ok(values)
}

/// A dimension's size, where it is known; a batch whose size is not given is 1.
fn size(i: usize, dim: &Dim, sizes: &BTreeMap<&str, usize>) -> Option<usize> {
    match dim {
        Dim::Fixed(size) => Some(*size),
        Dim::Open(name) => sizes.get(name.as_str()).copied().or((i == 0).then_some(1)),
    }
}

fn listed(ports: &[Port]) -> String {
    ports.iter().map(Port::to_string).collect::<Vec<_>>().join("; ")
}

/// What says on the command line how large an input is.
fn flag(port: &Port) -> String {
    let dim = |(i, dim): (usize, &Dim)| match dim {
        Dim::Open(_) if i == 0 => "1".to_string(),
        Dim::Open(name) if name == "?" => "SIZE".to_string(),
        dim => dim.to_string(),
    };
    format!("--shape '{}={}'", port.name, port.dims.iter().enumerate().map(dim).collect::<Vec<_>>().join(","))
}

fn read(input: &Input, from: &protocol::Values, item: &Item, folder: &Path) -> Result<Value, AgentError> {
    let fault = |reason: String| AgentError::File { id: item.id.clone(), file: from.file.clone(), reason };
    let element: Element = from.element.parse().map_err(fault)?;
    let bytes = std::fs::read(folder.join(&from.file)).map_err(|e| fault(e.to_string()))?;
    Value::new(element, input.shape.clone(), bytes).ok_or_else(|| fault("it is truncated".to_string()))
}

/// Values by type: numbers with a fraction in −1…1, bytes of any value as pictures have them, truth values true, and other whole numbers
/// as told.
fn made_up(element: Element, count: usize, random: &mut Random, whole: Whole) -> Vec<u8> {
    let one = u8::from(whole == Whole::Ones);
    let wholes = |size: usize| {
        let mut bytes = vec![0; count * size];
        bytes.iter_mut().step_by(size).for_each(|byte| *byte = one);
        bytes
    };
    match element {
        Element::Float32 => random.values(count).into_iter().flat_map(f32::to_le_bytes).collect(),
        Element::Float64 => random.values(count).into_iter().flat_map(|v| f64::from(v).to_le_bytes()).collect(),
        // The upper half of the same number in single precision.
        Element::Bfloat16 => random.values(count).into_iter().flat_map(|v| ((v.to_bits() >> 16) as u16).to_le_bytes()).collect(),
        // Any sign and fraction, with the exponent of 0.5…1.
        Element::Float16 => (0..count).flat_map(|_| ((random.bits() as u16 & 0x83ff) | (14 << 10)).to_le_bytes()).collect(),
        Element::Int8 | Element::Uint8 => (0..count).map(|_| random.bits() as u8).collect(),
        Element::Bool => vec![1; count],
        other => wholes(other.size()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Values;

    fn port(name: &str, element: Element, dims: &[&str]) -> Port {
        let dim = |d: &&str| d.parse().map_or_else(|_| Dim::open(d), Dim::Fixed);
        Port { name: name.to_string(), element: Some(element), dims: dims.iter().map(dim).collect() }
    }

    fn given(name: &str, shape: &[usize]) -> Input {
        Input { name: name.to_string(), shape: shape.to_vec(), values: None }
    }

    fn values(ports: &[Port], inputs: Vec<Input>) -> Result<Vec<Value>, String> {
        let item = Item { id: "m".into(), model: "m".into(), inputs, expected: vec![], parts: None, earlier: vec![], cold: false };
        of(ports, &item, Path::new("/nowhere"), &mut Random::new(1), Whole::Ones).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_not_given_is_made_up_by_type() {
        for element in Element::ALL {
            let value = values(&[port("x", element, &["batch", "50"])], vec![]).unwrap().remove(0);
            assert_eq!((value.element(), value.shape()), (element, &[1, 50][..]));
            let numbers = value.numbers();
            let range = match element {
                Element::Uint8 => 0.0..=255.0,
                Element::Int8 => -128.0..=127.0,
                _ => -1.0..=1.0,
            };
            assert!(numbers.iter().all(|n| range.contains(n)), "{element}: {numbers:?}");
            let varied = numbers.iter().any(|n| *n != numbers[0]);
            let fraction = element.name().contains("float");
            assert_eq!(varied, fraction || element.size() == 1 && element != Element::Bool, "{element}");
        }
    }

    #[test]
    fn sizes_come_from_what_is_given_also_by_the_dimensions_name() {
        let ports = [port("ids", Element::Int64, &["batch", "seq"]), port("mask", Element::Bool, &["batch", "seq"])];
        let found = values(&ports, vec![given("mask", &[4, 7])]).unwrap();
        assert_eq!((found[0].shape(), found[1].shape()), (&[4, 7][..], &[4, 7][..]));
        let said = values(&[port("x", Element::Float32, &["batch", "3", "height", "?"])], vec![]).unwrap_err();
        assert!(said.contains("'x', float32 [batch, 3, height, ?]") && said.contains("--shape 'x=1,3,height,SIZE'"), "{said}");
        let said = values(&ports, vec![given("ids", &[1, 2]), given("id", &[1])]).unwrap_err();
        assert!(said.contains("'id'") && said.contains("'ids', int64 [batch, seq]"), "{said}");
        let said = values(&[port("x", Element::Float32, &["n"])], vec![given("x", &[usize::MAX, 9])]).unwrap_err();
        assert!(said.contains("2 GiB"), "{said}");
    }

    #[test]
    fn a_file_of_values_that_is_not_there_is_named() {
        let from = Values { file: "0.in0".into(), element: "float32".into() };
        let input = Input { name: "x".into(), shape: vec![1], values: Some(from) };
        let said = values(&[port("x", Element::Float32, &["1"])], vec![input]).unwrap_err();
        assert!(said.contains("0.in0"), "{said}");
    }
}
