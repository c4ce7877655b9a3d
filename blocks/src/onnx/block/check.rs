//! What no block may hold: what engines do not share, what is not inference, and values that nothing gives.

use std::collections::BTreeSet;

use super::constants;
use super::fault::BlockFault;
use crate::onnx::schema::{Attribute, Graph, Model, Node, OperatorSet, Tensor};

/// Names of the standard operator set.
const STANDARD: [&str; 2] = ["", "ai.onnx"];

/// The version of the standard operators.
pub fn opset(imports: &[OperatorSet]) -> Option<i64> {
    imports.iter().find(|set| STANDARD.contains(&set.domain())).map(OperatorSet::version)
}

/// Everything that is wrong with a file, except for its ports.
pub fn faults(model: &Model) -> Vec<BlockFault> {
    let mut faults = Vec::new();
    if !model.functions.is_empty() {
        faults.push(BlockFault::Functions);
    }
    if opset(&model.opset_import).is_none() {
        faults.push(BlockFault::NoOpset);
    }
    let Some(graph) = &model.graph else { return faults };
    let found = |test: fn(&Node) -> Option<&str>| graph.node.iter().filter_map(test).collect::<BTreeSet<_>>();
    // Operators that the file gives itself have a name of their own, which is no fault of its own.
    if model.functions.is_empty() {
        faults.extend(found(foreign).into_iter().map(|name| BlockFault::Domain(name.to_string())));
    }
    faults.extend(found(control_flow).into_iter().map(|name| BlockFault::ControlFlow(name.to_string())));
    faults.extend(found(quantised).into_iter().map(|name| BlockFault::Quantised(name.to_string())));
    let sparse = |a: &Attribute| a.sparse_tensor.is_some() || !a.sparse_tensors.is_empty();
    if !graph.sparse_initializer.is_empty() || graph.node.iter().any(|node| node.attribute.iter().any(sparse)) {
        faults.push(BlockFault::Sparse);
    }
    faults.extend(misfit(graph));
    let training = training(graph);
    if !training.is_empty() {
        faults.push(BlockFault::Training(training));
    }
    faults.extend(values(graph));
    faults
}

fn foreign(node: &Node) -> Option<&str> {
    Some(node.domain()).filter(|domain| !STANDARD.contains(domain))
}

fn control_flow(node: &Node) -> Option<&str> {
    let runs_others = node.attribute.iter().any(|a| a.g.is_some() || !a.graphs.is_empty());
    (runs_others || ["If", "Loop", "Scan"].contains(&node.op_type())).then(|| node.op_type())
}

fn quantised(node: &Node) -> Option<&str> {
    let name = node.op_type();
    let is_quantised = ["QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "ConvInteger", "MatMulInteger"];
    (is_quantised.contains(&name) || name.starts_with("QLinear")).then_some(name)
}

/// The first constant whose values do not fit its shape. One is enough to know what kind of file it is.
fn misfit(graph: &Graph) -> Option<BlockFault> {
    let settings = graph.node.iter().flat_map(|node| &node.attribute);
    let given = settings.flat_map(|a| a.t.as_deref().into_iter().chain(&a.tensors));
    let tensor = graph.initializer.iter().chain(given).find(|tensor| !constants::fits(tensor))?;
    let shape = tensor.dims.iter().map(i64::to_string).collect::<Vec<_>>().join("x");
    Some(BlockFault::Values { name: tensor.name().to_string(), shape })
}

/// The operations that compute as in training, in words.
fn training(graph: &Graph) -> Vec<String> {
    let norm = |node: &&Node| {
        let mode = node.attribute.iter().find(|a| a.name() == "training_mode").map(Attribute::i);
        node.op_type() == "BatchNormalization"
            && (mode == Some(1) || node.output.iter().filter(|name| !name.is_empty()).count() > 1)
    };
    // Without this input, or with a constant of no here, it lets everything through.
    let no = constants_of_no(graph);
    let dropout = |node: &&Node| {
        node.op_type() == "Dropout" && node.input.get(2).is_some_and(|name| !name.is_empty() && !no.contains(name.as_str()))
    };
    let mut words = Vec::new();
    if graph.node.iter().any(|node| norm(&node)) {
        words.push("BatchNormalization, training_mode 1".to_string());
    }
    if graph.node.iter().any(|node| dropout(&node)) {
        words.push("Dropout".to_string());
    }
    words
}

/// Names of constants that hold nothing but zeros.
fn constants_of_no(graph: &Graph) -> BTreeSet<&str> {
    let is_no = |t: &Tensor| t.raw_data().iter().all(|&byte| byte == 0) && t.int32_data.iter().all(|&value| value == 0);
    let listed = graph.initializer.iter().filter(|t| is_no(t)).map(|t| t.name());
    let given = graph.node.iter().filter(|node| node.op_type() == "Constant");
    let given = given.filter(|node| node.attribute.iter().any(|a| a.t.as_deref().is_some_and(is_no)));
    listed.chain(given.filter_map(|node| node.output.first().map(String::as_str))).collect()
}

/// Values that are read before they are given, or given twice: with one order of execution, a circle is one, too.
fn values(graph: &Graph) -> Vec<BlockFault> {
    let mut faults = Vec::new();
    let mut known: BTreeSet<&str> = graph.initializer.iter().map(|tensor| tensor.name()).collect();
    if known.len() < graph.initializer.len() {
        faults.push(BlockFault::Twice("of a constant".to_string()));
    }
    // Old files list the constants among the inputs as well.
    let inputs = graph.input.iter().map(|info| info.name()).filter(|name| !known.contains(name)).collect::<Vec<_>>();
    for name in inputs {
        if !known.insert(name) {
            faults.push(BlockFault::Twice(name.to_string()));
        }
    }
    for node in &graph.node {
        if let Some(value) = node.input.iter().find(|name| !name.is_empty() && !known.contains(name.as_str())) {
            faults.push(BlockFault::Unknown { reader: reader(node).to_string(), value: value.clone() });
        }
        for name in node.output.iter().filter(|name| !name.is_empty()) {
            if !known.insert(name) {
                faults.push(BlockFault::Twice(name.clone()));
            }
        }
    }
    let unknown = graph.output.iter().map(|info| info.name()).filter(|name| !known.contains(name));
    faults.extend(unknown.map(|name| BlockFault::Unknown { reader: "the output".to_string(), value: name.to_string() }));
    // One is enough to know what kind of file it is.
    faults.truncate(1);
    faults
}

fn reader(node: &Node) -> &str {
    if node.name().is_empty() { node.op_type() } else { node.name() }
}
