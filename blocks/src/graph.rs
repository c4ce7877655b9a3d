//! The graph that every block and network is written as.
//!
//! Nodes are stored in execution order: a node's inputs have smaller ids than itself. Shapes are those of **one** image
//! (`C×H×W`); the code that executes the graph adds a batch dimension.

use crate::Shape;

/// Index of a node in its graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub usize);

/// A 2-D convolution: weights `[c_out, c_in / groups, kernel, kernel]`, zero padding on all sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Input channels.
    pub c_in: usize,
    /// Output channels.
    pub c_out: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step between output pixels, both directions.
    pub stride: usize,
    /// Zeros added on each side.
    pub padding: usize,
    /// Distance between the taps of the kernel.
    pub dilation: usize,
    /// Groups of channels: 1 is dense, `c_in` is depthwise.
    pub groups: usize,
    /// Whether a bias `[c_out]` is added.
    pub bias: bool,
}

impl Conv {
    /// A 1×1 convolution without bias.
    pub const fn pointwise(c_in: usize, c_out: usize) -> Self {
        Self { c_in, c_out, kernel: 1, stride: 1, padding: 0, dilation: 1, groups: 1, bias: false }
    }

    /// A dense `kernel`×`kernel` convolution without bias and without padding.
    pub const fn dense(c_in: usize, c_out: usize, kernel: usize) -> Self {
        Self { kernel, ..Self::pointwise(c_in, c_out) }
    }

    /// One `kernel`×`kernel` filter a channel, without bias and without padding.
    pub const fn depthwise(c: usize, kernel: usize) -> Self {
        Self { kernel, groups: c, ..Self::pointwise(c, c) }
    }

    /// The same with another stride.
    pub const fn stride(self, stride: usize) -> Self {
        Self { stride, ..self }
    }

    /// The same with another padding.
    pub const fn padding(self, padding: usize) -> Self {
        Self { padding, ..self }
    }

    /// The same with another dilation.
    pub const fn dilation(self, dilation: usize) -> Self {
        Self { dilation, ..self }
    }

    /// The same with a bias.
    pub const fn with_bias(self) -> Self {
        Self { bias: true, ..self }
    }

    /// True where each channel has a filter of its own and nothing else.
    pub const fn is_depthwise(&self) -> bool {
        self.groups == self.c_in && self.c_in == self.c_out && self.groups > 1
    }

    /// Output pixels along a side of `n` input pixels; 0 where the kernel does not fit.
    pub const fn out_side(&self, n: usize) -> usize {
        let reach = self.dilation * (self.kernel - 1) + 1;
        if n + 2 * self.padding < reach { 0 } else { (n + 2 * self.padding - reach) / self.stride + 1 }
    }
}

/// What a node computes from its inputs.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A value given from outside.
    Input,
    /// Convolution; one input.
    Conv(Conv),
    /// Batch normalisation, ε = [`BN_EPSILON`]; one input.
    BatchNorm,
    /// `max(x, 0)`; one input.
    Relu,
    /// `min(max(x + 3, 0), 6) / 6`; one input.
    HardSigmoid,
    /// Zeroes values with probability `p` in training and scales the others by `1/(1-p)`; the identity otherwise.
    Dropout {
        /// Probability that a value is dropped.
        p: f32,
    },
    /// Sum of two inputs of one shape.
    Add,
    /// Product of an input `[c,h,w]` and a second of the same shape, or of `[c,1,1]`, which is repeated over the pixels.
    Mul,
    /// Inputs joined along the channels.
    Concat,
    /// Largest value of each `kernel`×`kernel` window; no padding.
    MaxPool {
        /// Side of the window.
        kernel: usize,
        /// Step between windows.
        stride: usize,
    },
    /// Mean over all pixels; the output is `[c,1,1]`.
    GlobalAvgPool,
    /// Fully connected, with bias, over the flattened input; weights `[c_out, c·h·w]`, output `[c_out,1,1]`.
    Linear {
        /// Output features.
        c_out: usize,
    },
    /// Σₖ maskₖ · inputₖ with the mask of searched layer `layer` (0-based); only in supernets.
    Mixture {
        /// The searched layer whose mask weighs the inputs.
        layer: usize,
    },
}

/// ε of every batch norm, PyTorch's default.
pub const BN_EPSILON: f32 = 1e-5;

/// Share of a training batch's statistics that moves into the running ones of every batch norm, PyTorch's default.
pub const BN_MOMENTUM: f32 = 0.1;

