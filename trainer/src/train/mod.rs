//! Training: one loop over epochs for all phases and all tasks.
//!
//! | module | what it holds |
//! |---|---|
//! | `training_loop` | epochs, checkpoints, metrics, progress, resuming |
//! | `phase` | what a phase tells the loop: its passes, its state, how it is judged |
//! | `search`, `search_input` | the search: weights and architecture of a supernet in turn, then the choice; what it reads and checks first |
//! | `subnets`, `trial` | how good the subnets of a supernet are; one is chosen among them |
//! | `finetune` | the finetune: the weights of one network, a chosen subnet or the baseline |
//! | `pass` | one pass over a list |
//! | `steps` | what the steps of a search train and see |
//! | `config` | `config.toml`: the settings of a run |
//! | `setting` | settings that no training can start with |

mod config;
mod error;
mod finetune;
mod pass;
mod phase;
mod search;
mod search_input;
mod setting;
mod steps;
mod subnets;
mod training_loop;
mod trial;

pub use config::{ConfigError, FinetuneConfig, RunConfig, SearchConfig, TrainConfig, digest};
pub use error::TrainError;
pub use finetune::{Finetune, Finetuned, HELD_BACK, TEST, judged_on};
pub use pass::{Passed, Stopped, Watch};
pub use phase::{Figures, Judged, Phase, WARM_UP};
pub use search::{Found, Search};
pub use search_input::{ARCH_FRACTION, examine};
pub use setting::SettingError;
pub use steps::{ArchData, ArchPaths, WarmUp};
pub use training_loop::{Start, TrainingLoop};
