//! A graph and its weights as an ONNX file.
//!
//! Batch norm is folded into the convolution before it, and dropout is left out: the file is for inference. Operator set 13
//! is the oldest in which all operators used here have today's form, and ONNX Runtime, MNN, ncnn's pnnx and tract all read it.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::proto::{self, attribute, element};
use crate::graph::{BN_EPSILON, Conv, Graph, NodeId, Op};
use crate::weights::{WeightError, Weights};

/// Version of the operator set.
pub const OPSET: i64 = 13;
/// Version of the file format; ONNX Runtime reads it since 1.10.
pub const IR_VERSION: i64 = 8;

/// How many images the network takes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Always that many. Phones' runtimes plan their memory ahead and want this.
    Fixed(usize),
    /// As many as are given; the dimension is called `batch`.
    Open,
}

/// How a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Images at once.
    pub batch: Batch,
}

impl Default for Options {
    fn default() -> Self {
        Self { batch: Batch::Fixed(1) }
    }
}

/// Why no file can be written.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum OnnxError {
    /// A weight is missing or has another size.
    #[error("graph '{graph}' cannot be written as ONNX")]
    Weights {
        /// The graph.
        graph: String,
        /// Which weight.
        source: WeightError,
    },
    /// A supernet: its mixtures exist in training only.
    #[error("graph '{graph}' cannot be written as ONNX: searched layer {} still mixes its candidates; choose one for each layer", .layer + 1)]
    Mixture {
        /// The graph.
        graph: String,
        /// The searched layer, from 0.
        layer: usize,
    },
}

/// The bytes of an ONNX file that computes the graph in inference.
///
/// Inputs and outputs have the graph's names and are float32 `[batch, c, h, w]`, but `[batch, c]` where a fully connected
/// layer gives the output.
///
/// # Errors
/// [`OnnxError`], where a weight is missing or the graph is a supernet.
pub fn model(graph: &Graph, weights: &Weights, options: &Options) -> Result<Vec<u8>, OnnxError> {
    let graph = Writer::new(graph, weights, options.batch).write()?;
    let model = proto::Model {
        ir_version: IR_VERSION,
        producer_name: "blocktime".to_string(),
        producer_version: env!("CARGO_PKG_VERSION").to_string(),
        graph: Some(graph),
        opset_import: vec![proto::OperatorSet { domain: String::new(), version: OPSET }],
        metadata_props: Vec::new(),
    };
    Ok(model.encode_to_vec())
}

/// A value in the file.
#[derive(Clone, Debug)]
struct Value {
    name: String,
    /// `[batch, c]` instead of `[batch, c, h, w]`.
    flat: bool,
}

struct Writer<'a> {
    graph: &'a Graph,
    weights: &'a Weights,
    batch: Batch,
    /// How many nodes and outputs use each node.
    uses: Vec<usize>,
    /// What each node's value is called; filled in execution order.
    values: Vec<Value>,
    taken: BTreeSet<String>,
    out: proto::Graph,
}

impl<'a> Writer<'a> {
    fn new(graph: &'a Graph, weights: &'a Weights, batch: Batch) -> Self {
        let mut uses = vec![0; graph.nodes().len()];
        let used = graph.nodes().iter().flat_map(|n| n.inputs.iter()).chain(graph.outputs().iter().map(|(_, id)| id));
        used.for_each(|id| uses[id.0] += 1);
        let ports =
            graph.inputs().into_iter().map(|id| graph.node(id).name.clone()).chain(graph.outputs().iter().map(|o| o.0.clone()));
        let out = proto::Graph { name: graph.name().to_string(), ..Default::default() };
        Self { graph, weights, batch, uses, values: Vec::new(), taken: ports.collect(), out }
    }

    fn write(mut self) -> Result<proto::Graph, OnnxError> {
        for i in 0..self.graph.nodes().len() {
            let value = self.node(NodeId(i))?;
            self.values.push(value);
        }
        // A node's value has a name of its own, so that one node may give several outputs, or an input pass through.
        // Where a node gives one output, the value simply takes that name.
        let mut renamed = BTreeMap::new();
        let inputs: BTreeSet<_> = self.graph.inputs().iter().map(|id| self.values[id.0].name.clone()).collect();
        for (name, id) in self.graph.outputs() {
            let value = self.values[id.0].clone();
            if inputs.contains(&value.name) || renamed.contains_key(&value.name) {
                let node = proto::Node {
                    input: vec![value.name],
                    output: vec![name.clone()],
                    op_type: "Identity".into(),
                    ..Default::default()
                };
                self.out.node.push(node);
            } else {
                renamed.insert(value.name, name.clone());
            }
            let shape = self.graph.node(*id).shape;
            let dims = if value.flat { vec![shape.c] } else { vec![shape.c, shape.h, shape.w] };
            let info = self.info(name, &dims);
            self.out.output.push(info);
        }
        for name in self.out.node.iter_mut().flat_map(|n| n.input.iter_mut().chain(n.output.iter_mut())) {
            if let Some(new) = renamed.get(name) {
                name.clone_from(new);
            }
        }
        Ok(self.out)
    }

