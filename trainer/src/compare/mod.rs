//! What a searched network is compared with: random networks of its own latency, the published baseline, and other searches.
//!
//! | module | what it holds |
//! |---|---|
//! | `finished` | a finished run, and whether its files are still the same |
//! | `trainings` | trainings that continue where they stopped, of which longer commands are made |
//! | `random` | random networks about as fast as the searched one |
//! | `baseline` | the published baseline |
//! | `sweep` | searches over β or targets from one warm-up |
//! | `statistics` | the searched network among random ones, at equal time |
//! | `experiment` | all of these trainings with one seed |
//! | `measure` | exported networks, measured with the profiler |
//! | `summary` | several seeds: means, standard deviations, ratios |

mod baseline;
mod error;
mod experiment;
mod finished;
mod measure;
mod random;
mod statistics;
mod summary;
mod sweep;
mod trainings;

pub use baseline::mobilenet;
pub use error::CompareError;
pub use experiment::Experiment;
pub use finished::Finished;
pub use measure::{Measure, MeasureError};
pub use random::{WINDOW, random, random_networks};
pub use statistics::{Adjusted, Comparison, Estimate, Spread, Trained, Verdict};
pub use summary::{Figures, PUBLISHED, SeedResult, Summary};
pub use sweep::{Point, Swept, sweep};
pub use trainings::{Context, Ended, ended};
