//! Shapes of values inside an ONNX file, followed from operation to operation.

use std::collections::BTreeMap;

use super::proto::{self, DimensionValue, element};

/// Most dimensions of a shape that is followed: those of every layer are kept.
const RANK: usize = 16;

/// Shapes by name, as far as they are known; of an open first dimension, which is the batch, that of one image.
pub(super) struct Shapes<'a> {
    shapes: BTreeMap<&'a str, Vec<u64>>,
    constants: BTreeMap<&'a str, &'a proto::Tensor>,
}

impl<'a> Shapes<'a> {
    /// What a file states of its inputs, outputs, inner values and constants. None where a constant has a negative dimension.
    pub(super) fn stated(graph: &'a proto::Graph) -> Option<Self> {
        let mut found = Self { shapes: BTreeMap::new(), constants: BTreeMap::new() };
        for info in graph.input.iter().chain(&graph.value_info).chain(&graph.output) {
            let dim = |(i, d): (usize, &proto::Dimension)| match d.value {
                Some(DimensionValue::Size(n)) => u64::try_from(n).ok(),
                _ => (i == 0).then_some(1),
            };
            let dims: Option<Vec<u64>> = dimensions(info).iter().enumerate().map(dim).collect();
            if let Some(dims) = dims.filter(|dims| !dims.is_empty()) {
                found.learn(&info.name, dims);
            }
        }
        for tensor in &graph.initializer {
            found.learn(&tensor.name, dims(tensor)?);
            found.constants.entry(&tensor.name).or_insert(tensor);
        }
        Some(found)
    }

    fn learn(&mut self, name: &'a str, dims: Vec<u64>) {
        if dims.len() <= RANK {
            self.shapes.insert(name, dims);
        }
    }

    /// The shape of the value of that name.
    pub(super) fn of(&self, name: &str) -> Option<&Vec<u64>> {
        self.shapes.get(name)
    }

    /// The shape of a node's input.
    pub(super) fn input(&self, node: &proto::Node, place: usize) -> Option<&Vec<u64>> {
        self.of(node.input.get(place)?)
    }

    /// Takes in what a node's outputs are, where its operator is one of those that convolutional networks and transformers have.
    pub(super) fn follow(&mut self, node: &'a proto::Node) {
        if node.op_type == "Split" {
            let parts = self.parts(node).unwrap_or_default();
            std::iter::zip(&node.output, parts).for_each(|(name, dims)| self.learn(name, dims));
        } else if let (Some(name), Some(dims)) = (node.output.first(), self.output(node)) {
            self.learn(name, dims);
        }
    }

    /// The shape of a node's first output.
    fn output(&self, node: &proto::Node) -> Option<Vec<u64>> {
        let (first, second) = (self.input(node, 0)?, self.input(node, 1));
        match node.op_type.as_str() {
            "Relu"
            | "Clip"
            | "HardSigmoid"
            | "HardSwish"
            | "Sigmoid"
            | "BatchNormalization"
            | "Identity"
            | "Dropout"
            | "LeakyRelu"
            | "PRelu"
            | "Elu"
            | "Erf"
            | "Exp"
            | "Gelu"
            | "InstanceNormalization"
            | "LayerNormalization"
            | "Mish"
            | "Neg"
            | "Pow"
            | "Reciprocal"
            | "Softmax"
            | "Softplus"
            | "Sqrt"
            | "Tanh" => Some(first.clone()),
            "Add" | "Mul" | "Sub" | "Div" => broadcast(first, second?),
            "Conv" => {
                let sides = window(node, first.get(2..)?, second?.get(2..)?)?;
                Some([&[*first.first()?, *second?.first()?], &sides[..]].concat())
            }
            "MaxPool" | "AveragePool" => {
                let kernel = settings(node, "kernel_shape")?.iter().map(|&k| u64::try_from(k).ok()).collect::<Option<Vec<_>>>()?;
                Some([first.get(..2)?, &window(node, first.get(2..)?, &kernel)?].concat())
            }
            "GlobalAveragePool" | "GlobalMaxPool" => {
                Some(first.iter().enumerate().map(|(i, &d)| if i < 2 { d } else { 1 }).collect())
            }
            "ReduceMean" | "ReduceSum" | "ReduceMax" => {
                let axes = self.axes(node, first.len());
                Some(without(first, &axes?, setting(node, "keepdims") != Some(0)))
            }
            "Squeeze" => Some(without(first, &self.axes(node, first.len())?, false)),
            "Unsqueeze" => {
                let new = self.whole_numbers(node, 1).or_else(|| settings(node, "axes"))?;
                let rank = first.len() + new.len();
                let new = places(&new, rank)?;
                let mut rest = first.iter().copied();
                (0..rank).map(|i| if new.contains(&i) { Some(1) } else { rest.next() }).collect()
            }
            "Transpose" => {
                let order = settings(node, "perm").unwrap_or_else(|| (0..first.len() as i64).rev().collect());
                order.iter().map(|&i| first.get(usize::try_from(i).ok()?).copied()).collect()
            }
            "Reshape" => reshaped(first, &self.whole_numbers(node, 1)?),
            "Flatten" => {
                let axis = usize::try_from(setting(node, "axis").unwrap_or(1)).ok()?;
                Some(vec![size(first.get(..axis)?)?, size(first.get(axis..)?)?])
            }
            "Concat" => self.joined(node, first),
            "Gemm" => {
                let rows = if setting(node, "transA") == Some(1) { first.get(1)? } else { first.first()? };
                let columns = if setting(node, "transB") == Some(1) { second?.first()? } else { second?.get(1)? };
                Some(vec![*rows, *columns])
            }
            "MatMul" => product(first, second?),
            _ => None,
        }
    }

