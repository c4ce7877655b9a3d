//! A run's folder: configuration, metrics, checkpoints, and how a run is interrupted.

mod checkpoint;
mod config;
mod files;
mod folder;
mod interrupt;
mod metrics;
mod trained_on;

pub use checkpoint::{Checkpoint, CheckpointError, EPOCHS, Kind, Meta};
pub(crate) use config::digest;
pub use config::{ArchData, ConfigError, FinetuneConfig, LatencyScope, PerfMetric, Resolver, RunConfig, SearchConfig, resolve};
pub use files::{FileError, sha256_of_file, write_atomically};
pub use folder::{FolderError, FolderLock, RunFolder, Stage};
pub use interrupt::Interrupt;
pub use metrics::{MetricsLog, Phase, Row};
pub use trained_on::TrainedOn;
