//! Blocks joined into one network by renaming: nothing is added, nothing is left out, so that an engine sees what it would see of the
//! network exported whole.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;

use super::block::{Block, Port, ports};
use super::schema::{Graph, Model, Node, OperatorSet};

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Source {
    /// An input of the network, by its place.
    Input(usize),
    /// An output of a slot before.
    Slot {
        /// Which slot.
        slot: usize,
        /// Which of its outputs.
        output: usize,
    },
}

impl Source {
    /// As it stands in the text that a folder's hash is taken of.
    pub fn hashed(self) -> String {
        match self {
            Self::Input(input) => format!("Input({input})"),
            Self::Slot { slot, output } => format!("Piece {{ piece: {slot}, output: {output} }}"),
        }
    }
}

/// A block in its slot.
#[derive(Clone, Debug)]
pub struct WiredBlock<'a> {
    /// The block; none where nothing stands, and its only input is its output.
    pub block: Option<&'a Block>,
    /// Sources of its inputs, in the order of the block's.
    pub sources: Vec<Source>,
}

/// Blocks, and how they are wired.
#[derive(Clone, Debug)]
pub struct Wiring<'a> {
    /// The network's name.
    pub name: String,
    /// Its inputs.
    pub inputs: Vec<Port>,
    /// Its slots, in execution order.
    pub slots: Vec<WiredBlock<'a>>,
    /// Its outputs.
    pub outputs: Vec<(Port, Source)>,
}

impl Wiring<'_> {
    /// The network as an ONNX file: the same bytes each time. A block that stands in two places is there twice, with weights of its own in
    /// each, as in an app's network. What the inside of a block calls its values begins with `s` and the slot's number.
    ///
    /// Sources must be of slots before, and there must be as many as the block has inputs.
    pub fn file(&self) -> Vec<u8> {
        let mut graph = Graph { name: Some(self.name.clone()), ..Default::default() };
        let mut values: Vec<Vec<String>> = Vec::new();
        for (i, slot) in self.slots.iter().enumerate() {
            let sources: Vec<String> = slot.sources.iter().map(|&source| self.value(&values, source)).collect();
            let outputs = slot.block.map_or_else(|| sources.clone(), |block| append(&mut graph, i, block, &sources));
            values.push(outputs);
        }
        self.name_outputs(&mut graph, &values);
        graph.input = ports::infos(&self.inputs);
        graph.output = self.outputs.iter().map(|(port, _)| ports::info(&port.name, &port.dims)).collect();
        let blocks = || self.slots.iter().filter_map(|slot| slot.block);
        let opset = OperatorSet { domain: Some(String::new()), version: blocks().map(|block| block.opset).max() };
        let ir_version = blocks().map(|block| block.ir_version).max();
        Model { ir_version, opset_import: vec![opset], graph: Some(graph), ..Default::default() }.encode_to_vec()
    }

    /// What a source is called.
    fn value(&self, values: &[Vec<String>], source: Source) -> String {
        match source {
            Source::Input(i) => self.inputs[i].name.clone(),
            Source::Slot { slot, output } => values[slot][output].clone(),
        }
    }

    /// Gives the values that leave the network the outputs' names.
    fn name_outputs(&self, graph: &mut Graph, values: &[Vec<String>]) {
        let inputs: BTreeSet<&str> = self.inputs.iter().map(|port| port.name.as_str()).collect();
        let mut renamed = BTreeMap::new();
        let mut copies = Vec::new();
        for (port, source) in &self.outputs {
            let value = self.value(values, *source);
            // A value has one name: where it leaves twice, or is an input, it is copied.
            if inputs.contains(value.as_str()) || renamed.contains_key(&value) {
                copies.push(Node {
                    input: vec![value],
                    output: vec![port.name.clone()],
                    op_type: Some("Identity".to_string()),
                    ..Default::default()
                });
            } else {
                renamed.insert(value, port.name.clone());
            }
        }
        graph.node.extend(copies);
        let names = graph.node.iter_mut().flat_map(|node| node.input.iter_mut().chain(&mut node.output));
        for name in names.chain(graph.initializer.iter_mut().filter_map(|tensor| tensor.name.as_mut())) {
            if let Some(new) = renamed.get(name) {
                name.clone_from(new);
            }
        }
    }
}

/// Appends a block whose inputs are called as given, and says what its outputs are called.
fn append(graph: &mut Graph, place: usize, block: &Block, sources: &[String]) -> Vec<String> {
    let wired: BTreeMap<&str, &String> =
        std::iter::zip(&block.inputs, sources).map(|(port, name)| (port.name.as_str(), name)).collect();
    let rename = |name: &str| match wired.get(name) {
        Some(&source) => source.clone(),
        None if name.is_empty() => String::new(),
        None => format!("s{place}/{name}"),
    };
    for tensor in &block.graph.initializer {
        let mut tensor = tensor.clone();
        tensor.name = Some(rename(tensor.name()));
        graph.initializer.push(tensor);
    }
    for node in &block.graph.node {
        let mut node = node.clone();
        node.input.iter_mut().chain(&mut node.output).for_each(|name| *name = rename(name));
        node.name = node.name.as_ref().map(|name| format!("s{place}/{name}"));
        graph.node.push(node);
    }
    block.outputs.iter().map(|port| rename(&port.name)).collect()
}
