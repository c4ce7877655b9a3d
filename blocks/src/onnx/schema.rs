//! All of ONNX's protobuf schema: what is decoded and encoded again is the same file.
//!
//! Field numbers are those of <https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3>. Writers of ONNX use the older form of that file, in
//! which a field that is set to zero is not one that is missing, and lists of an operation's numbers are not packed. It is kept here, so
//! that nothing changes: `packed` and `optional` are as they have them.
//!
//! [`super::proto`] is the part of it that this project's own files need.

pub use super::proto::DimensionValue;

/// A whole file.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Model {
    /// Version of the file format itself.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// Program that wrote it.
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    /// Version of that program.
    #[prost(string, optional, tag = "3")]
    pub producer_version: Option<String>,
    /// Namespace of its author.
    #[prost(string, optional, tag = "4")]
    pub domain: Option<String>,
    /// Version of the model.
    #[prost(int64, optional, tag = "5")]
    pub model_version: Option<i64>,
    /// For people.
    #[prost(string, optional, tag = "6")]
    pub doc_string: Option<String>,
    /// What it computes.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// Versions of the operator sets it uses.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// Free notes.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
    /// How it is trained.
    #[prost(message, repeated, tag = "20")]
    pub training_info: Vec<Training>,
    /// Operators of its own.
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<Function>,
    /// Devices that it may be spread over.
    #[prost(message, repeated, tag = "26")]
    pub configuration: Vec<DeviceConfiguration>,
}

/// Devices that a model may be spread over.
#[derive(Clone, PartialEq, prost::Message)]
pub struct DeviceConfiguration {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// How many.
    #[prost(int32, optional, tag = "2")]
    pub num_devices: Option<i32>,
    /// Their names.
    #[prost(string, repeated, tag = "3")]
    pub device: Vec<String>,
}

/// A set of operators and its version; the standard one has an empty domain.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OperatorSet {
    /// Whose operators.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// Which version.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// A key and a value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Entry {
    /// The key.
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    /// The value.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// How a model is trained.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Training {
    /// Computes the first values.
    #[prost(message, optional, tag = "1")]
    pub initialization: Option<Graph>,
    /// A step.
    #[prost(message, optional, tag = "2")]
    pub algorithm: Option<Graph>,
    /// Which results become which constants at first.
    #[prost(message, repeated, tag = "3")]
    pub initialization_binding: Vec<Entry>,
    /// Which results become which constants after a step.
    #[prost(message, repeated, tag = "4")]
    pub update_binding: Vec<Entry>,
}

/// Nodes, constants, inputs and outputs.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Graph {
    /// Operations, in execution order.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// Its name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// Constants.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// For people.
    #[prost(string, optional, tag = "10")]
    pub doc_string: Option<String>,
    /// Inputs; older files list the constants here as well.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// Outputs.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
    /// Types of values in between, where the writer states them.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfo>,
    /// Scales and zero points of values.
    #[prost(message, repeated, tag = "14")]
    pub quantization_annotation: Vec<Annotation>,
    /// Constants that are mostly zeros.
    #[prost(message, repeated, tag = "15")]
    pub sparse_initializer: Vec<SparseTensor>,
    /// Free notes.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<Entry>,
}

/// Scale and zero point of a value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Annotation {
    /// The value.
    #[prost(string, optional, tag = "1")]
    pub tensor_name: Option<String>,
    /// Names of the constants that hold them.
    #[prost(message, repeated, tag = "2")]
    pub quant_parameter_tensor_names: Vec<Entry>,
}

/// One operation.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Node {
    /// Names of its inputs; an empty one is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of its outputs.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its name, for people.
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    /// Which operator.
    #[prost(string, optional, tag = "4")]
    pub op_type: Option<String>,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// For people.
    #[prost(string, optional, tag = "6")]
    pub doc_string: Option<String>,
    /// Whose operator; empty for the standard set.
    #[prost(string, optional, tag = "7")]
    pub domain: Option<String>,
    /// Which of several functions of one name.
    #[prost(string, optional, tag = "8")]
    pub overload: Option<String>,
    /// Free notes.
    #[prost(message, repeated, tag = "9")]
    pub metadata_props: Vec<Entry>,
    /// How it is spread over devices.
    #[prost(message, repeated, tag = "10")]
    pub device_configurations: Vec<NodeConfiguration>,
}

