//! Search spaces, and every block of them written **once**.
//!
//! A block is a small typed [`Graph`] made by a builder function. Everything else comes from that graph: output shapes,
//! [multiply-adds and parameters](cost), the weights' names, the ONNX file, the reference
//! result that engines are checked against, and the trainer's modules. Nothing else knows what `mb_k3_res` is.
//!
//! ```
//! use blocks::{Space, Weights, onnx};
//!
//! let space = Space::load("pfld")?;
//! // A network: one primitive for each of the five searched layers, 106 landmarks.
//! let choice = space.choice(&["mb_k3_res", "sep_k3", "mb_k3_e2_res", "mb_k5_res", "gh_k5"])?;
//! let network = space.deployed(&choice, 106);
//! println!("{} multiply-adds", network.macs());
//! let file = onnx::model(&network, &Weights::for_measuring(&network, 1), &onnx::Options::default())?;
//! assert_eq!(onnx::inspect(&file)?.macs, Some(network.macs()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`shape`] | `C×H×W` of one image's feature map |
//! | [`graph`] | the graph, its operators and its builder |
//! | [`primitive`] | the kinds of blocks of the search spaces: NNI's 26, and 14 of outer layers |
//! | [`family`] | what parts of networks have in common beside their shapes |
//! | [`misfit`] | why a primitive cannot stand at a layer |
//! | [`space`] | a search space as data: layers, candidates, keys |
//! | [`space_file`] | a search space read from TOML |
//! | [`space_fault`] | what may be wrong with such a space, and where |
//! | [`space_folder`] | a search space of your own blocks: a folder of ONNX files |
//! | [`measurable`] | what both kinds of spaces have in common for measuring |
//! | [`primitive_space`] | a space of primitives as it is measured |
//! | [`baseline`] | the published network that searched ones are measured against |
//! | [`layer`] | the shapes of a searchable position |
//! | [`trunk`] | the fixed part of a network |
//! | [`trunk_fault`] | why layers do not fit it |
//! | [`trunk_piece`] | its pieces |
//! | [`network`] | whole networks over a space: supernet, subnet, pose network |
//! | [`cost`] | multiply-adds and parameter counts |
//! | [`weights`] | named weights of a graph, and their initialisation |
//! | [`eval`] | the plain reference result of a graph, slow and simple |
//! | [`onnx`] | ONNX files, batch norm folded |

pub mod baseline;
pub mod cost;
pub mod eval;
pub mod family;
pub mod graph;
pub mod layer;
pub mod measurable;
pub mod misfit;
pub mod network;
pub mod onnx;
mod outer;
mod parts;
pub mod primitive;
pub mod primitive_space;
pub mod shape;
pub mod space;
pub mod space_fault;
pub mod space_file;
pub mod space_folder;
mod space_layers;
pub mod trunk;
pub mod trunk_fault;
pub mod trunk_piece;
pub mod weights;

pub use family::Family;
pub use graph::{Builder, Conv, Graph, Node, NodeId, Op};
pub use layer::Layer;
pub use measurable::{Measurable, PartId};
pub use misfit::Misfit;
pub use primitive::Primitive;
pub use primitive_space::PrimitiveSpace;
pub use shape::Shape;
pub use space::{Candidate, SearchLayer, Space};
pub use space_fault::SpaceFault;
pub use space_file::SpaceError;
pub use space_folder::SpaceFolder;
pub use trunk_piece::{Piece, TrunkPiece};
pub use weights::Weights;
