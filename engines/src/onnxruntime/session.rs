//! A model in ONNX Runtime.

use ort::AsPointer;
use ort::session::{IoBinding, Session as OrtSession};
use ort::value::{DynTensor, DynValue, Outlet, TensorElementType, ValueType};

use super::library::NAME;
use crate::element::Element;
use crate::engine::Session;
use crate::error::EngineError;
use crate::port::{Dim, Port};
use crate::value::{self, Value};

fn failed<R>(e: ort::Error<R>) -> EngineError {
    EngineError::Run { engine: NAME, reason: e.message().to_string() }
}

/// ONNX Runtime's types, and this program's.
const ELEMENTS: [(TensorElementType, Element); 13] = [
    (TensorElementType::Float32, Element::Float32),
    (TensorElementType::Float64, Element::Float64),
    (TensorElementType::Float16, Element::Float16),
    (TensorElementType::Bfloat16, Element::Bfloat16),
    (TensorElementType::Int8, Element::Int8),
    (TensorElementType::Int16, Element::Int16),
    (TensorElementType::Int32, Element::Int32),
    (TensorElementType::Int64, Element::Int64),
    (TensorElementType::Uint8, Element::Uint8),
    (TensorElementType::Uint16, Element::Uint16),
    (TensorElementType::Uint32, Element::Uint32),
    (TensorElementType::Uint64, Element::Uint64),
    (TensorElementType::Bool, Element::Bool),
];

fn element(theirs: TensorElementType) -> Option<Element> {
    ELEMENTS.iter().find(|(known, _)| *known == theirs).map(|&(_, ours)| ours)
}

/// Reads an input's or output's type.
fn port(outlet: &Outlet) -> Port {
    let name = outlet.name().to_string();
    let ValueType::Tensor { ty, shape, dimension_symbols } = outlet.dtype() else {
        return Port { name, element: None, dims: Vec::new() };
    };
    let dim = |(i, &size): (usize, &i64)| {
        usize::try_from(size).map_or_else(|_| Dim::open(dimension_symbols.get(i).map_or("", String::as_str)), Dim::Fixed)
    };
    Port { name, element: element(*ty), dims: shape.iter().enumerate().map(dim).collect() }
}

/// Reads an input's type, which must be one that can be given.
fn input(outlet: &Outlet) -> Result<Port, EngineError> {
    let port = port(outlet);
    match port.element {
        Some(_) => Ok(port),
        None => Err(EngineError::Unsupported {
            engine: NAME,
            port: format!("input '{}'", port.name),
            found: outlet.dtype().to_string(),
            takes: "tensors of numbers or truth values",
        }),
    }
}

/// How far a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// No inputs yet.
    Empty,
    /// It has inputs, and has not run on them.
    Fed,
    /// The bound outputs are those of the inputs.
    Ran,
}

/// A model in ONNX Runtime. Inputs and outputs are bound once, so that a run allocates and copies nothing of ours: the first run
/// allocates the outputs, in the shapes that come out, whatever the model says of them; the others write to the same memory.
pub(super) struct OrtRun {
    inputs: Vec<Port>,
    outputs: Vec<Port>,
    binding: IoBinding,
    session: OrtSession,
    state: State,
}

impl OrtRun {
    /// Reads the types of a session's inputs and outputs, and binds nothing yet.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] of an input that cannot be given.
    pub(super) fn new(session: OrtSession) -> Result<Self, EngineError> {
        let inputs = session.inputs().iter().map(input).collect::<Result<Vec<_>, _>>()?;
        let outputs = session.outputs().iter().map(port).collect();
        let binding = session.create_binding().map_err(failed)?;
        Ok(Self { inputs, outputs, binding, session, state: State::Empty })
    }

