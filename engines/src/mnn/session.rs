//! The engine itself.

use std::ffi::{CStr, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use mnn::tensor::list::TensorInfo;
use mnn::{
    BackendConfig, Device, DimensionType, ForwardType, Host, Interpreter, Owned, PrecisionMode, ScheduleConfig, SessionMode,
    Tensor, TensorRef,
};

use super::version::NAME;
use crate::element::Element;
use crate::engine::{Engine, EngineInfo, Session, SessionOptions};
use crate::error::EngineError;
use crate::port::{Dim, Port};
use crate::value::{self, Value};

/// Its arithmetic: single precision, on processors too that could compute in half.
const PRECISION: PrecisionMode = PrecisionMode::High;

unsafe extern "C" {
    /// `MNN::getVersion()`, for which the C interface has no name.
    #[link_name = "_ZN3MNN10getVersionEv"]
    fn version() -> *const c_char;
}

/// The open engine.
struct Mnn {
    info: EngineInfo,
}

/// Opens it; it has no library.
///
/// # Errors
/// None.
pub fn open(_: Option<&Path>) -> Result<Box<dyn Engine>, EngineError> {
    Ok(Box::new(Mnn::open()))
}

impl Mnn {
    fn open() -> Self {
        // SAFETY: it takes nothing and gives a constant string that ends in 0.
        let version = unsafe { CStr::from_ptr(version()) }.to_string_lossy().into_owned();
        let info = EngineInfo {
            name: NAME.to_string(),
            version,
            precision: Some(PRECISION.to_str().to_string()),
            library: None,
            library_sha256: None,
            build: Some(env!("MNN_BUILD").to_string()),
        };
        Self { info }
    }
}

impl Engine for Mnn {
    fn info(&self) -> &EngineInfo {
        &self.info
    }

    fn load(&self, model: &[u8], options: &SessionOptions) -> Result<Box<dyn Session>, EngineError> {
        let refused = |reason: &str| EngineError::Load { engine: NAME, reason: reason.to_string() };
        let interpreter = Interpreter::from_bytes(model).map_err(|_| refused("it is not an MNN file, or it is truncated"))?;
        // Inputs lie in our memory, which MNN then reads in every run. In memory of its own it would put other values there once
        // they have been read, and a second run would compute on those.
        interpreter.set_session_mode(SessionMode::InputUser);
        interpreter.set_session_mode(SessionMode::Release);
        let schedule = ScheduleConfig::new()
            .with_type(ForwardType::CPU)
            .with_num_threads(i32::try_from(options.threads.get()).unwrap_or(i32::MAX))
            .with_backend_config(BackendConfig::new().with_precision_mode(PRECISION));
        // The crate panics where MNN makes no session.
        let session = catch_unwind(AssertUnwindSafe(|| interpreter.create_session(schedule)));
        let session = session.ok().and_then(Result::ok).ok_or_else(|| refused("it cannot create a session from the file"))?;
        // SAFETY: a session points to MNN's interpreter, not to the Rust value; `MnnRun` drops the session first.
        let session = unsafe { std::mem::transmute::<mnn::Session<'_>, mnn::Session<'static>>(session) };
        let mut run =
            MnnRun { session, interpreter, inputs: Vec::new(), outputs: Vec::new(), values: Vec::new(), state: State::Empty };
        run.inputs = run.interpreter.inputs(&mut run.session).iter().map(|info| port("input", &info)).collect::<Result<_, _>>()?;
        run.prepare()?;
        run.outputs = run.interpreter.outputs(&run.session).iter().map(|info| port("output", &info)).collect::<Result<_, _>>()?;
        Ok(Box::new(run))
    }
}

fn failed(e: impl std::fmt::Display) -> EngineError {
    EngineError::Run { engine: NAME, reason: e.to_string() }
}

/// Reads an input's or output's type, which must have a fixed size. MNN's sessions take a batch that was left open as 1.
fn port(what: &str, info: &TensorInfo<'_, '_>) -> Result<Port, EngineError> {
    let tensor = info.raw_tensor();
    let shape = tensor.shape();
    let dims = shape.iter().map(|&dim| usize::try_from(dim)).collect::<Result<Vec<_>, _>>();
    match dims {
        // What comes from an ONNX file is laid out as there. (The list is of the first four dimensions.)
        Ok(dims)
            if tensor.is_type_of::<f32>()
                && tensor.get_dimension_type() == DimensionType::Caffe
                && dims.len() == tensor.dimensions() =>
        {
            let dims = dims.into_iter().map(Dim::Fixed).collect();
            Ok(Port { name: info.name().to_string(), element: Some(Element::Float32), dims })
        }
        _ => Err(EngineError::Unsupported {
            engine: NAME,
            port: format!("{what} '{}'", info.name()),
            found: format!("{shape:?}, {:?}, {:?}", tensor.get_type(), tensor.get_dimension_type()),
            takes: "float32 tensors whose sizes are fixed (except for the batch)",
        }),
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No inputs yet.
    Empty,
    /// It has inputs, and has not run on them.
    Filled,
    /// The outputs are those of the inputs.
    Ran,
}

/// A model in MNN. Its ports are in the order of their names, as MNN's sessions know no other.
struct MnnRun {
    session: mnn::Session<'static>,
    interpreter: Interpreter,
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    /// The memory of the inputs.
    values: Vec<Tensor<Owned<f32>, Host>>,
    state: State,
}

impl MnnRun {
    /// Makes the session ready for inputs in memory of ours.
    fn prepare(&mut self) -> Result<(), EngineError> {
        for port in &self.inputs {
            let input = self.interpreter.input::<f32>(&mut self.session, &port.name).map_err(failed)?;
            let mut memory = Tensor::<Owned<f32>, Host>::new(input.shape(), DimensionType::Caffe);
            memory.host_mut().fill(0.0);
            let input = std::ptr::from_mut::<TensorRef<f32, Device>>(input).cast::<mnn_sys::Tensor>();
            // SAFETY: a reference to a tensor of the crate's is its address in MNN. The memory has the tensor's size and layout, and
            // is freed after the session.
            unsafe { (*mnn_sys::Tensor_buffer_mut(input)).host = memory.host_mut().as_mut_ptr().cast() };
            self.values.push(memory);
        }
        self.interpreter.resize_session(&mut self.session);
        Ok(())
    }
}

impl Session for MnnRun {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn feed(&mut self, values: &[Value]) -> Result<(), EngineError> {
        value::check(&self.inputs, values)?;
        for (memory, value) in std::iter::zip(&mut self.values, values) {
            memory.host_mut().copy_from_slice(&value.to_floats());
        }
        self.state = State::Filled;
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        if self.state == State::Empty {
            return Err(EngineError::NoInputs);
        }
        self.interpreter.run_session(&self.session).map_err(failed)?;
        self.state = State::Ran;
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        if self.state != State::Ran {
            return Err(EngineError::NoInputs);
        }
        let copy = |(info, port): (TensorInfo<'_, '_>, &Port)| {
            let output = info.tensor::<f32>().map_err(failed)?;
            let mut values = Tensor::<Owned<f32>, Host>::new(output.shape(), DimensionType::Caffe);
            output.copy_to_host_tensor(&mut values).map_err(failed)?;
            Ok(Value::floats(port.shape(1).unwrap_or_default(), values.host()))
        };
        std::iter::zip(self.interpreter.outputs(&self.session).iter(), &self.outputs).map(copy).collect()
    }
}
