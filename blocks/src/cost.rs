//! Multiply-adds and parameter counts, from the graph.

use crate::graph::{Graph, Op};

impl Graph {
    /// Multiply-accumulate operations of convolutions and fully connected layers for one image, biases not counted: what
    /// NNI's `FLOPs` counter reports.
    pub fn macs(&self) -> u64 {
        let macs = |node: &crate::Node| -> u64 {
            let outputs = node.shape.volume() as u64;
            match &node.op {
                Op::Conv(c) => outputs * (c.c_in / c.groups * c.kernel * c.kernel) as u64,
                Op::Linear { .. } => outputs * self.node(node.inputs[0]).shape.volume() as u64,
                _ => 0,
            }
        };
        self.nodes().iter().map(macs).sum()
    }

    /// Trained parameters; running statistics are not counted.
    pub fn parameter_count(&self) -> usize {
        self.params().iter().filter(|p| p.kind.is_trained()).map(|p| p.len()).sum()
    }
}
