//! Settings that no training can start with.

use crate::parallel::ParallelError;
use crate::run::EPOCHS;

/// A setting that no training can start with.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SettingError {
    /// A number that must be above 0.
    #[error("{flag} must be above 0, not {value}")]
    NotPositive {
        /// As typed.
        flag: &'static str,
        /// As given.
        value: f64,
    },
    /// A number that must be at least 0.
    #[error("{flag} must be at least 0, not {value}")]
    Negative {
        /// As typed.
        flag: &'static str,
        /// As given.
        value: f64,
    },
    /// A part that is none.
    #[error("--hold-back is a fraction of the training list and must be at least 0 and below 1, not {0}")]
    HoldBack(f64),
    /// A number of epochs.
    #[error("--end-epoch must be from 1 to {EPOCHS}, not {0}")]
    Epochs(usize),
    /// An empty batch.
    #[error("--batch must be at least 1")]
    EmptyBatch,
    /// A batch for several processes.
    #[error(transparent)]
    Parallel(#[from] ParallelError),
    /// A warm-up that is longer than the search.
    #[error("--start-epoch {start} (the length of the warm-up) is greater than --end-epoch {end}")]
    WarmUp {
        /// Epochs of warm-up.
        start: usize,
        /// Epochs in all.
        end: usize,
    },
    /// Paths on a GPU.
    #[error("--warm-up fair trains on the CPU only; leave out --compute")]
    PathsOnGpu,
    /// A choice by the test list.
    #[error("--choose needs held-back faces (--arch-data split), because the network must not be chosen on the test list")]
    ChoiceByTest,
    /// A choice among nothing.
    #[error("--candidates must be at least 1")]
    NoCandidates,
    /// A halving of nothing, or without training.
    #[error("--finalists and --final-epochs must be at least 1")]
    NoFinalists,
    /// A search for latency without a table.
    #[error("--lut is needed; to search without a table, give --perf-metric flops")]
    NoTable,
    /// A target time without times.
    #[error("--target-us needs times: give --lut, and leave out --perf-metric flops")]
    TargetWithoutTimes,
}

/// The first of some settings that is not above 0.
pub(super) fn positive(settings: &[(&'static str, f64)]) -> Result<(), SettingError> {
    let wrong = settings.iter().find(|(_, value)| !(value.is_finite() && *value > 0.0));
    wrong.map_or(Ok(()), |&(flag, value)| Err(SettingError::NotPositive { flag, value }))
}

/// The first of some settings that is below 0.
pub(super) fn not_negative(settings: &[(&'static str, f64)]) -> Result<(), SettingError> {
    let wrong = settings.iter().find(|(_, value)| !(value.is_finite() && *value >= 0.0));
    wrong.map_or(Ok(()), |&(flag, value)| Err(SettingError::Negative { flag, value }))
}
