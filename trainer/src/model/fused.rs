//! A graph on the project's own kernels: one candle operation for the whole of it.
//!
//! The operation has three arguments, the input, the flat parameters and the masks, and one flat result, all outputs one
//! after the other. Its backward pass gives all gradients at once, so candle's tape holds one node instead of hundreds.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp3, Layout, Result, Shape, Storage, Tensor, bail};
use kernels::Arguments;

use super::engine::{Engine, Left};
use super::executor::{Call, Executor, Mode, Stats};
use crate::parallel;

/// Runs a graph with one input on the CPU or on GPUs; candle's tensors are in the host's memory in any case.
pub(super) struct Fused {
    engine: Arc<Engine>,
}

impl Fused {
    pub fn new(engine: Engine) -> Self {
        Self { engine: Arc::new(engine) }
    }
}

impl Executor for Fused {
    fn forward(&self, call: Call<'_>) -> Result<Vec<Tensor>> {
        let [input] = call.inputs else { bail!("the fused executor runs graphs with one input, not {}", call.inputs.len()) };
        let (n, c, h, w) = input.dims4()?;
        let expected = self.engine.plan().input_shapes()[0];
        if (c, h, w) != (expected.c, expected.h, expected.w) {
            bail!("input of shape {:?} for a graph that reads {expected}", input.dims());
        }
        let (layers, width) = self.engine.plan().mask_shape();
        let masks = match call.masks {
            Some(masks) if masks.dims() == [layers, width] => masks.contiguous()?,
            None if layers == 0 => Tensor::zeros(1, candle_core::DType::F32, input.device())?,
            masks => bail!("masks of shape {:?} for a graph that reads [{layers}, {width}]", masks.map(Tensor::dims)),
        };
        let op = Pass {
            engine: Arc::clone(&self.engine),
            stats: call.stats.clone(),
            mode: call.mode,
            dropout_seed: call.dropout_seed,
            wants_params: call.params.track_op(),
            wants_input: input.track_op(),
            kept: Mutex::new(None),
        };
        let input = input.contiguous()?;
        let flat = if call.mode.is_training() {
            input.apply_op3(call.params, &masks, op)?
        } else {
            input.apply_op3_no_bwd(call.params, &masks, &op)?
        };
        let mut at = 0;
        let output = |shape: blocks::Shape| {
            let len = n * shape.volume();
            at += len;
            flat.narrow(0, at - len, len)?.reshape((n, shape.c, shape.h, shape.w))
        };
        self.engine.plan().output_shapes().into_iter().map(output).collect()
    }
}

/// One forward pass, and what its backward pass needs.
struct Pass {
    engine: Arc<Engine>,
    stats: Stats,
    mode: Mode,
    dropout_seed: u64,
    wants_params: bool,
    wants_input: bool,
    kept: Mutex<Option<Left>>,
}

/// The values of a contiguous argument.
fn values<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("the arguments of a fused graph must be contiguous"),
    }
}

/// The values of a contiguous tensor on the CPU, whose storage the caller holds.
fn values_of<'a>(storage: &'a Storage, layout: &Layout) -> Result<&'a [f32]> {
    match storage {
        Storage::Cpu(storage) => values(storage, layout),
        _ => bail!("the arguments of a fused graph lie on the CPU"),
    }
}

impl Pass {
    /// The masks' values; a graph without mixtures is given a tensor that is not read.
    fn masks<'a>(&self, values: &'a [f32]) -> &'a [f32] {
        if self.engine.plan().mask_shape().0 == 0 { &[] } else { values }
    }
}

impl CustomOp3 for Pass {
    fn name(&self) -> &'static str {
        "block-graph"
    }

    fn cpu_fwd(
        &self,
        input: &CpuStorage,
        input_layout: &Layout,
        params: &CpuStorage,
        params_layout: &Layout,
        masks: &CpuStorage,
        masks_layout: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let (input, params) = (values(input, input_layout)?, values(params, params_layout)?);
        let args = Arguments { inputs: &[input], params, masks: self.masks(values(masks, masks_layout)?) };
        let mut stats = self.stats.lock().unwrap_or_else(PoisonError::into_inner);
        let (outputs, kept) = self.engine.forward(args, &mut stats, self.mode, self.dropout_seed)?;
        if self.mode.is_training() {
            *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
        }
        let flat = outputs.concat();
        let len = flat.len();
        Ok((CpuStorage::F32(flat), Shape::from(len)))
    }

    fn bwd(
        &self,
        input: &Tensor,
        params: &Tensor,
        masks: &Tensor,
        _result: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        let Some(kept) = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take() else {
            bail!("the backward pass of a fused graph can run once");
        };
        let n = input.dim(0)?;
        let gradient = gradient.contiguous()?;
        let [
            (input_held, input_layout),
            (params_held, params_layout),
            (masks_held, masks_layout),
            (gradient_held, gradient_layout),
        ] = [input, params, masks, &gradient].map(Tensor::storage_and_layout);
        let images = values_of(&input_held, input_layout)?;
        let args = Arguments {
            inputs: &[images],
            params: values_of(&params_held, params_layout)?,
            masks: self.masks(values_of(&masks_held, masks_layout)?),
        };
        let mut rest = values_of(&gradient_held, gradient_layout)?;
        let shapes = self.engine.plan().output_shapes();
        let parts: Vec<&[f32]> = shapes
            .iter()
            .map(|shape| {
                let (head, tail) = rest.split_at(n * shape.volume());
                rest = tail;
                head
            })
            .collect();
        // An output that the loss does not use costs nothing further back. Several processes must agree on that.
        let mut used: Vec<f32> = parts.iter().map(|part| f32::from(u8::from(part.iter().any(|&g| g != 0.0)))).collect();
        parallel::mean(&mut used);
        let outputs: Vec<Option<&[f32]>> = std::iter::zip(parts, used).map(|(part, used)| (used > 0.0).then_some(part)).collect();
        let mut gradients = self.engine.backward(kept, args, &outputs, self.wants_params, &[self.wants_input])?;
        let tensor = |values: Vec<f32>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
        let of_input = gradients.inputs.pop().flatten().map(|g| tensor(g, input)).transpose()?;
        let of_params = gradients.params.map(|g| tensor(g, params)).transpose()?;
        let of_masks = if gradients.masks.is_empty() { None } else { Some(tensor(gradients.masks, masks)?) };
        Ok((of_input, of_params, of_masks))
    }
}