    /// Shapes side by side along an axis.
    fn joined(&self, node: &proto::Node, first: &[u64]) -> Option<Vec<u64>> {
        let axis = *places(&[setting(node, "axis")?], first.len())?.first()?;
        let mut shape = first.to_vec();
        for i in 1..node.input.len() {
            shape[axis] = shape[axis].checked_add(*self.input(node, i)?.get(axis)?)?;
        }
        Some(shape)
    }

    /// What a shape is divided into along an axis: as it says, or evenly, the last part smaller where that does not go.
    fn parts(&self, node: &proto::Node) -> Option<Vec<Vec<u64>>> {
        let first = self.input(node, 0)?;
        let axis = *places(&[setting(node, "axis").unwrap_or(0)], first.len())?.first()?;
        let stated = self.whole_numbers(node, 1).or_else(|| settings(node, "split"));
        let even = || {
            let (whole, count) = (first[axis], node.output.len() as u64);
            let side = whole.div_ceil(count.max(1));
            (0..count).map(|i| side.min(whole.saturating_sub(i.saturating_mul(side))) as i64).collect::<Vec<_>>()
        };
        let sides = if node.input.len() > 1 { stated? } else { stated.unwrap_or_else(even) };
        let part = |&side: &i64| {
            let mut shape = first.clone();
            shape[axis] = u64::try_from(side).ok()?;
            Some(shape)
        };
        sides.iter().take(node.output.len()).map(part).collect()
    }

    /// The axes that an operator acts on: of its second input, or of its setting; all where neither says.
    fn axes(&self, node: &proto::Node, rank: usize) -> Option<Vec<usize>> {
        let stated = match node.input.get(1) {
            Some(_) => Some(self.whole_numbers(node, 1)?),
            None => settings(node, "axes"),
        };
        stated.map_or_else(|| Some((0..rank).collect()), |axes| places(&axes, rank))
    }

    /// The values of an input that is a constant of 64-bit integers: a shape, or axes.
    fn whole_numbers(&self, node: &proto::Node, place: usize) -> Option<Vec<i64>> {
        let tensor = self.constants.get(node.input.get(place)?.as_str())?;
        if tensor.data_type != element::INT64 || tensor.raw_data.len().div_ceil(8).max(tensor.int64_data.len()) > RANK {
            return None;
        }
        if tensor.raw_data.is_empty() {
            return Some(tensor.int64_data.clone());
        }
        tensor.raw_data.chunks(8).map(|bytes| Some(i64::from_le_bytes(bytes.try_into().ok()?))).collect()
    }
}

/// The dimensions that a file states of a value.
pub(super) fn dimensions(info: &proto::ValueInfo) -> &[proto::Dimension] {
    let shape = info.r#type.as_ref().and_then(|t| t.tensor_type.as_ref()).and_then(|t| t.shape.as_ref());
    shape.map_or(&[], |s| &s.dim)
}

/// A constant's dimensions.
pub(super) fn dims(tensor: &proto::Tensor) -> Option<Vec<u64>> {
    tensor.dims.iter().map(|&d| u64::try_from(d).ok()).collect()
}

/// How many values a shape has.
pub(super) fn size(dims: &[u64]) -> Option<u64> {
    dims.iter().try_fold(1u64, |n, &d| n.checked_mul(d))
}

/// Axes as places; negative ones count from behind.
fn places(axes: &[i64], rank: usize) -> Option<Vec<usize>> {
    let place = |&axis: &i64| usize::try_from(if axis < 0 { axis + rank as i64 } else { axis }).ok().filter(|&axis| axis < rank);
    axes.iter().map(place).collect()
}

/// A shape with these axes reduced to 1, or taken away.
fn without(shape: &[u64], axes: &[usize], keeps: bool) -> Vec<u64> {
    let dim = |(i, &d): (usize, &u64)| if axes.contains(&i) { keeps.then_some(1) } else { Some(d) };
    shape.iter().enumerate().filter_map(dim).collect()
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

/// The shape of a product of matrices, or of as many as the dimensions before the last two say.
fn product(a: &[u64], b: &[u64]) -> Option<Vec<u64>> {
    let ([before_a @ .., rows, inner], [before_b @ .., other, columns]) = (a, b) else { return None };
    let mut shape = broadcast(before_a, before_b)?;
    shape.extend([rows, columns]);
    (inner == other).then_some(shape)
}

/// A setting of an operation that is a whole number.
pub(super) fn setting(node: &proto::Node, name: &str) -> Option<i64> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.i)
}

/// A setting of an operation that is several whole numbers.
fn settings(node: &proto::Node, name: &str) -> Option<Vec<i64>> {
    node.attribute.iter().find(|a| a.name == name).map(|a| a.ints.clone())
}
