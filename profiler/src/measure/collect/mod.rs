//! Has a device do a job, keeps its samples, shows how far it is.
//!
//! | module | what it holds |
//! |---|---|
//! | [`setting`] | how a command measures |
//! | [`sizes`] | what models take, and what is planned by that |
//! | `sizing` | a first look at a few models |
//! | [`planned`] | how long and how often to measure |
//! | `passes` | passes over all models on a device with noise |
//! | `once` | a simulated device |
//! | `process` | one process of the agent |
//! | `listener` | the agent's lines |
//! | `bounds` | how much an agent can have to say |
//! | `progress` | how far a job is, for people |
//! | `error` | why a job was not done |

#[cfg(test)]
mod band;
mod bounds;
mod error;
#[cfg(test)]
mod fuzz;
mod listener;
#[cfg(test)]
mod made_up;
mod once;
mod passes;
pub mod planned;
mod process;
mod progress;
pub mod setting;
pub mod sizes;
mod sizing;

use indicatif::MultiProgress;
use terminal::note;

pub use error::CollectError;
pub use setting::Setting;
pub use sizes::Sizes;
pub use sizing::look;

use super::job::JobFolder;
use super::raw::{RawFile, Samples};
use super::subject::Subject;
use crate::devices::Transport;
use crate::devices::identity::OtherDevice;
use crate::protocol::Start;

/// A job to be done, and what is known of it already.
pub struct Task<'a> {
    /// Device, engine, plan.
    pub setting: &'a Setting,
    /// Its files.
    pub folder: JobFolder<'a>,
    /// Samples of earlier runs.
    pub samples: Samples,
    /// Where new lines go.
    pub raw: Option<RawFile>,
    /// Where its progress is shown, beside that of others.
    pub bars: MultiProgress,
    /// What is known of what models take on this device.
    pub sizes: Sizes,
    /// Refuses a device or engine that is not the one wanted, before anything is measured on it.
    pub accept: Option<&'a Accept<'a>>,
}

/// Judges where and with what an agent runs.
pub type Accept<'a> = dyn Fn(&Start) -> Result<(), OtherDevice> + 'a;

impl Task<'_> {
    /// Does it, pass by pass; on a simulated device, which has no noise, once. The raw file is left unfinished where this fails.
    ///
    /// # Errors
    /// [`CollectError`]: interrupted, or whatever happened on the device.
    pub fn run(self) -> Result<(Samples, Option<RawFile>), CollectError> {
        if self.setting.device.is_simulated() { self.run_once() } else { self.run_passes() }
    }
}

/// Whether an item has its one time, and that with cold caches where it is wanted.
pub fn measured_exactly(samples: &Samples, subject: &Subject, cold: bool) -> bool {
    samples.items.get(subject).is_some_and(|item| !item.samples.is_empty() && (!cold || !item.cold.is_empty()))
}

/// Tells the user what the transport has to say.
fn tell(transport: &mut dyn Transport) {
    transport.notices().iter().for_each(note);
}
