//! A graph on candle's own operations.
//!
//! Composed where candle 0.11.1 is wrong or impractical: its `max_pool2d` has a wrong gradient, its `relu` passes gradients at 0,
//! and a grouped convolution becomes one convolution a channel.

use std::sync::{Arc, PoisonError};

use blocks::graph::{BN_EPSILON, BN_MOMENTUM, ParamKind};
use blocks::{Conv, Graph, Node, NodeId, Op};
use candle_core::{D, DType, Device, Result, Tensor, bail};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::executor::{Call, Executor};
use super::layout::Layout;

/// Runs a graph node by node.
pub(super) struct Stock {
    graph: Arc<Graph>,
    layout: Arc<Layout>,
}

impl Stock {
    pub fn new(graph: Arc<Graph>, layout: Arc<Layout>) -> Self {
        Self { graph, layout }
    }

    fn batch_norm(&self, id: NodeId, x: &Tensor, weights: &NodeWeights<'_>, call: &Call<'_>) -> Result<Tensor> {
        let (n, c, h, w) = x.dims4()?;
        let as_channels = |t: &Tensor| t.reshape((1, c, 1, 1));
        let (gamma, beta) = (as_channels(weights.get(ParamKind::Gamma)?)?, as_channels(weights.get(ParamKind::Beta)?)?);
        let (Some(mean_at), Some(var_at)) =
            (self.layout.stats_offset(id, ParamKind::RunningMean), self.layout.stats_offset(id, ParamKind::RunningVar))
        else {
            bail!("batch norm without running statistics")
        };
        let (centred, var) = if call.mode.is_training() {
            let mean = channel_mean(x)?;
            let centred = x.broadcast_sub(&mean)?;
            let var = channel_mean(&centred.sqr()?)?;
            if call.mode.moves_statistics() {
                let count = (n * h * w) as f32;
                let unbias = if count > 1.0 { count / (count - 1.0) } else { 1.0 };
                let mut stats = call.stats.lock().unwrap_or_else(PoisonError::into_inner);
                move_towards(&mut stats[mean_at..][..c], &mean.flatten_all()?.to_vec1()?, 1.0);
                move_towards(&mut stats[var_at..][..c], &var.flatten_all()?.to_vec1()?, unbias);
            }
            (centred, var)
        } else {
            let stats = call.stats.lock().unwrap_or_else(PoisonError::into_inner);
            let running = |at: usize| Tensor::from_slice(&stats[at..][..c], (1, c, 1, 1), x.device());
            (x.broadcast_sub(&running(mean_at)?)?, running(var_at)?)
        };
        let scale = (gamma / (var + f64::from(BN_EPSILON))?.sqrt()?)?;
        centred.broadcast_mul(&scale)?.broadcast_add(&beta)
    }