    fn tensor(&self, value: &Value) -> Result<DynTensor, EngineError> {
        let theirs = ELEMENTS.iter().find(|(_, ours)| *ours == value.element()).map_or(TensorElementType::Undefined, |e| e.0);
        let mut tensor = DynTensor::new(self.session.allocator(), theirs, value.shape().to_vec()).map_err(failed)?;
        let bytes = value.bytes();
        if !bytes.is_empty() {
            // SAFETY: the tensor lies in this process's memory and has the value's type and shape, whose bytes these are.
            unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), tensor.data_ptr_mut().cast::<u8>(), bytes.len()) };
        }
        Ok(tensor)
    }

    /// What the bound outputs hold.
    fn bound(&self) -> Result<Vec<Option<DynValue>>, EngineError> {
        let allocator = self.session.allocator();
        let (mut list, mut count) = (std::ptr::null_mut(), 0);
        let list_of = ort::api().GetBoundOutputValues;
        // SAFETY: the binding and the allocator are alive; list and count are written where the status is null.
        let status = unsafe { list_of(self.binding.ptr(), allocator.ptr().cast_mut(), &mut list, &mut count) };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::<()>::result_from_status(status) }.map_err(failed)?;
        if list.is_null() {
            return Ok(Vec::new());
        }
        // SAFETY: ONNX Runtime wrote that many pointers there, each to a value that is ours now.
        let values = unsafe { std::slice::from_raw_parts(list, count) };
        // SAFETY: as above; the values' memory is that of the session's allocator.
        let ours = |value| unsafe { DynValue::from_ptr(value, Some(allocator)) };
        let values = values.iter().map(|&value| std::ptr::NonNull::new(value).map(ours)).collect();
        // SAFETY: the list itself was allocated there, and is used no more.
        unsafe { allocator.free(list) };
        Ok(values)
    }
}

/// A copy of an output, where it is a tensor of numbers.
fn copied(output: DynValue) -> Option<Value> {
    let ValueType::Tensor { ty, shape, .. } = output.dtype() else { return None };
    let element = element(*ty)?;
    let shape: Vec<usize> = shape.iter().map(|&d| usize::try_from(d).ok()).collect::<Option<_>>()?;
    let len = shape.iter().try_fold(element.size(), |n, &d| n.checked_mul(d))?;
    let tensor = output.downcast::<ort::value::DynTensorValueType>().ok()?;
    let bytes = if len == 0 {
        Vec::new()
    } else {
        // SAFETY: a tensor of that type and shape in this process's memory, which lives until the end of this function.
        unsafe { std::slice::from_raw_parts(tensor.data_ptr().cast::<u8>(), len) }.to_vec()
    };
    Value::new(element, shape, bytes)
}

impl Session for OrtRun {
    fn inputs(&self) -> &[Port] {
        &self.inputs
    }

    fn outputs(&self) -> &[Port] {
        &self.outputs
    }

    fn feed(&mut self, values: &[Value]) -> Result<(), EngineError> {
        value::check(&self.inputs, values)?;
        self.state = State::Empty;
        self.binding.clear();
        for (port, value) in std::iter::zip(&self.inputs, values) {
            let tensor = self.tensor(value)?;
            self.binding.bind_input(&port.name, &tensor).map_err(failed)?;
        }
        let memory = self.session.allocator().memory_info();
        for port in &self.outputs {
            self.binding.bind_output_to_device(&port.name, memory).map_err(failed)?;
        }
        self.state = State::Fed;
        Ok(())
    }

    fn run(&mut self) -> Result<(), EngineError> {
        if self.state == State::Empty {
            return Err(EngineError::NoInputs);
        }
        // `Session::run_binding` would build a list of the outputs after each run.
        // SAFETY: session and binding are alive and belong together; null means the default run options.
        let status = unsafe { (ort::api().RunWithBinding)(self.session.ptr().cast_mut(), std::ptr::null(), self.binding.ptr()) };
        // SAFETY: the status comes from the call above and is used once.
        unsafe { ort::Error::<()>::result_from_status(status) }.map_err(failed)?;
        self.state = State::Ran;
        Ok(())
    }

    fn results(&mut self) -> Result<Vec<Option<Value>>, EngineError> {
        if self.state != State::Ran {
            return Err(EngineError::NoInputs);
        }
        Ok(self.bound()?.into_iter().map(|output| copied(output?)).collect())
    }
}