    /// Writes one node of the graph and says what its value is called.
    fn node(&mut self, id: NodeId) -> Result<Value, OnnxError> {
        let node = self.graph.node(id);
        let inputs = &node.inputs;
        Ok(match &node.op {
            Op::Input => {
                let s = node.shape;
                let info = self.info(&node.name, &[s.c, s.h, s.w]);
                self.out.input.push(info);
                Value { name: node.name.clone(), flat: false }
            }
            Op::Conv(conv) => {
                let folded = self.folded_norm(id);
                self.conv(id, conv, folded)?
            }
            // Folded by the convolution before it, whose value is therefore this node's.
            Op::BatchNorm if self.is_folded(id) => self.values[inputs[0].0].clone(),
            Op::BatchNorm => self.batch_norm(id)?,
            Op::Relu => self.plain("Relu", inputs, vec![]),
            Op::HardSigmoid => self.plain("HardSigmoid", inputs, vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)]),
            Op::Dropout { .. } => self.values[inputs[0].0].clone(),
            Op::Add => self.plain("Add", inputs, vec![]),
            Op::Mul => self.plain("Mul", inputs, vec![]),
            Op::Concat => self.plain("Concat", inputs, vec![int("axis", 1)]),
            Op::MaxPool { kernel, stride } => {
                self.plain("MaxPool", inputs, vec![ints("kernel_shape", &[*kernel; 2]), ints("strides", &[*stride; 2])])
            }
            Op::GlobalAvgPool => self.plain("GlobalAveragePool", inputs, vec![]),
            Op::Linear { .. } => self.linear(id)?,
            Op::Mixture { layer } => return Err(OnnxError::Mixture { graph: self.graph.name().to_string(), layer: *layer }),
        })
    }

    /// The batch norm that can be folded into this convolution: its only user.
    fn folded_norm(&self, conv: NodeId) -> Option<NodeId> {
        if self.uses[conv.0] != 1 {
            return None;
        }
        let user = self.graph.nodes().iter().position(|n| n.inputs.contains(&conv))?;
        (self.graph.nodes()[user].op == Op::BatchNorm).then_some(NodeId(user))
    }

    fn is_folded(&self, norm: NodeId) -> bool {
        let before = self.graph.node(norm).inputs[0];
        matches!(self.graph.node(before).op, Op::Conv(_)) && self.uses[before.0] == 1
    }

    fn conv(&mut self, id: NodeId, conv: &Conv, norm: Option<NodeId>) -> Result<Value, OnnxError> {
        let mut kernel = self.weight(id, 0)?.to_vec();
        let mut bias = if conv.bias { Some(self.weight(id, 1)?.to_vec()) } else { None };
        if let Some(norm) = norm {
            let (scale, shift) = self.scale_and_shift(norm)?;
            let per_channel = kernel.len() / conv.c_out;
            for (values, scale) in std::iter::zip(kernel.chunks_mut(per_channel), &scale) {
                values.iter_mut().for_each(|v| *v = (f64::from(*v) * scale) as f32);
            }
            let before = bias.unwrap_or_else(|| vec![0.0; conv.c_out]);
            let folded = (0..conv.c_out).map(|c| (f64::from(before[c]) * scale[c] + shift[c]) as f32);
            bias = Some(folded.collect());
        }
        let name = &self.graph.node(id).name;
        let dims = [conv.c_out, conv.c_in / conv.groups, conv.kernel, conv.kernel];
        let mut inputs = vec![self.image(self.graph.node(id).inputs[0])];
        inputs.push(self.constant(&format!("{name}.weight"), &dims, &kernel));
        if let Some(bias) = bias {
            inputs.push(self.constant(&format!("{name}.bias"), &[conv.c_out], &bias));
        }
        let attributes = vec![
            ints("dilations", &[conv.dilation; 2]),
            int("group", conv.groups),
            ints("kernel_shape", &[conv.kernel; 2]),
            ints("pads", &[conv.padding; 4]),
            ints("strides", &[conv.stride; 2]),
        ];
        Ok(Value { name: self.push("Conv", inputs, attributes), flat: false })
    }

    /// A batch norm as `x·scale + shift`, one of each a channel.
    fn scale_and_shift(&self, norm: NodeId) -> Result<(Vec<f64>, Vec<f64>), OnnxError> {
        let [gamma, beta, mean, var] = [0, 1, 2, 3].map(|i| self.weight(norm, i));
        let (gamma, beta, mean, var) = (gamma?, beta?, mean?, var?);
        let scale: Vec<f64> =
            std::iter::zip(gamma, var).map(|(&g, &v)| f64::from(g) / (f64::from(v) + f64::from(BN_EPSILON)).sqrt()).collect();
        let shift = (0..scale.len()).map(|c| f64::from(beta[c]) - f64::from(mean[c]) * scale[c]).collect();
        Ok((scale, shift))
    }

    fn batch_norm(&mut self, id: NodeId) -> Result<Value, OnnxError> {
        let mut inputs = vec![self.image(self.graph.node(id).inputs[0])];
        for (i, param) in self.graph.node_params(id).iter().enumerate() {
            let values = self.weight(id, i)?;
            inputs.push(self.constant(&param.name, &param.dims, values));
        }
        Ok(Value { name: self.push("BatchNormalization", inputs, vec![float("epsilon", BN_EPSILON)]), flat: false })
    }

    fn linear(&mut self, id: NodeId) -> Result<Value, OnnxError> {
        let input = self.values[self.graph.node(id).inputs[0].0].clone();
        let input = if input.flat { input.name } else { self.push("Flatten", vec![input.name], vec![int("axis", 1)]) };
        let mut inputs = vec![input];
        for (i, param) in self.graph.node_params(id).iter().enumerate() {
            let values = self.weight(id, i)?;
            inputs.push(self.constant(&param.name, &param.dims, values));
        }
        Ok(Value { name: self.push("Gemm", inputs, vec![int("transB", 1)]), flat: true })
    }

    /// An operation without weights on images.
    fn plain(&mut self, op: &str, inputs: &[NodeId], attributes: Vec<proto::Attribute>) -> Value {
        let inputs = inputs.iter().map(|&id| self.image(id)).collect();
        Value { name: self.push(op, inputs, attributes), flat: false }
    }

    /// The name of a node's value as `[batch, c, h, w]`.
    fn image(&mut self, id: NodeId) -> String {
        let value = self.values[id.0].clone();
        if !value.flat {
            return value.name;
        }
        let axes = self.unused_name("axes");
        let raw_data = [2i64, 3].iter().flat_map(|n| n.to_le_bytes()).collect();
        let tensor = proto::Tensor { dims: vec![2], data_type: element::INT64, name: axes.clone(), raw_data, ..Default::default() };
        self.out.initializer.push(tensor);
        self.push("Unsqueeze", vec![value.name, axes], vec![])
    }

    fn weight(&self, id: NodeId, i: usize) -> Result<&'a [f32], OnnxError> {
        let param = &self.graph.node_params(id)[i];
        self.weights.get(param).map_err(|source| OnnxError::Weights { graph: self.graph.name().to_string(), source })
    }

    /// Adds a constant; returns its name.
    fn constant(&mut self, name: &str, dims: &[usize], values: &[f32]) -> String {
        let name = self.unused_name(name);
        let raw_data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        let dims = dims.iter().map(|&d| d as i64).collect();
        self.out.initializer.push(proto::Tensor {
            dims,
            data_type: element::FLOAT,
            name: name.clone(),
            raw_data,
            ..Default::default()
        });
        name
    }

    /// Adds an operation with one output; returns that output's name.
    fn push(&mut self, op: &str, input: Vec<String>, attribute: Vec<proto::Attribute>) -> String {
        let name = self.unused_name(&format!("{}_{}", op.to_lowercase(), self.out.node.len()));
        let output = vec![name.clone()];
        self.out.node.push(proto::Node { input, output, name: name.clone(), op_type: op.to_string(), attribute });
        name
    }

    fn unused_name(&mut self, wish: &str) -> String {
        let mut name = wish.to_string();
        while !self.taken.insert(name.clone()) {
            name.push('_');
        }
        name
    }

    /// Name and type of an input or output, dimensions without the batch.
    fn info(&self, name: &str, dims: &[usize]) -> proto::ValueInfo {
        let batch = match self.batch {
            Batch::Fixed(n) => proto::DimensionValue::Size(n as i64),
            Batch::Open => proto::DimensionValue::Name("batch".to_string()),
        };
        let dims = dims.iter().map(|&d| proto::DimensionValue::Size(d as i64));
        let dim = std::iter::once(batch).chain(dims).map(|value| proto::Dimension { value: Some(value) }).collect();
        let tensor_type = Some(proto::TensorType { elem_type: element::FLOAT, shape: Some(proto::TensorShape { dim }) });
        proto::ValueInfo { name: name.to_string(), r#type: Some(proto::Type { tensor_type }) }
    }
}

fn int(name: &str, i: usize) -> proto::Attribute {
    proto::Attribute { name: name.to_string(), i: i as i64, kind: attribute::INT, ..Default::default() }
}

fn ints(name: &str, values: &[usize]) -> proto::Attribute {
    let ints = values.iter().map(|&v| v as i64).collect();
    proto::Attribute { name: name.to_string(), ints, kind: attribute::INTS, ..Default::default() }
}

fn float(name: &str, f: f32) -> proto::Attribute {
    proto::Attribute { name: name.to_string(), f, kind: attribute::FLOAT, ..Default::default() }
}