    fn node(&self, id: NodeId, node: &Node, values: &[Tensor], weights: &NodeWeights<'_>, call: &Call<'_>) -> Result<Tensor> {
        let input = |i: usize| &values[node.inputs[i].0];
        match &node.op {
            Op::Input => bail!("inputs are given, not computed"),
            Op::Conv(conv) => convolution(input(0), conv, weights),
            Op::BatchNorm => self.batch_norm(id, input(0), weights, call),
            Op::Relu => {
                let x = input(0);
                x * x.gt(0.0)?.to_dtype(DType::F32)?
            }
            Op::HardSigmoid => {
                let x = (input(0) + 3.0)?;
                let inside = (x.gt(0.0)? * x.lt(6.0)?)?.to_dtype(DType::F32)?;
                let above = x.ge(6.0)?.to_dtype(DType::F32)?;
                (x * inside)? / 6.0 + above
            }
            Op::Dropout { p } if call.mode.drops() => dropout(input(0), *p, call.dropout_seed, id),
            Op::Dropout { .. } => Ok(input(0).clone()),
            Op::Add => input(0) + input(1),
            Op::Mul => input(0).broadcast_mul(input(1)),
            Op::Concat => Tensor::cat(&node.inputs.iter().map(|id| &values[id.0]).collect::<Vec<_>>(), 1),
            Op::MaxPool { kernel, stride } => max_pool(input(0), *kernel, *stride),
            Op::GlobalAvgPool => input(0).mean_keepdim((2, 3)),
            Op::Linear { c_out } => {
                let x = input(0).flatten_from(1)?;
                let y = x.matmul(&weights.get(ParamKind::LinearWeight)?.t()?)?.broadcast_add(weights.get(ParamKind::Bias)?)?;
                y.reshape((x.dim(0)?, *c_out, 1, 1))
            }
            Op::Mixture { layer } => {
                let Some(masks) = call.masks else { bail!("{} needs masks for its mixtures", self.graph.name()) };
                let mask = masks.get(*layer)?;
                let mut sum: Option<Tensor> = None;
                for (k, id) in node.inputs.iter().enumerate() {
                    let part = values[id.0].broadcast_mul(&mask.get(k)?.reshape((1, 1, 1, 1))?)?;
                    sum = Some(match sum {
                        Some(sum) => (sum + part)?,
                        None => part,
                    });
                }
                sum.map_or_else(|| bail!("a mixture of nothing"), Ok)
            }
        }
    }
}

impl Executor for Stock {
    fn forward(&self, call: Call<'_>) -> Result<Vec<Tensor>> {
        let mut tensors = Vec::with_capacity(self.layout.trained().len());
        split(call.params, &self.layout, 0..self.layout.trained().len(), &mut tensors)?;
        let mut values: Vec<Tensor> = Vec::with_capacity(self.graph.nodes().len());
        let mut inputs = call.inputs.iter();
        for (i, node) in self.graph.nodes().iter().enumerate() {
            let id = NodeId(i);
            let value = match node.op {
                Op::Input => match inputs.next() {
                    Some(x) if x.dims().get(1..) == Some(&[node.shape.c, node.shape.h, node.shape.w]) => x.clone(),
                    Some(x) => bail!("input '{}' is {:?}, not [n, {}]", node.name, x.dims(), node.shape),
                    None => bail!("input '{}' is missing", node.name),
                },
                _ => self.node(id, node, &values, &NodeWeights { layout: &self.layout, tensors: &tensors, id }, &call)?,
            };
            values.push(value);
        }
        Ok(self.graph.outputs().iter().map(|(_, id)| values[id.0].clone()).collect())
    }
}

/// The weights of one node.
struct NodeWeights<'a> {
    layout: &'a Layout,
    tensors: &'a [Tensor],
    id: NodeId,
}

impl NodeWeights<'_> {
    fn get(&self, kind: ParamKind) -> Result<&Tensor> {
        match self.layout.trained_index(self.id, kind) {
            Some(i) => Ok(&self.tensors[i]),
            None => bail!("node {} has no {kind:?}", self.id.0),
        }
    }
}

/// Cuts the flat parameters into one tensor a weight, by halves: the gradient of a piece is padded to what it was cut from, so
/// cutting each from the whole would cost (weights × parameters) in the backward pass.
fn split(flat: &Tensor, layout: &Layout, range: std::ops::Range<usize>, out: &mut Vec<Tensor>) -> Result<()> {
    let slots = &layout.trained()[range.clone()];
    match slots {
        [] => {}
        [slot] => out.push(flat.reshape(slot.param.dims.as_slice())?),
        _ => {
            let middle = range.start + slots.len() / 2;
            let cut = layout.trained()[middle].offset - slots[0].offset;
            split(&flat.narrow(0, 0, cut)?, layout, range.start..middle, out)?;
            split(&flat.narrow(0, cut, flat.dim(0)? - cut)?, layout, middle..range.end, out)?;
        }
    }
    Ok(())
}

