//! The latency table: the latency of each block and each trunk piece on a device, and where the figures come from.
//!
//! A table is a CSV file whose comment lines hold TOML (`pandas.read_csv(…, comment='#')` reads the rows). A faulty table
//! is refused: whatever is missing, contradictory or truncated is an error that names every key at fault, never a zero.
//!
//! ```
//! use blocks::Space;
//! use luts::{LatencyModel, Table};
//!
//! let space = Space::load("pfld")?;
//! # let path = concat!(env!("CARGO_MANIFEST_DIR"), "/amd-epyc.csv");
//! // let path = "phone.csv";
//! let table = Table::read_for(path, &space)?;
//! let model = LatencyModel::new(&table, &space)?;
//! // A candidate's place in each layer: mb_k3_res, sep_k3, mb_k3_e2_res, mb_k5_res, gh_k5.
//! println!("{:.1}", model.predict(&[0, 5, 1, 4, 8])?.total);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what it holds |
//! |---|---|
//! | [`units`] | microseconds, megahertz, degrees: never a bare number |
//! | [`header`] | where a table comes from |
//! | [`folder`] | what a table states of a space of ONNX files |
//! | [`layout`] | a space's layers and keys, as a table is read for it |
//! | [`row`] | one measurement, and its columns |
//! | [`table`] | the table: look-up, checks against a space |
//! | [`model`] | the latency of any network of a space, as one table gives it |
//! | [`mod@file`] | reading (streamed, bounded) and writing (whole or not at all) |
//! | [`nni`] | NNI's tables, read and written |
//! | `order` | how well two orders agree: Kendall's tau |
//! | [`fault`] | everything that can be wrong with a table |

pub mod fault;
pub mod file;
pub mod folder;
pub mod header;
pub mod layout;
pub mod model;
pub mod nni;
mod order;
pub mod row;
pub mod table;
pub mod units;

pub use fault::{Fault, LookupError, TableError};
pub use file::write_whole;
pub use files::Overwrite;
pub use folder::{Folder, NamedKey, Slot};
pub use header::{
    Anchor, Canary, Checked, ClockBand, Cluster, Device, EngineId, Fit, Header, ModelError, Simulator, Source, SpaceId,
    TemperatureBand, Units,
};
pub use layout::{Layer, Layout};
pub use model::{LatencyModel, Prediction};
pub use order::kendall_tau;
pub use row::{Discarded, Interval, Kind, Quantiles, Row, Shapes, TRUNK_PREFIX, trunk_key, trunk_piece};
pub use table::Table;
pub use units::{Celsius, Megahertz, Micros};
