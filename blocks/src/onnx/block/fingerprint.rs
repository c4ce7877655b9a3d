//! What makes two files the same block: all that decides on its time. Names and weights' values do not count, everything else does. The
//! factors of a `Resize` are float32 as weights are, but decide on shapes, and count.
//!
//! The Python package computes the same when it writes a space, so its text is that of Python's lists.

use std::borrow::Cow;
use std::collections::BTreeMap;

use files::hex;
use prost::Message;

use crate::onnx::proto::element;
use crate::onnx::schema::{Attribute, Graph, Model, Node, Tensor};

/// Longest text that is hashed, in bytes: a constant stands in it wherever it is read.
const TEXT_LIMIT: usize = 64 << 20;

/// Operators whose float32 inputs behind the first decide on shapes.
const RESIZING: [&str; 2] = ["Resize", "Upsample"];

/// Most values of such an input: two a dimension.
const FACTORS: u64 = 16;

/// SHA-256, in hex, of a file's operators, shapes and wiring; none where that takes a text of more than 64 MiB.
pub fn fingerprint(model: &Model) -> Option<String> {
    let mut sets: Vec<_> = model.opset_import.iter().map(|set| (set.domain(), set.version())).collect();
    sets.sort_unstable();
    let mut lines = vec![format!("opset {}", list(sets.iter().map(|(domain, version)| format!("('{domain}', {version})"))))];
    let mut names = Names { constants: BTreeMap::new(), factors: BTreeMap::new(), numbers: BTreeMap::new(), left: TEXT_LIMIT };
    let nothing = Graph::default();
    let graph = model.graph.as_ref().unwrap_or(&nothing);
    for tensor in &graph.initializer {
        names.constant(tensor.name(), tensor);
    }
    for port in &graph.input {
        let r#type = port.r#type.as_ref().map(Message::encode_to_vec).unwrap_or_default();
        lines.push(format!("in {} {}", names.of(port.name()), hex(&r#type)));
    }
    for node in &graph.node {
        lines.extend(names.line(node));
    }
    lines.extend(graph.output.iter().map(|port| format!("out {}", names.of(port.name()))));
    (names.left > 0).then(|| files::sha256(lines.join("\n")))
}

/// What values are called in the text: constants by what they are, others by numbers in order of appearance.
struct Names<'a> {
    constants: BTreeMap<&'a str, String>,
    /// Constants that would be weights, but may be the factors of a `Resize`: the same with their bytes.
    factors: BTreeMap<&'a str, String>,
    numbers: BTreeMap<&'a str, usize>,
    /// How much longer the text may become; once it is 0, no text counts any more.
    left: usize,
}

impl<'a> Names<'a> {
    /// Takes from what is left of the text; whether anything still is.
    fn take(&mut self, length: usize) -> bool {
        self.left = self.left.saturating_sub(length);
        self.left > 0
    }

    fn constant(&mut self, name: &'a str, tensor: &Tensor) {
        if self.take(content(tensor).map_or(0, |bytes| 2 * bytes.len())) {
            self.constants.insert(name, constant(tensor));
        }
        if is_weight(tensor) && element::values(&tensor.dims).is_some_and(|values| values <= FACTORS) {
            self.factors.insert(name, constant(tensor) + &hex(&bytes(tensor)));
        }
    }

    /// An input of an operation: its place is counted from 0.
    fn input(&mut self, node: &Node, place: usize, name: &'a str) -> String {
        if place > 0
            && RESIZING.contains(&node.op_type())
            && let Some(factors) = self.factors.get(name).cloned()
        {
            self.take(factors.len());
            return factors;
        }
        self.of(name)
    }

    fn of(&mut self, name: &'a str) -> String {
        if let Some(length) = self.constants.get(name).map(String::len) {
            return if self.take(length) { self.constants[name].clone() } else { String::new() };
        }
        if name.is_empty() {
            return "-".to_string();
        }
        let next = self.numbers.len() + 1;
        format!("v{}", self.numbers.entry(name).or_insert(next))
    }

    /// An operation's line; none for one that is a constant, or a constant's copy.
    fn line(&mut self, node: &'a Node) -> Option<String> {
        let output = node.output.first().map_or("", String::as_str);
        if let ([Attribute { t: Some(value), name: Some(name), .. }], "Constant") = (&node.attribute[..], node.op_type())
            && name == "value"
        {
            self.constant(output, value);
            return None;
        }
        if node.op_type() == "Identity"
            && let Some(constant) = node.input.first().and_then(|name| self.constants.get(name.as_str()))
        {
            let (constant, length) = (constant.clone(), constant.len());
            if self.take(length) {
                self.constants.insert(output, constant);
            }
            if let Some(factors) = node.input.first().and_then(|name| self.factors.get(name.as_str())).cloned() {
                self.factors.insert(output, factors);
            }
            return None;
        }
        let mut attributes: Vec<String> = node.attribute.iter().map(|a| hex(&a.encode_to_vec())).collect();
        attributes.sort_unstable();
        let quoted = |text: String| format!("'{text}'");
        let inputs = node.input.iter().enumerate().map(|(place, name)| quoted(self.input(node, place, name)));
        let inputs = list(inputs.collect::<Vec<_>>());
        let outputs = list(node.output.iter().map(|name| quoted(self.of(name))).collect::<Vec<_>>());
        let attributes = list(attributes.into_iter().map(quoted));
        Some(format!("{}:{} {inputs} {attributes} {outputs}", node.domain(), node.op_type()))
    }
}

/// A constant's type and shape, and its bytes unless they are weights.
fn constant(tensor: &Tensor) -> String {
    let content = content(tensor).as_deref().map(hex).unwrap_or_default();
    format!("c{}{}{content}", tensor.data_type(), list(tensor.dims.iter().map(i64::to_string)))
}

/// The bytes of a constant that count; none of weights: float32 of more than one value.
fn content(tensor: &Tensor) -> Option<Cow<'_, [u8]>> {
    (!is_weight(tensor)).then(|| bytes(tensor))
}

/// Whether a constant may be a weight: float32, more than one value.
fn is_weight(tensor: &Tensor) -> bool {
    tensor.data_type() == element::FLOAT && element::values(&tensor.dims).is_none_or(|values| values > 1)
}

/// A tensor's values, row-major, little-endian, each in as many bytes as its type has.
fn bytes(tensor: &Tensor) -> Cow<'_, [u8]> {
    if let Some(raw) = &tensor.raw_data {
        return Cow::Borrowed(raw);
    }
    let size = element::bits(tensor.data_type()).map_or(8, |bits| bits.div_ceil(8) as usize);
    let ints = tensor.int32_data.iter().flat_map(|v| v.to_le_bytes().into_iter().take(size));
    let unsigned = tensor.uint64_data.iter().flat_map(|v| v.to_le_bytes().into_iter().take(size));
    let floats = tensor.float_data.iter().flat_map(|v| v.to_le_bytes());
    let wide = tensor.int64_data.iter().flat_map(|v| v.to_le_bytes());
    let doubles = tensor.double_data.iter().flat_map(|v| v.to_le_bytes());
    let texts = tensor.string_data.iter().flat_map(|text| [text.as_slice(), b"\0"].concat());
    Cow::Owned(floats.chain(ints).chain(wide).chain(doubles).chain(unsigned).chain(texts).collect())
}

fn list(items: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", items.into_iter().collect::<Vec<_>>().join(", "))
}