/// How an operation is spread over devices.
#[derive(Clone, PartialEq, prost::Message)]
pub struct NodeConfiguration {
    /// Which of the model's configurations.
    #[prost(string, optional, tag = "1")]
    pub configuration_id: Option<String>,
    /// How its tensors are divided.
    #[prost(message, repeated, tag = "2")]
    pub sharding_spec: Vec<Sharding>,
    /// Its place in a pipeline.
    #[prost(int32, optional, tag = "3")]
    pub pipeline_stage: Option<i32>,
}

/// How a tensor is divided over devices.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Sharding {
    /// Which.
    #[prost(string, optional, tag = "1")]
    pub tensor_name: Option<String>,
    /// The devices.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub device: Vec<i64>,
    /// Groups of devices.
    #[prost(message, repeated, tag = "3")]
    pub index_to_device_group_map: Vec<Group>,
    /// Which dimensions.
    #[prost(message, repeated, tag = "4")]
    pub sharded_dim: Vec<ShardedDim>,
}

/// A group of devices.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Group {
    /// Its number.
    #[prost(int64, optional, tag = "1")]
    pub key: Option<i64>,
    /// The devices.
    #[prost(int64, repeated, packed = "false", tag = "2")]
    pub value: Vec<i64>,
}

/// A divided dimension.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ShardedDim {
    /// Which.
    #[prost(int64, optional, tag = "1")]
    pub axis: Option<i64>,
    /// Into what.
    #[prost(message, repeated, tag = "2")]
    pub simple_sharding: Vec<SimpleSharding>,
}

/// A dimension and its number of parts.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SimpleSharding {
    /// Its size or its name.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
    /// How many parts.
    #[prost(int64, optional, tag = "3")]
    pub num_shards: Option<i64>,
}

/// A setting of an operation; which field holds depends on `kind`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attribute {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// A float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// An integer.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// A text.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// A tensor.
    #[prost(message, optional, boxed, tag = "5")]
    pub t: Option<Box<Tensor>>,
    /// A graph.
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<Graph>>,
    /// Several floats.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Several integers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Several texts.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// Several tensors.
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<Tensor>,
    /// Several graphs.
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<Graph>,
    /// For people.
    #[prost(string, optional, tag = "13")]
    pub doc_string: Option<String>,
    /// A type.
    #[prost(message, optional, boxed, tag = "14")]
    pub tp: Option<Box<Type>>,
    /// Several types.
    #[prost(message, repeated, tag = "15")]
    pub type_protos: Vec<Type>,
    /// Which of these.
    #[prost(int32, optional, tag = "20")]
    pub kind: Option<i32>,
    /// In a function: the function's setting whose value it takes.
    #[prost(string, optional, tag = "21")]
    pub ref_attr_name: Option<String>,
    /// A sparse tensor.
    #[prost(message, optional, boxed, tag = "22")]
    pub sparse_tensor: Option<Box<SparseTensor>>,
    /// Several sparse tensors.
    #[prost(message, repeated, tag = "23")]
    pub sparse_tensors: Vec<SparseTensor>,
}

/// A constant.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tensor {
    /// Dimensions.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// One of the numbers of element types.
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Which part of a larger tensor it is.
    #[prost(message, optional, tag = "3")]
    pub segment: Option<Segment>,
    /// Values of 32-bit floats, where they are not raw.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Values of up to 32 bits, where they are not raw.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Texts.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub string_data: Vec<Vec<u8>>,
    /// Values of 64-bit integers, where they are not raw.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// Values, row-major, little-endian.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// Values of 64-bit floats, where they are not raw.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Values of unsigned integers, where they are not raw.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
    /// For people.
    #[prost(string, optional, tag = "12")]
    pub doc_string: Option<String>,
    /// Where in another file the values lie.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<Entry>,
    /// 1 where they lie in another file.
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
    /// Free notes.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<Entry>,
}

