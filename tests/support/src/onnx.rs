//! ONNX files as other programs write them, made by hand, a field at a time: what this project's own writer never makes.

use std::path::Path;

/// A number of protobuf.
fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field that holds a number.
pub fn number(field: u64, value: i64) -> Vec<u8> {
    [varint(field << 3), varint(value as u64)].concat()
}

/// A field that holds bytes, a text or a message.
pub fn bytes(field: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [&varint(field << 3 | 2)[..], &varint(content.len() as u64), content].concat()
}

/// Numbers of element types.
pub mod element {
    #![allow(missing_docs)]
    pub const FLOAT32: i64 = 1;
    pub const UINT8: i64 = 2;
    pub const INT8: i64 = 3;
    pub const INT32: i64 = 6;
    pub const INT64: i64 = 7;
    pub const STRING: i64 = 8;
    pub const BOOL: i64 = 9;
    pub const FLOAT16: i64 = 10;
    pub const FLOAT64: i64 = 11;
}

/// An input or output; dimensions are separated by commas, names are open ones: `batch,3,112,112`.
pub fn port(name: &str, element: i64, dims: &str) -> Vec<u8> {
    let dim = |dim: &str| bytes(1, dim.parse().map_or_else(|_| bytes(2, dim), |size| number(1, size)));
    let shape: Vec<u8> = dims.split(',').filter(|d| !d.is_empty()).flat_map(dim).collect();
    let tensor = [number(1, element), bytes(2, shape)].concat();
    [bytes(1, name), bytes(2, bytes(1, tensor))].concat()
}

/// An operation.
pub fn node(operator: &str, inputs: &[&str], outputs: &[&str], attributes: &[Vec<u8>]) -> Vec<u8> {
    let names = |field, names: &[&str]| names.iter().flat_map(|name| bytes(field, name)).collect::<Vec<u8>>();
    let attributes = attributes.iter().flat_map(|attribute| bytes(5, attribute));
    [names(1, inputs), names(2, outputs), bytes(4, operator), attributes.collect()].concat()
}

/// A setting that is a whole number.
pub fn int(name: &str, value: i64) -> Vec<u8> {
    [bytes(1, name), number(3, value), number(20, 2)].concat()
}

/// A setting that is several whole numbers.
pub fn list(name: &str, values: &[i64]) -> Vec<u8> {
    let values = values.iter().flat_map(|&value| number(8, value));
    [bytes(1, name), values.collect(), number(20, 7)].concat()
}

fn tensor(name: &str, element: i64, dims: &[i64]) -> Vec<u8> {
    let dims = dims.iter().flat_map(|&d| number(1, d));
    [dims.collect(), number(2, element), bytes(8, name)].concat()
}

/// A constant of float32.
pub fn floats(name: &str, dims: &[i64], values: &[f32]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    [tensor(name, element::FLOAT32, dims), bytes(9, raw)].concat()
}

/// A constant of int64.
pub fn ints(name: &str, dims: &[i64], values: &[i64]) -> Vec<u8> {
    let raw: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
    [tensor(name, element::INT64, dims), bytes(9, raw)].concat()
}

/// A constant of float32 whose values lie in another file, with these notes on where: `location`, `offset`, `length`.
pub fn beside(name: &str, dims: &[i64], notes: &[(&str, &str)]) -> Vec<u8> {
    let notes = notes.iter().flat_map(|(key, value)| bytes(13, [bytes(1, key), bytes(2, value)].concat()));
    [tensor(name, element::FLOAT32, dims), notes.collect(), number(14, 1)].concat()
}

/// A file of operator set 13.
pub fn model(nodes: &[Vec<u8>], constants: &[Vec<u8>], inputs: &[Vec<u8>], outputs: &[Vec<u8>]) -> Vec<u8> {
    let all = |field, parts: &[Vec<u8>]| parts.iter().flat_map(|part| bytes(field, part)).collect::<Vec<u8>>();
    let graph = [all(1, nodes), bytes(2, "made"), all(5, constants), all(11, inputs), all(12, outputs)].concat();
    [number(1, 8), bytes(2, "by hand"), bytes(7, graph), bytes(8, number(2, 13))].concat()
}

/// A network of `n` values for each picture `[batch, 3, side, side]`: their mean over each colour, times weights, plus a bias, given as
/// constants called `weight` `[3, n]` and `bias` `[n]`.
pub fn means(batch: &str, side: usize, n: usize, weight: Vec<u8>, bias: Vec<u8>) -> Vec<u8> {
    let nodes = [
        node("GlobalAveragePool", &["input"], &["pooled"], &[]),
        node("Flatten", &["pooled"], &["flat"], &[int("axis", 1)]),
        node("Gemm", &["flat", "weight", "bias"], &["landmarks"], &[]),
    ];
    let input = port("input", element::FLOAT32, &format!("{batch},3,{side},{side}"));
    model(&nodes, &[weight, bias], &[input], &[port("landmarks", element::FLOAT32, &format!("{batch},{n}"))])
}

/// A block that multiplies a map of 4×8×8 by a constant and then does one operation.
pub fn block(operator: &str, settings: &[Vec<u8>], constant: f32) -> Vec<u8> {
    let nodes = [node("Mul", &["x", "w"], &["m"], &[]), node(operator, &["m"], &["y"], settings)];
    let map = |name| port(name, element::FLOAT32, "1,4,8,8");
    model(&nodes, &[floats("w", &[1], &[constant])], &[map("x")], &[map("y")])
}

/// Writes a space of one layer, 'L1', of such blocks: each with its name, its file's name and its file's contents.
///
/// # Panics
/// The folder cannot be written to.
pub fn write_layer(folder: &Path, blocks: &[(&str, &str, Vec<u8>)]) {
    let mut text = "format = \"blocktime-space\"\nschema = 1\nkind = \"onnx\"\nname = \"own\"\ninput = [4, 8, 8]\n".to_string();
    text += "[[slot]]\nname = \"L1\"\ncandidates = [\n";
    for (name, file, contents) in blocks {
        std::fs::write(folder.join(file), contents).expect("a file");
        text += &format!("    {{ name = \"{name}\", file = \"{file}\" }},\n");
    }
    std::fs::write(folder.join("space.toml"), text + "]\n").expect("a file");
}
