//! From graph nodes to stored values and steps.

use std::collections::HashMap;
use std::ops::Range;

use blocks::graph::ParamKind;
use blocks::{Conv, Graph, NodeId, Op};

use super::{Convolution, Norm, Plan, Simple, Step, Term, Value, ValueId};
use crate::buffer::Pool;
use crate::simd::{LANES, Level};

/// A node's output: a stored value, or for nodes that only a mixture reads, values side by side or on top of each other.
#[derive(Clone, Debug)]
enum Output {
    Stored(ValueId),
    Terms(Vec<(ValueId, usize)>),
}

struct Compiler<'a> {
    graph: &'a Graph,
    /// Readers of each node; being an output of the graph counts as one.
    readers: Vec<Vec<NodeId>>,
    is_output: Vec<bool>,
    outputs: Vec<Output>,
    values: Vec<Value>,
    steps: Vec<Step>,
    /// Ranges of each parameter by name, in the trained or in the running slice.
    ranges: HashMap<String, Range<usize>>,
}

impl Plan {
    /// Prepares a graph. Groups must be 1 or equal to the channels.
    pub fn new(graph: &Graph) -> Self {
        Self::with_level(graph, Level::current())
    }

    /// The same for a chosen instruction set, which the processor must have.
    pub fn with_level(graph: &Graph, level: Level) -> Self {
        assert!(Level::available().contains(&level), "this processor has no {}", level.name());
        compile(graph, level)
    }
}

fn compile(graph: &Graph, level: Level) -> Plan {
    let mut ranges = HashMap::new();
    let (mut params, mut stats) = (0, 0);
    for p in graph.params() {
        let at = if p.kind.is_trained() { &mut params } else { &mut stats };
        ranges.insert(p.name.clone(), *at..*at + p.len());
        *at += p.len();
    }
    let mut c = Compiler::new(graph, ranges);
    let mut inputs = Vec::new();
    let (mut mask_layers, mut mask_width) = (0, 0);
    for (i, node) in graph.nodes().iter().enumerate() {
        if let Op::Mixture { layer } = node.op {
            mask_layers = mask_layers.max(layer + 1);
            mask_width = mask_width.max(node.inputs.len());
        }
        let output = c.node(NodeId(i), &mut inputs);
        c.outputs.push(output);
    }
    let outputs: Vec<_> = graph.outputs().iter().map(|(_, id)| c.stored(*id)).collect();
    let Compiler { mut values, steps, .. } = c;
    mark_last_uses(&mut values, &steps, &outputs);
    mark_what_is_made_again(&mut values, &steps);
    Plan {
        values,
        steps,
        inputs,
        outputs,
        params,
        stats,
        mask_layers,
        mask_width,
        level,
        pool: Pool::shared(),
        group: None,
        times: None,
    }
}

/// Tells each value which step is the last to read it; the plan's outputs are read after all.
fn mark_last_uses(values: &mut [Value], steps: &[Step], outputs: &[ValueId]) {
    for (i, step) in steps.iter().enumerate() {
        for x in step.reads() {
            values[x].last_use = i;
        }
    }
    for &v in outputs {
        values[v].last_use = steps.len();
    }
}

/// Marks wide values that are cheaper to make again than to keep.
fn mark_what_is_made_again(values: &mut [Value], steps: &[Step]) {
    for (i, step) in steps.iter().enumerate() {
        if let Step::Conv(Convolution { x, y, conv, .. }) = step
            && conv.kernel == 1
            && !values[*x].planar
            && is_read_by_one_depthwise(steps, *y, values[*y].last_use)
        {
            values[*y].again = Some(i);
        }
    }
}

/// Whether a value, last read by step `last_use`, is the input of a depthwise convolution and of nothing else.
///
/// Such a value of a pointwise convolution is the widest of its block and the cheapest to make: a multiply-add an input channel.
fn is_read_by_one_depthwise(steps: &[Step], v: ValueId, last_use: usize) -> bool {
    let readers = steps.iter().filter(|step| step.reads().contains(&v)).count();
    readers == 1 && matches!(steps.get(last_use), Some(Step::Depthwise(_)))
}

