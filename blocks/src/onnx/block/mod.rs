//! A block: a piece of a network that is measured alone and joined with others, read from an ONNX file of other people's.
//!
//! | module | what it holds |
//! |---|---|
//! | `check` | what no block may hold |
//! | `constants` | constants in one form, and blocks that do nothing |
//! | [`fault`] | what may be wrong with a file |
//! | [`mod@fingerprint`] | what makes two files the same block |
//! | `ports` | inputs and outputs |

mod check;
mod constants;
pub mod fault;
pub mod fingerprint;
pub(super) mod ports;

use prost::Message;

use super::error::InspectError;
use super::schema;
use super::size;
pub use fault::{BlockFault, PART_LIMIT, Side};
pub use fingerprint::fingerprint;
pub use ports::Port;

/// A block as it is measured and joined: no notes, no open dimensions, all constants in one list.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    /// Version of the file format.
    pub ir_version: i64,
    /// Version of the standard operators.
    pub opset: i64,
    /// Inputs, in the file's order.
    pub inputs: Vec<Port>,
    /// Outputs, in the file's order.
    pub outputs: Vec<Port>,
    /// What it computes.
    pub graph: schema::Graph,
    /// Equal for two files only if they are the same block except for their weights' values.
    pub fingerprint: String,
    /// Whether its output is its input.
    pub does_nothing: bool,
}

impl Block {
    /// Reads a file that holds its weights.
    ///
    /// # Errors
    /// All faults at once.
    pub fn read(bytes: &[u8]) -> Result<Self, Vec<BlockFault>> {
        let model = decode(bytes).map_err(|fault| vec![fault])?;
        let mut faults = check::faults(&model);
        let fingerprint = fingerprint(&model).unwrap_or_else(|| {
            faults.push(BlockFault::Constants);
            String::new()
        });
        let schema::Model { ir_version, opset_import, graph, .. } = model;
        let mut graph = graph.unwrap_or_default();
        constants::drop_as_inputs(&mut graph);
        let inputs = ports::read(&graph.input, Side::Input, &mut faults);
        let outputs = ports::read(&graph.output, Side::Output, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        constants::settle(&mut graph);
        without_notes(&mut graph);
        (graph.input, graph.output) = (ports::infos(&inputs), ports::infos(&outputs));
        Ok(Self {
            ir_version: ir_version.unwrap_or_default(),
            opset: check::opset(&opset_import).unwrap_or_default(),
            does_nothing: constants::does_nothing(&graph),
            inputs,
            outputs,
            graph,
            fingerprint,
        })
    }

    /// Refuses a file that would take far more memory than its length.
    ///
    /// # Errors
    /// [`BlockFault::TooManyParts`], or [`BlockFault::Damaged`] where it is no protobuf.
    pub fn check_size(bytes: &[u8]) -> Result<(), BlockFault> {
        size::check(bytes, PART_LIMIT).map_err(|e| match e {
            InspectError::TooManyParts => BlockFault::TooManyParts,
            InspectError::Decode(reason) => BlockFault::Damaged(reason),
            other => BlockFault::Damaged(other.to_string()),
        })
    }

    /// The block alone as a file.
    pub fn file(&self) -> Vec<u8> {
        schema::Model {
            ir_version: Some(self.ir_version),
            opset_import: vec![schema::OperatorSet { domain: Some(String::new()), version: Some(self.opset) }],
            graph: Some(self.graph.clone()),
            ..Default::default()
        }
        .encode_to_vec()
    }

    /// Multiply-adds for one image; none where a shape cannot be followed that far.
    pub fn macs(&self) -> Option<u64> {
        super::inspect(&self.file()).ok()?.macs
    }

    /// How many values its constants of floats have.
    pub fn parameters(&self) -> u64 {
        let floats = self.graph.initializer.iter().filter(|tensor| tensor.data_type() == super::proto::element::FLOAT);
        floats.filter_map(|tensor| super::proto::element::values(&tensor.dims)).sum()
    }

    /// Whether it has one of these operators.
    pub fn has(&self, operators: &[&str]) -> bool {
        self.graph.node.iter().any(|node| operators.contains(&node.op_type()))
    }
}

/// The file's content.
fn decode(bytes: &[u8]) -> Result<schema::Model, BlockFault> {
    Block::check_size(bytes)?;
    let damaged = |reason: String| BlockFault::Damaged(reason);
    let model = schema::Model::decode(bytes).map_err(|e| damaged(e.to_string()))?;
    if model.graph.as_ref().is_none_or(|graph| graph.input.is_empty() && graph.node.is_empty()) {
        return Err(damaged("it does not contain a graph".to_string()));
    }
    Ok(model)
}

/// Drops what computes nothing: texts, paths of the writer's sources, and shapes of inner values.
fn without_notes(graph: &mut schema::Graph) {
    graph.doc_string = None;
    graph.value_info.clear();
    graph.metadata_props.clear();
    for node in &mut graph.node {
        node.doc_string = None;
        node.metadata_props.clear();
        node.device_configurations.clear();
    }
    for tensor in &mut graph.initializer {
        tensor.doc_string = None;
        tensor.metadata_props.clear();
    }
}
