//! The engine itself.

use std::path::Path;

use tract_onnx::pb;
use tract_onnx::prelude::*;

use super::cpu;
use super::names::{CPU_VARIABLE, NAME};
use crate::element::Element;
use crate::engine::{Engine, EngineInfo, Session, SessionOptions};
use crate::error::EngineError;
use crate::port::{Dim, Port};
use crate::value::{self, Value};

/// Its version. The crate does not tell it; a test compares this with `Cargo.lock`.
const VERSION: &str = "0.23.9";

/// The open engine.
struct Tract {
    info: EngineInfo,
}

/// Opens it; it has no library.
///
/// # Errors
/// As [`Tract::open`].
pub fn open(_: Option<&Path>) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(Tract::open()?))
}

impl Tract {
    /// Opens it, with the kernels for the CPU that this thread may run on. They are chosen once in a process, which is therefore
    /// pinned before.
    ///
    /// # Errors
    /// [`EngineError::Start`] where it does not take that choice.
    fn open() -> Result<Self, EngineError> {
        // On Android tract does not look at the CPU at all; on Linux it takes the largest part number of any core, which need not
        // be the one measured on. One way for both, so that a phone gets the same kernels from either kind of agent.
        if cfg!(all(target_arch = "aarch64", any(target_os = "linux", target_os = "android")))
            && let Some(kind) = cpu::of_this_thread()
        {
            // What the user has set in the environment is stronger than this.
            tract_data::knobs::set_config_global(CPU_VARIABLE, kind)
                .map_err(|e| EngineError::Start { engine: NAME, reason: format!("{e:#}") })?;
        }
        let info = EngineInfo {
            name: NAME.to_string(),
            version: VERSION.to_string(),
            precision: None,
            library: None,
            library_sha256: None,
            build: Some(env!("TRACT_BUILD").to_string()),
        };
        Ok(Self { info })
    }
}

impl Engine for Tract {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn load(&self, model: &[u8], options: &SessionOptions) -> Result<Box<dyn Session>, EngineError> {
        if options.threads.get() > 1 {
            return Err(EngineError::Threads { engine: NAME, asked: options.threads.get() });
        }
        let onnx = tract_onnx::onnx();
        let file = onnx.proto_model_for_read(&mut &*model).map_err(refused)?;
        let model = onnx.model_for_proto_model(&file).map_err(refused)?;
        let graph = file.graph.unwrap_or_default();
        let is_weight = |value: &&pb::ValueInfoProto| graph.initializer.iter().any(|weight| weight.name == value.name);
        let inputs = graph.input.iter().filter(|value| !is_weight(value)).map(input).collect::<Result<Vec<_>, _>>()?;
        let outputs = graph.output.iter().map(port).collect();
        // For a batch of 1, so that what tract cannot compute is reported now; other shapes are known only once they are given.
        let facts = inputs.iter().map(|port: &Port| Some(fact(port.element?, &port.shape(1)?)));
        let ready = match facts.collect::<Option<Vec<_>>>() {
            Some(facts) => Some(Ready::new(&model, facts).map_err(refused)?),
            None => None,
        };
        Ok(Box::new(TractRun { inputs, outputs, model, ready, values: None, results: None }))
    }
}

/// The graph, ready to run on inputs of those types and shapes in the calling thread.
struct Ready {
    facts: Vec<(DatumType, Vec<usize>)>,
    state: TypedSimpleState,
}

impl Ready {
    fn new(model: &InferenceModel, facts: Vec<(DatumType, Vec<usize>)>) -> TractResult<Self> {
        let mut model = model.clone();
        for (i, (element, shape)) in facts.iter().enumerate() {
            model.set_input_fact(i, element.fact(shape.clone()).into())?;
        }
        let options = RunOptions { executor: Some(multithread::Executor::SingleThread), ..RunOptions::default() };
        let state = model.into_optimized()?.into_runnable_with_options(&options)?.spawn()?;
        Ok(Self { facts, state })
    }
}

fn refused(e: TractError) -> EngineError {
    EngineError::Load { engine: NAME, reason: format!("{e:#}") }
}

fn failed(e: TractError) -> EngineError {
    EngineError::Run { engine: NAME, reason: format!("{e:#}") }
}

