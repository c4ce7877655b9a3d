//! Why NNI's table cannot be read, or ours not be written for NNI.

use std::path::PathBuf;

use super::npy::NpyError;
use super::text::TextError;
use crate::{Fault, LookupError, TableError};

/// Why an import or export came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum NniError {
    /// Neither of NNI's two forms.
    #[error("{path}: the name of an NNI table must end in .npy or .txt; rename the file")]
    Extension {
        /// The file.
        path: PathBuf,
    },
    /// Something else, as downloads leave it.
    #[error("{path} {impostor}")]
    Impostor {
        /// The file.
        path: PathBuf,
        /// What it is.
        impostor: files::Impostor,
    },
    /// More than a table can need.
    #[error("{path} is longer than {limit} bytes and cannot be a table of latencies")]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Most bytes.
        limit: u64,
    },
    /// A form that does not state its unit.
    #[error("{path} does not state the unit of its values; give --unit us, ms or macs (by default, NNI writes multiply-adds)")]
    NoUnit {
        /// The file.
        path: PathBuf,
    },
    /// Multiply-adds passed off as a time.
    #[error("{path}: its values are exactly the candidates' multiply-adds, not times; give --unit macs")]
    Macs {
        /// The file.
        path: PathBuf,
    },
    /// A `lut.npy` that cannot be read.
    #[error("{path}: {source}")]
    Npy {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: NpyError,
    },
    /// A `lut.txt` that cannot be read.
    #[error("{path}:{source}")]
    Text {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: TextError,
    },
    /// Another number of layers.
    #[error("{path} has {found} layers, space {space} has {expected}; give the space it was made for with --space")]
    Layers {
        /// The file.
        path: PathBuf,
        /// Space's name.
        space: String,
        /// Its layers.
        expected: usize,
        /// The file's.
        found: usize,
    },
    /// Read, but it makes no table; all faults at once.
    #[error("{path} cannot be converted to a table of search space {space}:{}{}", .faults.iter().map(|f| format!("\n  {f}")).collect::<String>(), remedy(.faults))]
    Faults {
        /// The file.
        path: PathBuf,
        /// Space's name.
        space: String,
        /// All that was found.
        faults: Vec<Fault>,
    },
    /// Our table, or a file.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Our table has no figure.
    #[error(transparent)]
    Lookup(#[from] LookupError),
}

fn remedy(faults: &[Fault]) -> &'static str {
    if faults.iter().any(|f| matches!(f, Fault::Duplicate { .. })) {
        "\nlayers of the same shapes share a row; --mean averages their values"
    } else {
        ""
    }
}