/// One operation of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// Where its inputs come from, in order.
    pub inputs: Vec<NodeId>,
    /// Shape of its output, for one image.
    pub shape: Shape,
    /// Prefix of its weights' names (`blocks.0.op.ir_block.0`), or for an input its name. Empty where there are none.
    pub name: String,
}

/// What a weight is, which decides how it starts and whether the optimizer moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// `[c_out, c_in/groups, k, k]` of a convolution.
    ConvWeight,
    /// `[c_out, features]` of a fully connected layer.
    LinearWeight,
    /// `[c_out]` of a convolution or a fully connected layer.
    Bias,
    /// γ of a batch norm.
    Gamma,
    /// β of a batch norm.
    Beta,
    /// Running mean of a batch norm; moved by statistics, not by gradients.
    RunningMean,
    /// Running variance of a batch norm; moved by statistics, not by gradients.
    RunningVar,
}

impl ParamKind {
    /// Whether the optimizer moves it (else it is a running statistic).
    pub fn is_trained(self) -> bool {
        !matches!(self, Self::RunningMean | Self::RunningVar)
    }
}

/// One named weight of a graph.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// The node it belongs to.
    pub node: NodeId,
    /// Full name, as in NNI's checkpoints: `stem.stem_1.0.weight`.
    pub name: String,
    /// Dimensions, row-major.
    pub dims: Vec<usize>,
    /// Its role.
    pub kind: ParamKind,
}

impl Param {
    /// Number of values.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// True where it has no values (never, for a graph that was built).
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A directed acyclic graph of operations in execution order.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    name: String,
    nodes: Vec<Node>,
    outputs: Vec<(String, NodeId)>,
}

impl Graph {
    /// What it is called in files and messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// All nodes, inputs before users.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node with that id.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// Ids of the inputs, in the order in which they were declared.
    pub fn inputs(&self) -> Vec<NodeId> {
        (0..self.nodes.len()).map(NodeId).filter(|&id| self.node(id).op == Op::Input).collect()
    }

    /// Names and ids of the outputs.
    pub fn outputs(&self) -> &[(String, NodeId)] {
        &self.outputs
    }

    /// All weights, in node order.
    pub fn params(&self) -> Vec<Param> {
        (0..self.nodes.len()).flat_map(|i| self.node_params(NodeId(i))).collect()
    }

    /// The weights of one node; empty for operations without any.
    pub fn node_params(&self, id: NodeId) -> Vec<Param> {
        let node = self.node(id);
        let param = |suffix: &str, dims: Vec<usize>, kind| Param { node: id, name: format!("{}.{suffix}", node.name), dims, kind };
        match &node.op {
            Op::Conv(c) => {
                let mut params = vec![param("weight", vec![c.c_out, c.c_in / c.groups, c.kernel, c.kernel], ParamKind::ConvWeight)];
                if c.bias {
                    params.push(param("bias", vec![c.c_out], ParamKind::Bias));
                }
                params
            }
            Op::BatchNorm => {
                let c = node.shape.c;
                vec![
                    param("weight", vec![c], ParamKind::Gamma),
                    param("bias", vec![c], ParamKind::Beta),
                    param("running_mean", vec![c], ParamKind::RunningMean),
                    param("running_var", vec![c], ParamKind::RunningVar),
                ]
            }
            Op::Linear { c_out } => {
                let features = self.node(node.inputs[0]).shape.volume();
                vec![param("weight", vec![*c_out, features], ParamKind::LinearWeight), param("bias", vec![*c_out], ParamKind::Bias)]
            }
            _ => Vec::new(),
        }
    }
}

/// Builds a [`Graph`] node by node, deriving each shape.
///
/// Its methods panic where shapes do not fit: block definitions are code, and what a user may get wrong is checked before
/// ([`crate::Space::parse`]).
#[derive(Clone, Debug)]
pub struct Builder {
    graph: Graph,
}

impl Builder {
    /// An empty graph of that name.
    pub fn new(name: impl Into<String>) -> Self {
        Self { graph: Graph { name: name.into(), nodes: Vec::new(), outputs: Vec::new() } }
    }

    /// Shape of a node made before.
    pub fn shape(&self, id: NodeId) -> Shape {
        self.graph.node(id).shape
    }

    fn push(&mut self, op: Op, inputs: Vec<NodeId>, shape: Shape, name: String) -> NodeId {
        assert!(shape.volume() > 0, "{name}: {op:?} leaves no pixels");
        self.graph.nodes.push(Node { op, inputs, shape, name });
        NodeId(self.graph.nodes.len() - 1)
    }

    /// Declares an input.
    pub fn input(&mut self, name: &str, shape: Shape) -> NodeId {
        self.push(Op::Input, vec![], shape, name.to_string())
    }

