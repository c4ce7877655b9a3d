//! Why a check gives no result, or fails.

use std::path::PathBuf;

use luts::{LookupError, TableError};

use crate::devices::identity::OtherDevice;
use crate::measure::collect::CollectError;
use crate::measure::job::JobError;
use crate::measure::raw::RawError;

/// What is wrong with a table or with its check.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// Table
    #[error(transparent)]
    Table(#[from] TableError),
    /// The table has no figure for a network.
    #[error("the table cannot be used")]
    Lookup(#[from] LookupError),
    /// The table states no canary.
    #[error("{path} has no reference kernel (canary), so it cannot be compared")]
    NoCanary {
        /// Table
        path: PathBuf,
    },
    /// No network is left that the table was not fitted to.
    #[error("{path} was fitted to all networks of its search space, so none is left for a check")]
    AllKnown {
        /// Table
        path: PathBuf,
    },
    /// The agent's canary is another loop than the table's.
    #[error("{path} was measured with another reference kernel (canary); build it again")]
    OtherCanary {
        /// Table
        path: PathBuf,
    },
    /// A measured table cannot be checked in an emulator.
    #[error("{path} was measured on hardware; this device is an emulator")]
    Emulator {
        /// Table
        path: PathBuf,
    },
    /// The file holds another table than at the start of the check.
    #[error("{path} was replaced during this check; its header is not changed. Run the check again")]
    Replaced {
        /// Table
        path: PathBuf,
    },
    /// An anchor that is no network of the space.
    #[error("{path}: its network '{architecture}' does not belong to the space")]
    Anchor {
        /// Table
        path: PathBuf,
        /// The anchor.
        architecture: String,
    },
    /// A table of another device or engine than what is measured.
    #[error(transparent)]
    OtherDevice(#[from] OtherDevice),
    /// The networks cannot be prepared.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The networks were not measured.
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The raw sample file.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The table's error is too large.
    #[error("the mean absolute error is {:.2} %, more than {} %", 100.0 * .mape, 100.0 * .allowed)]
    Failed {
        /// Mean absolute error, a share.
        mape: f64,
        /// The largest that passes.
        allowed: f64,
    },
    /// The conditions allow no verdict.
    #[error(
        "the check was disturbed: no verdict, the table's header is not changed:{}\nStop other programs on the device \
         and check again",
        .reasons.iter().map(|r| format!("\n  {r}")).collect::<String>()
    )]
    Disturbed {
        /// What disturbed it.
        reasons: Vec<String>,
    },
}
