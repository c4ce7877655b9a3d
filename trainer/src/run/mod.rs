//! The folder of a run and its files: checkpoints and metrics; and how a run is interrupted.

mod checkpoint;
mod checkpoint_meta;
mod files;
mod folder;
mod interrupt;
mod measured;
mod metrics;
mod trained_on;

pub use self::files::{read_csv, read_json, sha256_of_file, to_json, write_atomically, write_csv};
pub use checkpoint::{BACKBONE, Checkpoint, PATH_ALPHA, POSE};
pub use checkpoint_meta::{CheckpointError, EPOCHS, Kind, Meta};
pub use folder::{FolderError, FolderLock, RunFolder, Training};
pub use interrupt::Interrupt;
pub use measured::{Bench, MEASURED, measured};
pub use metrics::{EpochKind, MetricsLog, Row};
pub use trained_on::{OtherwiseDivided, TrainedOn};