    /// Convolution whose weights are called `name.weight` (and `name.bias`).
    pub fn conv(&mut self, x: NodeId, name: impl Into<String>, conv: Conv) -> NodeId {
        let name = name.into();
        let s = self.shape(x);
        assert_eq!(s.c, conv.c_in, "{name}: input channels");
        assert!(conv.c_in.is_multiple_of(conv.groups) && conv.c_out.is_multiple_of(conv.groups), "{name}: groups");
        self.push(Op::Conv(conv), vec![x], Shape::new(conv.c_out, conv.out_side(s.h), conv.out_side(s.w)), name)
    }

    /// Batch norm whose weights are called `name.weight`, `name.bias`, `name.running_mean`, `name.running_var`.
    pub fn batch_norm(&mut self, x: NodeId, name: impl Into<String>) -> NodeId {
        self.push(Op::BatchNorm, vec![x], self.shape(x), name.into())
    }

    /// `max(x, 0)`.
    pub fn relu(&mut self, x: NodeId) -> NodeId {
        self.push(Op::Relu, vec![x], self.shape(x), String::new())
    }

    /// `min(max(x + 3, 0), 6) / 6`.
    pub fn hard_sigmoid(&mut self, x: NodeId) -> NodeId {
        self.push(Op::HardSigmoid, vec![x], self.shape(x), String::new())
    }

    /// Dropout with probability `p`.
    pub fn dropout(&mut self, x: NodeId, p: f32) -> NodeId {
        self.push(Op::Dropout { p }, vec![x], self.shape(x), String::new())
    }

    /// `a + b`.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> NodeId {
        assert_eq!(self.shape(a), self.shape(b), "add: shapes");
        self.push(Op::Add, vec![a, b], self.shape(a), String::new())
    }

    /// `a · b`; `b` may be `[c,1,1]`.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> NodeId {
        let (s, t) = (self.shape(a), self.shape(b));
        assert!(s == t || t == Shape::new(s.c, 1, 1), "mul: {s} by {t}");
        self.push(Op::Mul, vec![a, b], s, String::new())
    }

    /// Inputs joined along the channels.
    pub fn concat(&mut self, inputs: &[NodeId]) -> NodeId {
        let first = self.shape(inputs[0]);
        let c = inputs
            .iter()
            .map(|&id| {
                let s = self.shape(id);
                assert_eq!((s.h, s.w), (first.h, first.w), "concat: pixels");
                s.c
            })
            .sum();
        self.push(Op::Concat, inputs.to_vec(), Shape { c, ..first }, String::new())
    }

    /// Max pooling without padding.
    pub fn max_pool(&mut self, x: NodeId, kernel: usize, stride: usize) -> NodeId {
        let s = self.shape(x);
        assert!(s.h >= kernel && s.w >= kernel, "max_pool: {s} under a window of {kernel}");
        let out = Shape::new(s.c, (s.h - kernel) / stride + 1, (s.w - kernel) / stride + 1);
        self.push(Op::MaxPool { kernel, stride }, vec![x], out, String::new())
    }

    /// Mean over all pixels.
    pub fn global_avg_pool(&mut self, x: NodeId) -> NodeId {
        let c = self.shape(x).c;
        self.push(Op::GlobalAvgPool, vec![x], Shape::new(c, 1, 1), String::new())
    }

    /// Fully connected with bias, over the flattened input.
    pub fn linear(&mut self, x: NodeId, name: impl Into<String>, c_out: usize) -> NodeId {
        self.push(Op::Linear { c_out }, vec![x], Shape::new(c_out, 1, 1), name.into())
    }

    /// Mixture of candidates, weighed by the mask of searched layer `layer`.
    pub fn mixture(&mut self, candidates: &[NodeId], layer: usize) -> NodeId {
        let shape = self.shape(candidates[0]);
        for &id in candidates {
            assert_eq!(self.shape(id), shape, "mixture: shapes");
        }
        self.push(Op::Mixture { layer }, candidates.to_vec(), shape, String::new())
    }

    /// Convolution without bias, then batch norm, called `name.0` and `name.1`, then ReLU.
    pub fn conv_bn_relu(&mut self, x: NodeId, name: &str, conv: Conv) -> NodeId {
        let y = self.conv(x, format!("{name}.0"), conv);
        let y = self.batch_norm(y, format!("{name}.1"));
        self.relu(y)
    }

    /// The finished graph with these named outputs.
    pub fn finish(mut self, outputs: &[(&str, NodeId)]) -> Graph {
        self.graph.outputs = outputs.iter().map(|&(name, id)| (name.to_string(), id)).collect();
        self.graph
    }
}
