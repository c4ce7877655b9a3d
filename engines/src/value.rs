//! Values that go into a model and come out of it: numbers of any type, in any shape.

use crate::element::Element;
use crate::error::EngineError;
use crate::port::{Dim, Port};

/// A tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    element: Element,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Value {
    /// Of these bytes, row-major and little-endian; `None` where they are not as many as the shape takes.
    pub fn new(element: Element, shape: Vec<usize>, bytes: Vec<u8>) -> Option<Self> {
        (size(element, &shape) == Some(bytes.len())).then_some(Self { element, shape, bytes })
    }

    /// Of single precision; `None` where they are not as many as the shape takes.
    pub fn floats(shape: Vec<usize>, values: &[f32]) -> Option<Self> {
        Self::new(Element::Float32, shape, values.iter().flat_map(|v| v.to_le_bytes()).collect())
    }

    /// Its type.
    pub fn element(&self) -> Element {
        self.element
    }

    /// Its dimensions.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Its values, row-major and little-endian.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Its values as numbers.
    pub fn numbers(&self) -> Vec<f64> {
        macro_rules! all {
            ($number:ty, $value:path) => {
                self.bytes.as_chunks().0.iter().map(|bytes| $value(<$number>::from_le_bytes(*bytes))).collect()
            };
        }
        match self.element {
            Element::Float32 => all!(f32, f64::from),
            Element::Float64 => all!(f64, std::convert::identity),
            Element::Float16 => all!(u16, half),
            Element::Bfloat16 => all!(u16, brain),
            Element::Int8 => all!(i8, f64::from),
            Element::Int16 => all!(i16, f64::from),
            Element::Int32 => all!(i32, f64::from),
            Element::Int64 => all!(i64, signed),
            Element::Uint8 | Element::Bool => all!(u8, f64::from),
            Element::Uint16 => all!(u16, f64::from),
            Element::Uint32 => all!(u32, f64::from),
            Element::Uint64 => all!(u64, unsigned),
        }
    }

    /// Its values in single precision.
    pub fn to_floats(&self) -> Vec<f32> {
        match self.element {
            Element::Float32 => self.bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            _ => self.numbers().into_iter().map(|n| n as f32).collect(),
        }
    }
}

/// Bytes that a shape takes.
fn size(element: Element, shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(element.size(), |n, &d| n.checked_mul(d))
}

fn signed(n: i64) -> f64 {
    n as f64
}

fn unsigned(n: u64) -> f64 {
    n as f64
}

/// A number of single precision whose last 16 bits are cut off.
fn brain(bits: u16) -> f64 {
    f64::from(f32::from_bits(u32::from(bits) << 16))
}

/// A number of half precision.
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from((bits >> 10) & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => fraction * 2f64.powi(-24),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1024.0 + fraction) * 2f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 { -size } else { size }
}

/// Checks values against a model's inputs: number, types, and dimensions where they are fixed.
///
/// # Errors
/// [`EngineError::Inputs`], naming the input, what it takes and what was given.
pub fn check(inputs: &[Port], values: &[Value]) -> Result<(), EngineError> {
    if values.len() != inputs.len() {
        return Err(EngineError::Inputs(format!("the model has {} inputs, but {} were given", inputs.len(), values.len())));
    }
    for (port, value) in std::iter::zip(inputs, values) {
        let alike = |(dim, &size): (&Dim, &usize)| matches!(dim, Dim::Open(_)) || *dim == Dim::Fixed(size);
        // A model that states no dimensions takes any, or takes a single value: the engine knows.
        let fits =
            port.dims.is_empty() || port.dims.len() == value.shape.len() && std::iter::zip(&port.dims, &value.shape).all(alike);
        if !fits || port.element != Some(value.element) {
            return Err(EngineError::Inputs(format!("{port}: the value given is {} {:?}", value.element, value.shape)));
        }
    }
    Ok(())
}

