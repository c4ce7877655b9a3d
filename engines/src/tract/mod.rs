//! tract, an engine in pure Rust that is part of the program: no library to find, to send or to load.

pub mod cpu;

use tract_onnx::pb;
use tract_onnx::prelude::*;

use crate::engine::{self, Engine, EngineError, EngineInfo, Port, Session, SessionOptions};

/// Its name in tables and messages.
const NAME: &str = "tract";

/// Its version. The crate does not tell it; a test compares this with `Cargo.lock`.
const VERSION: &str = "0.23.9";

/// The open engine.
pub struct Tract {
    info: EngineInfo,
}

impl Tract {
    /// Opens it, with the kernels for the CPU that this thread may run on. They are chosen once in a process, which is therefore
    /// pinned before.
    ///
    /// # Errors
    /// [`EngineError::Start`] where it does not take that choice.
    pub fn open() -> Result<Self, EngineError> {
        // On Android tract does not look at the CPU at all; on Linux it takes the largest part number of any core, which need not
        // be the one measured on. One way for both, so that a phone gets the same kernels from either kind of agent.
        if cfg!(all(target_arch = "aarch64", any(target_os = "linux", target_os = "android")))
            && let Some(kind) = cpu::of_this_thread()
        {
            // What the user has set in the environment is stronger than this.
            tract_data::knobs::set_config_global(cpu::VARIABLE, kind)
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
        let plan = optimized(&model, &inputs, 1).map_err(refused)?;
        let outputs = std::iter::zip(&graph.output, plan.output_outlets().map_err(refused)?)
            .map(|(value, outlet)| output(value, plan.outlet_fact(*outlet).map_err(refused)?))
            .collect::<Result<Vec<_>, _>>()?;
        let state = ready(plan).map_err(refused)?;
        Ok(Box::new(TractRun { inputs, outputs, model, batch: 1, state, values: None, results: None }))
    }
}

/// The graph as it runs, for inputs of that batch.
fn optimized(model: &InferenceModel, inputs: &[Port], batch: usize) -> TractResult<TypedModel> {
    let mut model = model.clone();
    for (i, port) in inputs.iter().enumerate() {
        model.set_input_fact(i, f32::fact(port.shape(batch)).into())?;
    }
    model.into_optimized()
}

/// Makes a graph ready to run in the calling thread.
fn ready(graph: TypedModel) -> TractResult<TypedSimpleState> {
    let options = RunOptions { executor: Some(multithread::Executor::SingleThread), ..RunOptions::default() };
    graph.into_runnable_with_options(&options)?.spawn()
}

fn refused(e: TractError) -> EngineError {
    EngineError::Load { engine: NAME, reason: format!("{e:#}") }
}

fn failed(e: TractError) -> EngineError {
    EngineError::Run { engine: NAME, reason: format!("{e:#}") }
}

/// The declared dimensions of an input or output, those left open as `None`; none at all where it is no tensor of a known rank.
fn declared(value: &pb::ValueInfoProto) -> Option<Vec<Option<usize>>> {
    use pb::tensor_shape_proto::dimension::Value;
    let pb::type_proto::Value::TensorType(tensor) = value.r#type.as_ref()?.value.as_ref()?;
    let dim = |dim: &pb::tensor_shape_proto::Dimension| match dim.value {
        Some(Value::DimValue(size)) => usize::try_from(size).ok(),
        Some(Value::DimParam(_)) | None => None,
    };
    Some(tensor.shape.as_ref()?.dim.iter().map(dim).collect())
}

/// Reads an input's type; only its first dimension may be open.
fn input(value: &pb::ValueInfoProto) -> Result<Port, EngineError> {
    let unsupported = || EngineError::Unsupported { port: format!("input '{}'", value.name), found: format!("{:?}", value.r#type) };
    let float = |t: &pb::TypeProto| {
        let Some(pb::type_proto::Value::TensorType(tensor)) = &t.value else { return false };
        tensor.elem_type == pb::tensor_proto::DataType::Float as i32
    };
    if !value.r#type.as_ref().is_some_and(float) {
        return Err(unsupported());
    }
    let declared = declared(value).ok_or_else(unsupported)?;
    let open_batch = declared.first() == Some(&None);
    let dims = declared.into_iter().enumerate().map(|(i, dim)| if i == 0 { dim.or(Some(1)) } else { dim });
    Ok(Port { name: value.name.clone(), dims: dims.collect::<Option<_>>().ok_or_else(unsupported)?, open_batch })
}

/// An output's type, as tract has found it for a batch of 1.
fn output(value: &pb::ValueInfoProto, fact: &TypedFact) -> Result<Port, EngineError> {
    let unsupported = || EngineError::Unsupported { port: format!("output '{}'", value.name), found: format!("{fact:?}") };
    if fact.datum_type != f32::datum_type() {
        return Err(unsupported());
    }
    let dims = fact.shape.as_concrete().ok_or_else(unsupported)?.to_vec();
    let open_batch = declared(value).is_some_and(|dims| dims.first() == Some(&None));
    Ok(Port { name: value.name.clone(), dims, open_batch })
}

/// A model in tract.
struct TractRun {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// As it was loaded: its batch may be open.
    model: InferenceModel,
    /// The batch that `state` runs.
    batch: usize,
    state: TypedSimpleState,
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

    fn set_inputs(&mut self, values: &[Vec<f32>]) -> Result<(), EngineError> {
        let batch = engine::batch(&self.inputs, values)?;
        self.values = None;
        self.results = None;
        if batch != self.batch {
            self.state = optimized(&self.model, &self.inputs, batch).and_then(ready).map_err(failed)?;
            self.batch = batch;
        }
        let tensors = std::iter::zip(&self.inputs, values)
            .map(|(port, values)| Ok(Tensor::from_shape(&port.shape(batch), values)?.into_tvalue()));
        self.values = Some(tensors.collect::<TractResult<_>>().map_err(failed)?);
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        let values = self.values.clone().ok_or(EngineError::NoInputs)?;
        self.results = Some(self.state.run(values).map_err(failed)?);
        Ok(())
    }

    fn read_outputs(&mut self) -> Result<Vec<Vec<f32>>, EngineError> {
        let results = self.results.as_ref().ok_or(EngineError::NoInputs)?;
        let copy = |value: &TValue| Ok(value.try_as_plain_ram()?.as_slice::<f32>()?.to_vec());
        results.iter().map(copy).collect::<TractResult<_>>().map_err(failed)
    }
}
