//! The plain reference result of a graph, slow and obvious.
//!
//! Inference: batch norm uses its running statistics, dropout is the identity. Sums are taken in 64-bit floats in the order
//! of the formulas and rounded once, so that engines and trained kernels have something independent to be compared with.

use crate::Shape;
use crate::graph::{BN_EPSILON, Conv, Graph, NodeId, Op};
use crate::weights::{WeightError, Weights};

/// Why a graph has no result.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// A weight is missing or has another size.
    #[error(transparent)]
    Weights(#[from] WeightError),
    /// Another number of inputs than the graph has.
    #[error("graph '{graph}' has {expected} inputs, {found} were given")]
    InputCount {
        /// The graph.
        graph: String,
        /// Inputs it has.
        expected: usize,
        /// Inputs given.
        found: usize,
    },
    /// An input with another number of values.
    #[error("input '{name}' has the shape {shape}, but {found} values were given")]
    InputSize {
        /// The input.
        name: String,
        /// Its shape.
        shape: Shape,
        /// Values given.
        found: usize,
    },
    /// A mixture without a mask, or with one of another length.
    #[error("searched layer {} mixes {candidates} candidates; its mask has {found} values", .layer + 1)]
    Mask {
        /// The searched layer, from 0.
        layer: usize,
        /// Candidates it mixes.
        candidates: usize,
        /// Values of the mask; 0 where there is none.
        found: usize,
    },
}

/// The outputs of a graph for one image: `inputs` and outputs in the graph's order, each `C×H×W` row-major.
///
/// # Errors
/// [`EvalError`], where inputs or weights do not fit, or the graph is a supernet ([`evaluate_mixed`]).
pub fn evaluate(graph: &Graph, weights: &Weights, inputs: &[Vec<f32>]) -> Result<Vec<Vec<f32>>, EvalError> {
    evaluate_mixed(graph, weights, inputs, &[])
}

/// [`evaluate`] for a supernet: `masks` holds the weights of each searched layer's candidates.
///
/// # Errors
/// As [`evaluate`], and [`EvalError::Mask`].
pub fn evaluate_mixed(
    graph: &Graph,
    weights: &Weights,
    inputs: &[Vec<f32>],
    masks: &[Vec<f32>],
) -> Result<Vec<Vec<f32>>, EvalError> {
    let ids = graph.inputs();
    if ids.len() != inputs.len() {
        return Err(EvalError::InputCount { graph: graph.name().to_string(), expected: ids.len(), found: inputs.len() });
    }
    let mut given = inputs.iter();
    let mut values: Vec<Vec<f32>> = Vec::new();
    for i in 0..graph.nodes().len() {
        let id = NodeId(i);
        let node = graph.node(id);
        let value = if node.op == Op::Input {
            let value = given.next().cloned().unwrap_or_default();
            if value.len() != node.shape.volume() {
                return Err(EvalError::InputSize { name: node.name.clone(), shape: node.shape, found: value.len() });
            }
            value
        } else {
            let args: Vec<&[f32]> = node.inputs.iter().map(|id| values[id.0].as_slice()).collect();
            compute(graph, id, weights, &args, masks)?
        };
        values.push(value);
    }
    Ok(graph.outputs().iter().map(|(_, id)| values[id.0].clone()).collect())
}

