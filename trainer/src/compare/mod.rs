//! What a searched network is compared with: random networks of its own latency, the published baseline, and other searches.
//!
//! | module | what it holds |
//! |---|---|
//! | `finished` | a finished run, and whether its files are still the same |
//! | `trainings` | trainings that continue where they stopped, of which longer commands are made |
//! | `random` | random networks about as fast as the searched one |
//! | `baseline` | the published baseline |
//! | `sweep` | searches over β or targets from one warm-up |
//! | `statistics` | searched networks among random ones, at equal time; whole fronts; how much there is to win |
//! | `experiment` | all of these trainings with one seed |
//! | `measure` | exported networks, measured with the profiler |
//! | `findings` | what several seeds say together |
//! | `summary` | several seeds: means, standard deviations, ratios |

mod baseline;
mod error;
mod experiment;
mod findings;
mod finished;
mod measure;
mod random;
mod statistics;
mod summary;
mod sweep;
mod trainings;

pub use baseline::mobilenet;
pub use error::CompareError;
pub use experiment::{Experiment, Others};
pub use findings::Findings;
pub use finished::Finished;
pub use measure::{Measure, MeasureError};
pub use random::{Nets, WINDOW, random, random_networks};
pub use statistics::{
    Adjusted, BetweenFronts, Comparison, Estimate, FrontPoint, PointDifference, Ranking, Spread, Trained, Verdict, Worth,
};
pub use summary::{Figures, PUBLISHED, SeedResult, Summary};
pub use sweep::{Point, Swept, sweep};
pub use trainings::{Context, Ended, ended};
