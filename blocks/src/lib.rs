//! Search spaces, and every block of them written **once**.
//!
//! A block is a small typed [`Graph`] made by a builder function. Everything else comes from that graph: output shapes,
//! [multiply-adds and parameters](cost), the weights' names, the ONNX file, the reference
//! result that engines are checked against, and the trainer's modules. Nothing else knows what `mb_k3_res` is.
//!
//! | module | what it holds |
//! |---|---|
//! | [`shape`] | `C×H×W` of one image's feature map |
//! | [`graph`] | the graph, its operators and its builder |
//! | [`primitive`] | the 26 block families of the search space |
//! | [`space`] | a search space as data (TOML): layers, candidates, keys |
//! | [`baseline`] | the published network that searched ones are measured against |
//! | [`network`] | whole networks over a space: trunk, supernet, subnet, pose net |
//! | [`cost`] | multiply-adds and parameter counts |
//! | [`weights`] | named weights of a graph, and their initialisation |
//! | [`eval`] | the plain reference result of a graph, slow and obvious |
//! | [`onnx`] | ONNX files, batch norm folded |

pub mod baseline;
pub mod cost;
pub mod eval;
pub mod graph;
pub mod network;
pub mod onnx;
pub mod primitive;
pub mod shape;
pub mod space;
pub mod weights;

pub use graph::{Builder, Conv, Graph, Node, NodeId, Op};
pub use network::{Piece, TrunkPiece};
pub use primitive::Primitive;
pub use shape::Shape;
pub use space::{Candidate, Layer, Space, SpaceError};
pub use weights::Weights;