/// The value of one node from its inputs' values.
fn compute(graph: &Graph, id: NodeId, weights: &Weights, args: &[&[f32]], masks: &[Vec<f32>]) -> Result<Vec<f32>, EvalError> {
    let node = graph.node(id);
    let from = graph.node(node.inputs[0]).shape;
    let params: Vec<&[f32]> = graph.node_params(id).iter().map(|p| weights.get(p)).collect::<Result<_, _>>()?;
    let x = args[0];
    Ok(match &node.op {
        Op::Input => x.to_vec(),
        Op::Conv(c) => conv(c, x, from, node.shape, params[0], params.get(1).copied()),
        Op::BatchNorm => {
            let [gamma, beta, mean, var] = [0, 1, 2, 3].map(|i| params[i]);
            let pixels = from.pixels();
            let normal = |(i, &x): (usize, &f32)| {
                let c = i / pixels;
                let deviation = (f64::from(var[c]) + f64::from(BN_EPSILON)).sqrt();
                ((f64::from(x) - f64::from(mean[c])) / deviation * f64::from(gamma[c]) + f64::from(beta[c])) as f32
            };
            x.iter().enumerate().map(normal).collect()
        }
        Op::Relu => x.iter().map(|x| x.max(0.0)).collect(),
        Op::HardSigmoid => x.iter().map(|&x| ((f64::from(x) + 3.0).clamp(0.0, 6.0) / 6.0) as f32).collect(),
        Op::Dropout { .. } => x.to_vec(),
        Op::Add => std::iter::zip(x, args[1]).map(|(a, b)| a + b).collect(),
        Op::Mul => {
            let repeat = x.len() / args[1].len();
            x.iter().enumerate().map(|(i, x)| x * args[1][i / repeat]).collect()
        }
        Op::Concat => args.concat(),
        Op::MaxPool { kernel, stride } => max_pool(x, from, node.shape, *kernel, *stride),
        Op::GlobalAvgPool => {
            let mean = |channel: &[f32]| (channel.iter().map(|&x| f64::from(x)).sum::<f64>() / channel.len() as f64) as f32;
            x.chunks(from.pixels()).map(mean).collect()
        }
        Op::Linear { .. } => {
            let row = |(row, &bias): (&[f32], &f32)| {
                let sum: f64 = std::iter::zip(row, x).map(|(&w, &x)| f64::from(w) * f64::from(x)).sum();
                (sum + f64::from(bias)) as f32
            };
            std::iter::zip(params[0].chunks(x.len()), params[1]).map(row).collect()
        }
        Op::Mixture { layer } => {
            let mask = masks.get(*layer).map_or(&[][..], Vec::as_slice);
            if mask.len() != args.len() {
                return Err(EvalError::Mask { layer: *layer, candidates: args.len(), found: mask.len() });
            }
            let mix = |i| {
                std::iter::zip(mask, args).map(|(&m, arg): (&f32, &&[f32])| f64::from(m) * f64::from(arg[i])).sum::<f64>() as f32
            };
            (0..x.len()).map(mix).collect()
        }
    })
}

fn conv(conv: &Conv, x: &[f32], from: Shape, to: Shape, weight: &[f32], bias: Option<&[f32]>) -> Vec<f32> {
    let (in_group, out_group) = (conv.c_in / conv.groups, conv.c_out / conv.groups);
    let k = conv.kernel;
    // Position in the input of tap `t` of output pixel `o`, if it does not fall into the padding.
    let position =
        |o: usize, t: usize, side: usize| (o * conv.stride + t * conv.dilation).checked_sub(conv.padding).filter(|&i| i < side);
    let mut y = Vec::with_capacity(to.volume());
    for c_out in 0..to.c {
        for row in 0..to.h {
            for column in 0..to.w {
                let mut sum = bias.map_or(0.0, |b| f64::from(b[c_out]));
                for c in 0..in_group {
                    let c_in = c_out / out_group * in_group + c;
                    for (i, j) in (0..k).flat_map(|i| (0..k).map(move |j| (i, j))) {
                        if let (Some(h), Some(w)) = (position(row, i, from.h), position(column, j, from.w)) {
                            let tap = weight[((c_out * in_group + c) * k + i) * k + j];
                            sum += f64::from(tap) * f64::from(x[(c_in * from.h + h) * from.w + w]);
                        }
                    }
                }
                y.push(sum as f32);
            }
        }
    }
    y
}

fn max_pool(x: &[f32], from: Shape, to: Shape, kernel: usize, stride: usize) -> Vec<f32> {
    let mut y = Vec::with_capacity(to.volume());
    for c in 0..to.c {
        for row in 0..to.h {
            for column in 0..to.w {
                let window = (0..kernel).flat_map(|i| (0..kernel).map(move |j| (row * stride + i, column * stride + j)));
                y.push(window.map(|(h, w)| x[(c * from.h + h) * from.w + w]).fold(f32::NEG_INFINITY, f32::max));
            }
        }
    }
    y
}
