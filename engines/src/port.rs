//! Inputs and outputs as a model states them.

use std::fmt;

use crate::element::Element;

/// A dimension of an input or output, as the model states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Dim {
    /// Fixed.
    Fixed(usize),
    /// Left open, with its name, `?` where it has none.
    Open(String),
}

impl Dim {
    /// Left open, by the name that the model gives it.
    pub fn open(name: &str) -> Self {
        Self::Open(if name.is_empty() { "?".to_string() } else { name.to_string() })
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(size) => write!(f, "{size}"),
            Self::Open(name) => f.write_str(name),
        }
    }
}

/// An input or output of a model, as the model states it. What comes out may have other shapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its type; `None` for an output that is no tensor of numbers.
    pub element: Option<Element>,
    /// Its dimensions; none for a single value, and where the model states none.
    pub dims: Vec<Dim>,
}

impl Port {
    /// Whether the first dimension, the batch, is left open.
    pub fn open_batch(&self) -> bool {
        matches!(self.dims.first(), Some(Dim::Open(_)))
    }

    /// Its dimensions for that batch, where no other one is left open.
    pub fn shape(&self, batch: usize) -> Option<Vec<usize>> {
        let dim = |(i, dim): (usize, &Dim)| match dim {
            Dim::Fixed(size) => Some(*size),
            Dim::Open(_) => (i == 0).then_some(batch),
        };
        self.dims.iter().enumerate().map(dim).collect()
    }
}

impl fmt::Display for Port {
    /// For example `'x', float32 [batch, 3, 112, 112]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dims: Vec<String> = self.dims.iter().map(Dim::to_string).collect();
        let element = self.element.map_or("no numbers", Element::name);
        write!(f, "'{}', {element} [{}]", self.name, dims.join(", "))
    }
}