impl<'a> Compiler<'a> {
    fn new(graph: &'a Graph, ranges: HashMap<String, Range<usize>>) -> Self {
        let mut readers = vec![Vec::new(); graph.nodes().len()];
        for (i, node) in graph.nodes().iter().enumerate() {
            for input in &node.inputs {
                readers[input.0].push(NodeId(i));
            }
        }
        let mut is_output = vec![false; graph.nodes().len()];
        for (_, id) in graph.outputs() {
            is_output[id.0] = true;
        }
        Self { graph, readers, is_output, outputs: Vec::new(), values: Vec::new(), steps: Vec::new(), ranges }
    }

    fn stored(&self, id: NodeId) -> ValueId {
        match &self.outputs[id.0] {
            Output::Stored(v) => *v,
            // Only nodes whose single reader is a mixture become terms.
            Output::Terms(_) => unreachable!("a node read by others than a mixture is stored"),
        }
    }

    fn only_reader(&self, id: NodeId) -> Option<NodeId> {
        match (&self.readers[id.0][..], self.is_output[id.0]) {
            ([one], false) => Some(*one),
            _ => None,
        }
    }

    fn feeds_only_a_mixture(&self, id: NodeId) -> bool {
        self.only_reader(id).is_some_and(|r| matches!(self.graph.node(r).op, Op::Mixture { .. }))
    }

    fn value(&mut self, id: NodeId) -> ValueId {
        let shape = self.graph.node(id).shape;
        self.values.push(Value { shape, norm: None, relu: false, planar: false, last_use: 0, again: None });
        self.values.len() - 1
    }

    fn range(&self, id: NodeId, kind: ParamKind) -> Option<Range<usize>> {
        let param = self.graph.node_params(id).into_iter().find(|p| p.kind == kind)?;
        self.ranges.get(&param.name).cloned()
    }

    fn weight(&self, id: NodeId, kind: ParamKind) -> Range<usize> {
        self.range(id, kind).unwrap_or_else(|| unreachable!("the graph lists every weight of its nodes"))
    }

    /// A value of `x` that only node `id` reads and that `fits`: `x`'s own, or a copy of what readers of it see.
    fn own(&mut self, id: NodeId, fits: impl Fn(&Value) -> bool) -> ValueId {
        let x = self.graph.node(id).inputs[0];
        let v = self.stored(x);
        if self.only_reader(x).is_some() && fits(&self.values[v]) && !self.values[v].planar {
            return v;
        }
        let y = self.value(id);
        self.steps.push(Step::Simple(Simple::Dropout { x: v, y, p: 0.0, index: 0 }));
        y
    }

    /// A node's output, with the step that makes it.
    fn node(&mut self, id: NodeId, inputs: &mut Vec<ValueId>) -> Output {
        let node = self.graph.node(id);
        let y = match &node.op {
            Op::Input => self.input(id, inputs),
            Op::Conv(conv) => self.conv(id, conv),
            Op::Linear { c_out } => self.linear(id, *c_out),
            Op::BatchNorm => {
                let y = self.own(id, Value::is_plain);
                self.values[y].norm = Some(Norm {
                    gamma: self.weight(id, ParamKind::Gamma),
                    beta: self.weight(id, ParamKind::Beta),
                    mean: self.weight(id, ParamKind::RunningMean),
                    var: self.weight(id, ParamKind::RunningVar),
                });
                y
            }
            Op::Relu => {
                let y = self.own(id, |v| !v.relu);
                self.values[y].relu = true;
                y
            }
            Op::Add if self.feeds_only_a_mixture(id) => {
                return Output::Terms(node.inputs.iter().map(|&x| (self.stored(x), 0)).collect());
            }
            Op::Add => {
                let (a, b, y) = (self.stored(node.inputs[0]), self.stored(node.inputs[1]), self.value(id));
                self.steps.push(Step::Add { a, b, y });
                y
            }
            Op::Concat => return self.concat(id),
            Op::Mixture { layer } => self.mixture(id, *layer),
            op => {
                let inputs: Vec<_> = node.inputs.iter().map(|&x| self.stored(x)).collect();
                let y = self.value(id);
                let step = Simple::of(op, &inputs, y, id.0).unwrap_or_else(|| unreachable!("the other operators stand above"));
                self.steps.push(Step::Simple(step));
                y
            }
        };
        Output::Stored(y)
    }