/// The values as tensors of single precision for a model's inputs. Where the model leaves its batch open, their number decides it; it
/// must be the same for all inputs.
///
/// # Errors
/// [`EngineError::Inputs`] where the number of inputs or of values does not fit, or another dimension than the batch is open.
pub fn floats(inputs: &[Port], values: &[Vec<f32>]) -> Result<Vec<Value>, EngineError> {
    if values.len() != inputs.len() {
        return Err(EngineError::Inputs(format!("the model has {} inputs, but {} were given", inputs.len(), values.len())));
    }
    let mut batch = None;
    let mut value = |port: &Port, values: &Vec<f32>| {
        let one: usize = port.shape(1)?.iter().product();
        let batch = match port.open_batch() {
            true => *batch.get_or_insert(values.len().checked_div(one).filter(|&n| n > 0)?),
            false => 1,
        };
        Value::floats(port.shape(batch)?, values)
    };
    let one = |(port, values): (&Port, &Vec<f32>)| {
        value(port, values).ok_or_else(|| {
            let batch = if port.open_batch() { " (with one batch for all inputs)" } else { "" };
            EngineError::Inputs(format!("{port}{batch}: {} values do not fill it", values.len()))
        })
    };
    std::iter::zip(inputs, values).map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_all_types() {
        let numbers =
            |element, bytes: &[u8]| Value::new(element, vec![bytes.len() / element.size()], bytes.to_vec()).unwrap().numbers();
        assert_eq!(numbers(Element::Float16, &[0, 0x3c, 0, 0xc0, 1, 0, 0, 0x7c]), [1.0, -2.0, 2f64.powi(-24), f64::INFINITY]);
        assert!(numbers(Element::Float16, &[1, 0x7c])[0].is_nan());
        assert_eq!(numbers(Element::Float16, &0x3555u16.to_le_bytes()), [0.333_251_953_125]);
        assert_eq!(numbers(Element::Bfloat16, &0xc040u16.to_le_bytes()), [-3.0]);
        assert_eq!(numbers(Element::Int64, &(-5i64).to_le_bytes()), [-5.0]);
        assert_eq!(numbers(Element::Int8, &[0xff, 2]), [-1.0, 2.0]);
        assert_eq!(numbers(Element::Bool, &[0, 1]), [0.0, 1.0]);
        assert_eq!(Value::floats(vec![2], &[1.5, -0.5]).unwrap().to_floats(), [1.5, -0.5]);
        assert!(Element::ALL.iter().all(|e| e.name().parse() == Ok(*e)));
        assert!(Value::floats(vec![3], &[1.0]).is_none() && Value::floats(vec![usize::MAX, 2], &[]).is_none());
    }

    #[test]
    fn values_are_checked_against_what_a_model_states() {
        let port = |dims| Port { name: "x".to_string(), element: Some(Element::Float32), dims };
        let open = port(vec![Dim::open("batch"), Dim::Fixed(3)]);
        assert_eq!(open.to_string(), "'x', float32 [batch, 3]");
        let ok = |port: &Port, shape: &[usize]| {
            let value = Value::floats(shape.to_vec(), &vec![0.0; shape.iter().product()]).unwrap();
            check(std::slice::from_ref(port), &[value])
        };
        assert!(ok(&open, &[1, 3]).is_ok() && ok(&open, &[7, 3]).is_ok() && ok(&port(vec![]), &[2, 2]).is_ok());
        let said = ok(&open, &[1, 4]).unwrap_err().to_string();
        assert!(said.contains("'x', float32 [batch, 3]") && said.contains("float32 [1, 4]"), "{said}");
        assert!(ok(&open, &[3]).is_err());
        let bytes = Value::new(Element::Uint8, vec![1, 3], vec![0; 3]).unwrap();
        assert!(check(std::slice::from_ref(&open), &[bytes]).unwrap_err().to_string().contains("uint8"));
        assert_eq!(floats(std::slice::from_ref(&open), &[vec![0.0; 6]]).unwrap()[0].shape(), [2, 3]);
        let sides = port(vec![Dim::open("batch"), Dim::open("")]);
        for (port, n) in [(&open, 4), (&open, 0), (&sides, 3)] {
            assert!(floats(std::slice::from_ref(port), &[vec![0.0; n]]).is_err(), "{port} {n}");
        }
    }
}