/// Mean over images and pixels, `[1,c,1,1]`. One dimension after the other: candle adds up in sequence, and a long sum loses digits that
/// training feels.
fn channel_mean(x: &Tensor) -> Result<Tensor> {
    x.mean_keepdim(3)?.mean_keepdim(2)?.mean_keepdim(0)
}

fn move_towards(running: &mut [f32], batch: &[f32], factor: f32) {
    for (r, b) in running.iter_mut().zip(batch) {
        *r = (1.0 - BN_MOMENTUM) * *r + BN_MOMENTUM * factor * b;
    }
}

fn convolution(x: &Tensor, conv: &Conv, weights: &NodeWeights<'_>) -> Result<Tensor> {
    let weight = weights.get(ParamKind::ConvWeight)?;
    let y = if conv.is_depthwise() {
        depthwise(x, weight, conv)?
    } else {
        x.contiguous()?.conv2d(weight, conv.padding, conv.stride, conv.dilation, conv.groups)?
    };
    if conv.bias { y.broadcast_add(&weights.get(ParamKind::Bias)?.reshape((1, conv.c_out, 1, 1))?) } else { Ok(y) }
}

/// Depthwise convolution as a sum over the kernel's taps.
fn depthwise(x: &Tensor, weight: &Tensor, conv: &Conv) -> Result<Tensor> {
    let (k, p) = (conv.kernel, conv.padding);
    let x = x.pad_with_zeros(2, p, p)?.pad_with_zeros(3, p, p)?;
    let taps = taps(&x, k, conv.stride, conv.dilation)?;
    let weight = weight.reshape((1, conv.c_in, k * k, 1, 1))?;
    let mut sum: Option<Tensor> = None;
    for (t, tap) in taps.iter().enumerate() {
        let part = tap.broadcast_mul(&weight.narrow(2, t, 1)?.squeeze(2)?)?;
        sum = Some(match sum {
            Some(sum) => (sum + part)?,
            None => part,
        });
    }
    sum.map_or_else(|| bail!("a kernel without taps"), Ok)
}

/// Largest value of each window. Where several are largest, the first gets the gradient, as in PyTorch.
fn max_pool(x: &Tensor, kernel: usize, stride: usize) -> Result<Tensor> {
    let windows = Tensor::stack(&taps(x, kernel, stride, 1)?, D::Minus1)?;
    let largest = windows.detach().argmax_keepdim(D::Minus1)?;
    windows.gather(&largest, D::Minus1)?.squeeze(D::Minus1)
}

/// What each tap of a `k`×`k` kernel sees, row-major; `[n, c, out_h, out_w]` each.
fn taps(x: &Tensor, k: usize, stride: usize, dilation: usize) -> Result<Vec<Tensor>> {
    let every = |x: &Tensor, dim: usize, tap: usize| -> Result<Tensor> {
        let first = tap * dilation;
        let n = (x.dim(dim)? - dilation * (k - 1) - 1) / stride + 1;
        if stride == 1 { x.narrow(dim, first, n) } else { x.index_select(&positions(first, n, stride, x.device())?, dim) }
    };
    let mut taps = Vec::with_capacity(k * k);
    for dy in 0..k {
        let rows = every(x, 2, dy)?.contiguous()?;
        for dx in 0..k {
            taps.push(every(&rows, 3, dx)?.contiguous()?);
        }
    }
    Ok(taps)
}

fn positions(first: usize, n: usize, stride: usize, device: &Device) -> Result<Tensor> {
    Tensor::from_vec((0..n).map(|i| (first + i * stride) as u32).collect::<Vec<_>>(), n, device)
}

fn dropout(x: &Tensor, p: f32, seed: u64, id: NodeId) -> Result<Tensor> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(id.0 as u64);
    let keep: Vec<f32> = (0..x.elem_count()).map(|_| if rng.random::<f32>() < p { 0.0 } else { 1.0 / (1.0 - p) }).collect();
    x * Tensor::from_vec(keep, x.dims(), x.device())?
}