/// tract's types, and this program's.
const ELEMENTS: [(DatumType, Element, pb::tensor_proto::DataType); 12] = {
    use pb::tensor_proto::DataType;
    [
        (DatumType::F32, Element::Float32, DataType::Float),
        (DatumType::F64, Element::Float64, DataType::Double),
        (DatumType::F16, Element::Float16, DataType::Float16),
        (DatumType::I8, Element::Int8, DataType::Int8),
        (DatumType::I16, Element::Int16, DataType::Int16),
        (DatumType::I32, Element::Int32, DataType::Int32),
        (DatumType::I64, Element::Int64, DataType::Int64),
        (DatumType::U8, Element::Uint8, DataType::Uint8),
        (DatumType::U16, Element::Uint16, DataType::Uint16),
        (DatumType::U32, Element::Uint32, DataType::Uint32),
        (DatumType::U64, Element::Uint64, DataType::Uint64),
        (DatumType::Bool, Element::Bool, DataType::Bool),
    ]
};

/// tract's type for an input's; there is one for each that [`port`] knows.
fn fact(element: Element, shape: &[usize]) -> (DatumType, Vec<usize>) {
    let theirs = ELEMENTS.iter().find(|(_, ours, _)| *ours == element).map_or(DatumType::F32, |known| known.0);
    (theirs, shape.to_vec())
}

/// Reads what the file says of an input or output.
fn port(value: &pb::ValueInfoProto) -> Port {
    use pb::tensor_shape_proto::dimension::Value as Size;
    let name = value.name.clone();
    let Some(pb::type_proto::Value::TensorType(tensor)) = value.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Port { name, element: None, dims: Vec::new() };
    };
    let element = ELEMENTS.iter().find(|(_, _, number)| *number as i32 == tensor.elem_type).map(|known| known.1);
    let dim = |dim: &pb::tensor_shape_proto::Dimension| match &dim.value {
        Some(Size::DimValue(size)) => usize::try_from(*size).map_or_else(|_| Dim::open(""), Dim::Fixed),
        Some(Size::DimParam(name)) => Dim::open(name),
        None => Dim::open(""),
    };
    Port { name, element, dims: tensor.shape.iter().flat_map(|shape| shape.dim.iter().map(dim)).collect() }
}

/// Reads an input's type, which must be one that can be given.
fn input(value: &pb::ValueInfoProto) -> Result<Port, EngineError> {
    let port = port(value);
    match port.element {
        Some(_) => Ok(port),
        None => Err(EngineError::Unsupported {
            engine: NAME,
            port: format!("input '{}'", port.name),
            found: format!("{:?}", value.r#type),
            takes: "tensors of numbers or truth values",
        }),
    }
}

/// A model in tract.
struct TractRun {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// As it was loaded: dimensions may be open.
    model: InferenceModel,
    /// For the shapes given last, or for a batch of 1.
    ready: Option<Ready>,
    /// The inputs handed over last. tract shares them and so cannot reuse their memory.
    values: Option<TVec<TValue>>,
    /// The outputs of the last run on them.
    results: Option<TVec<TValue>>,
}

impl Session for TractRun {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn feed(&mut self, values: &[Value]) -> Result<(), EngineError> {
        value::check(&self.inputs, values)?;
        self.values = None;
        self.results = None;
        let facts: Vec<_> = values.iter().map(|value| fact(value.element(), value.shape())).collect();
        if self.ready.as_ref().is_none_or(|ready| ready.facts != facts) {
            self.ready = Some(Ready::new(&self.model, facts.clone()).map_err(failed)?);
        }
        let tensor = |((element, shape), value): (&(DatumType, Vec<usize>), &Value)| {
            // SAFETY: the type is one of plain numbers, whose bytes these are; truth values are 0 or 1.
            Ok(unsafe { Tensor::from_raw_dt(*element, shape, value.bytes()) }?.into_tvalue())
        };
        let tensors = std::iter::zip(&facts, values).map(tensor);
        self.values = Some(tensors.collect::<TractResult<_>>().map_err(failed)?);
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        let (Some(values), Some(ready)) = (self.values.clone(), &mut self.ready) else { return Err(EngineError::NoInputs) };
        self.results = Some(ready.state.run(values).map_err(failed)?);
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        let results = self.results.as_ref().ok_or(EngineError::NoInputs)?;
        let copy = |value: &TValue| {
            let Some(&(_, element, _)) = ELEMENTS.iter().find(|(theirs, ..)| *theirs == value.datum_type()) else {
                return Ok(None);
            };
            Ok(Value::new(element, value.shape().to_vec(), value.try_as_plain_ram()?.as_bytes().to_vec()))
        };
        results.iter().map(copy).collect::<TractResult<_>>().map_err(failed)
    }
}
