//! Training of block graphs on the CPU, and on GPUs ([`gpu`]).
//!
//! ```
//! use blocks::{Builder, Conv, Shape};
//! use kernels::{Arguments, Mode, Plan};
//!
//! // A pointwise convolution from 3 to 16 channels on maps of 8×8.
//! let mut graph = Builder::new("block");
//! let x = graph.input("x", Shape::new(3, 8, 8));
//! let y = graph.conv(x, "conv", Conv::pointwise(3, 16));
//! let plan = Plan::new(&graph.finish(&[("y", y)]));
//!
//! // A batch of two, forward, and the gradients of the sum of all outputs.
//! let (inputs, weights) = (vec![1.0; 2 * 3 * 64], vec![0.5; 16 * 3]);
//! let arguments = Arguments { inputs: &[&inputs], params: &weights, masks: &[] };
//! let (outputs, kept) = plan.forward(arguments, &mut [], Mode::Train, 0);
//! assert_eq!(outputs[0], vec![1.5; 2 * 16 * 64]);
//! let ones = vec![1.0; outputs[0].len()];
//! let gradients = plan.backward(kept, arguments, &[Some(&ones)], true, &[false]);
//! assert_eq!(gradients.params, Some(vec![128.0; 16 * 3]));
//! ```
//!
//! Feature maps are kept in blocks of 16 channels, `[C/16][N][H][W][16]`: every kernel then works on whole vectors of
//! channels, a pointwise convolution is one matrix product over all pixels, and batch norm and ReLU are per lane.
//! Channels are padded with zeros to a multiple of 16.
//!
//! **Values are stored raw.** What is kept of a convolution is its output before batch norm; the operator that reads it applies
//! scale, shift and ReLU on the fly ([`ops::rows`]). The same holds backwards: the gradient with respect to a raw
//! output is computed, row by row, from the gradient behind its batch norm and ReLU. Normalised activations, ReLU masks and
//! gradients of batch norm's input are never in memory as a whole.
//!
//! **The widest values are made twice.** What a pointwise convolution makes for a depthwise one, a block's expansion, is dropped
//! when it has been read and made once more in the backward pass: about a third of all values, for a few per cent of the time.
//!
//! | module | what it holds |
//! |---|---|
//! | [`simd`] | vectors of 16 floats, instruction sets, run-time choice |
//! | [`buffer`] | aligned buffers, reused over steps |
//! | [`ops`] | the kernels: matrix product, depthwise, statistics, pooling, layout |
//! | [`plan`] | a block graph turned into kernel calls, forward and backward |
//! | [`group`] | several processes that share each batch |
//! | [`gpu`] | the same plan on a GPU |
//!
//! Results do not depend on the number of threads: work is cut into a fixed number of [`ops::PARTS`] and sums are taken in their order.

// Kernels walk several arrays and pointers by one index; iterators over one of them would hide that.
#![allow(clippy::needless_range_loop)]

pub mod buffer;
pub mod gpu;
pub mod group;
pub mod ops;
pub mod plan;
pub mod simd;

pub use group::Group;
pub use plan::{Arguments, Cost, Described, Direction, Gradients, Kept, Mode, Plan, Times};
pub use simd::Level;