    /// An input: packed into blocks of channels, or, where only dense convolutions read its few channels, as it comes.
    fn input(&mut self, id: NodeId, inputs: &mut Vec<ValueId>) -> ValueId {
        let (graph, y) = (self.graph, self.value(id));
        let read_in_place = |r: &NodeId| matches!(&graph.node(*r).op, Op::Conv(c) if c.groups == 1);
        if graph.node(id).shape.c < LANES && !self.is_output[id.0] && self.readers[id.0].iter().all(read_in_place) {
            self.values[y].planar = true;
        } else {
            self.steps.push(Step::Pack { input: inputs.len(), y });
        }
        inputs.push(y);
        y
    }

    fn conv(&mut self, id: NodeId, conv: &Conv) -> ValueId {
        let node = self.graph.node(id);
        let (x, y) = (self.stored(node.inputs[0]), self.value(id));
        let (weight, bias) = (self.weight(id, ParamKind::ConvWeight), self.range(id, ParamKind::Bias));
        let convolution = Convolution { x, y, conv: *conv, weight, bias };
        self.steps.push(if conv.is_depthwise() {
            Step::Depthwise(convolution)
        } else {
            assert_eq!(conv.groups, 1, "{}: only dense and depthwise convolutions are planned", node.name);
            Step::Conv(convolution)
        });
        y
    }

    /// The same numbers as a convolution whose kernel covers the whole map.
    fn linear(&mut self, id: NodeId, c_out: usize) -> ValueId {
        let node = self.graph.node(id);
        let (x, y) = (self.stored(node.inputs[0]), self.value(id));
        let from = self.values[x].shape;
        assert_eq!(from.h, from.w, "{}: only square maps are flattened", node.name);
        let (weight, bias) = (self.weight(id, ParamKind::LinearWeight), self.range(id, ParamKind::Bias));
        let conv = Conv::dense(from.c, c_out, from.h).with_bias();
        self.steps.push(Step::Conv(Convolution { x, y, conv, weight, bias }));
        y
    }

    /// Values side by side: terms of the mixture that alone reads them, where they are whole blocks.
    fn concat(&mut self, id: NodeId) -> Output {
        let parts: Vec<_> = self.graph.node(id).inputs.iter().map(|&x| self.stored(x)).collect();
        let whole_blocks = parts.iter().all(|&v| self.values[v].shape.c.is_multiple_of(LANES));
        if whole_blocks && self.feeds_only_a_mixture(id) {
            let mut offset = 0;
            let place = |v: ValueId| {
                offset += self.values[v].blocks();
                (v, offset - self.values[v].blocks())
            };
            return Output::Terms(parts.into_iter().map(place).collect());
        }
        let y = self.value(id);
        self.steps.push(Step::Concat { parts, y });
        Output::Stored(y)
    }

    /// A layer's candidates, weighed: a value that several of them have is one term.
    fn mixture(&mut self, id: NodeId, layer: usize) -> ValueId {
        let mut terms: Vec<Term> = Vec::new();
        for (k, input) in self.graph.node(id).inputs.iter().enumerate() {
            let parts = match &self.outputs[input.0] {
                Output::Stored(v) => vec![(*v, 0)],
                Output::Terms(parts) => parts.clone(),
            };
            for (value, offset) in parts {
                match terms.iter_mut().find(|t| t.value == value && t.offset == offset) {
                    Some(term) => term.candidates.push(k),
                    None => terms.push(Term { value, offset, candidates: vec![k] }),
                }
            }
        }
        let y = self.value(id);
        self.steps.push(Step::Mixture { layer, terms, y });
        y
    }
}