/// A part of a larger tensor.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Segment {
    /// Its first value.
    #[prost(int64, optional, tag = "1")]
    pub begin: Option<i64>,
    /// Behind its last value.
    #[prost(int64, optional, tag = "2")]
    pub end: Option<i64>,
}

/// A tensor that is mostly zeros.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SparseTensor {
    /// What is not zero.
    #[prost(message, optional, tag = "1")]
    pub values: Option<Tensor>,
    /// Where that stands.
    #[prost(message, optional, tag = "2")]
    pub indices: Option<Tensor>,
    /// Dimensions.
    #[prost(int64, repeated, packed = "false", tag = "3")]
    pub dims: Vec<i64>,
}

/// Name and type of a value.
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfo {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
    /// For people.
    #[prost(string, optional, tag = "3")]
    pub doc_string: Option<String>,
    /// Free notes.
    #[prost(message, repeated, tag = "4")]
    pub metadata_props: Vec<Entry>,
}

/// A type: one of these. They stand apart, since in a file some come before the denotation and some behind it.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Type {
    /// A tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorType>,
    /// A sequence.
    #[prost(message, optional, boxed, tag = "4")]
    pub sequence_type: Option<Box<SequenceType>>,
    /// A dictionary.
    #[prost(message, optional, boxed, tag = "5")]
    pub map_type: Option<Box<MapType>>,
    /// What it means.
    #[prost(string, optional, tag = "6")]
    pub denotation: Option<String>,
    /// Known to some engine only.
    #[prost(message, optional, tag = "7")]
    pub opaque_type: Option<OpaqueType>,
    /// A tensor that is mostly zeros.
    #[prost(message, optional, tag = "8")]
    pub sparse_tensor_type: Option<TensorType>,
    /// Something or nothing.
    #[prost(message, optional, boxed, tag = "9")]
    pub optional_type: Option<Box<OptionalType>>,
}

/// Element type and dimensions.
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorType {
    /// One of the numbers of element types.
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// Dimensions, where known.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// A sequence.
#[derive(Clone, PartialEq, prost::Message)]
pub struct SequenceType {
    /// Of what.
    #[prost(message, optional, tag = "1")]
    pub elem_type: Option<Type>,
}

/// A dictionary.
#[derive(Clone, PartialEq, prost::Message)]
pub struct MapType {
    /// Element type of its keys.
    #[prost(int32, optional, tag = "1")]
    pub key_type: Option<i32>,
    /// Type of its values.
    #[prost(message, optional, tag = "2")]
    pub value_type: Option<Type>,
}

/// Something or nothing.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OptionalType {
    /// Of what.
    #[prost(message, optional, tag = "1")]
    pub elem_type: Option<Type>,
}

/// A type known to some engine only.
#[derive(Clone, PartialEq, prost::Message)]
pub struct OpaqueType {
    /// Whose.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// Its name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
}

/// Dimensions.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Shape {
    /// One by one.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One dimension.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dimension {
    /// Its size or its name.
    #[prost(oneof = "DimensionValue", tags = "1, 2")]
    pub value: Option<DimensionValue>,
    /// What it means.
    #[prost(string, optional, tag = "3")]
    pub denotation: Option<String>,
}

/// An operator given by other operators.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Function {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Names of its inputs.
    #[prost(string, repeated, tag = "4")]
    pub input: Vec<String>,
    /// Names of its outputs.
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    /// Names of its settings.
    #[prost(string, repeated, tag = "6")]
    pub attribute: Vec<String>,
    /// Its operations.
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<Node>,
    /// For people.
    #[prost(string, optional, tag = "8")]
    pub doc_string: Option<String>,
    /// Versions of the operator sets it uses.
    #[prost(message, repeated, tag = "9")]
    pub opset_import: Vec<OperatorSet>,
    /// Whose.
    #[prost(string, optional, tag = "10")]
    pub domain: Option<String>,
    /// Settings that need not be given.
    #[prost(message, repeated, tag = "11")]
    pub attribute_proto: Vec<Attribute>,
    /// Types of values in between.
    #[prost(message, repeated, tag = "12")]
    pub value_info: Vec<ValueInfo>,
    /// Which of several functions of one name.
    #[prost(string, optional, tag = "13")]
    pub overload: Option<String>,
    /// Free notes.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
}
