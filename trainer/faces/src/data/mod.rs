//! Data folders, splits of a list, and batches made in the background.

mod dataset;
mod loader;
mod queue;
mod split;
mod store;

pub use dataset::{Dataset, DatasetOptions, Draw, Sample, Split};
pub use loader::{Batch, Batches, Loader, LoaderOptions, Share};
