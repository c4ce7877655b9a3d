//! Why a job was not done on a device.

use engines::EngineError;
use files::FileError;
use terminal::chain;

use crate::agent::error::crowded;
use crate::devices::identity::OtherDevice;
use crate::devices::{Address, TransportError};
use crate::measure::job::JobError;
use crate::measure::raw::{Kept, RawError};
use crate::show::text::duration;

/// Why there are no samples, or not enough.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// More threads than CPUs on this machine.
    #[error("{}", crowded(*.threads, *.cpus))]
    Crowded {
        /// Threads of the engine.
        threads: usize,
        /// CPUs for them.
        cpus: usize,
    },
    /// A simulated device has one processor.
    #[error("{device} has one processor: leave {option} out")]
    OneProcessor {
        /// The device.
        device: Address,
        /// The option that asks for more.
        option: String,
    },
    /// A file of the job.
    #[error(transparent)]
    File(#[from] FileError),
    /// The job.
    #[error(transparent)]
    Job(#[from] JobError),
    /// The raw sample file.
    #[error(transparent)]
    Raw(#[from] RawError),
    /// The device.
    #[error(transparent)]
    Transport(#[from] TransportError),
    /// The connection to the device broke while it measured.
    #[error("{}{}{}", of_block(.block.as_deref()), chain(.trouble.as_ref()), Kept::remark(.raw.as_ref()))]
    Broken {
        /// How.
        trouble: Box<TransportError>,
        /// The file of the block that it is about.
        block: Option<String>,
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
    /// The agent said that it cannot go on.
    #[error("{device}: {}{reason}{}", of_block(.block.as_deref()), Kept::remark(.raw.as_ref()))]
    Agent {
        /// The device.
        device: String,
        /// The file of the block that it is about.
        block: Option<String>,
        /// What it said.
        reason: String,
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
    /// A user's model that the engine on the device refuses.
    #[error("{device}: {}{reason}", of_block(.block.as_deref()))]
    Refused {
        /// The device.
        device: String,
        /// The file of the block that it is about.
        block: Option<String>,
        /// What the agent said.
        reason: String,
    },
    /// Another device or engine than the one asked for.
    #[error(transparent)]
    OtherDevice(#[from] OtherDevice),
    /// A budget in which the least number of samples cannot be taken.
    #[error("--budget {} is too short: {samples} samples of each model take {}; leave --budget out", duration(*.ms), duration(*.least_ms))]
    ShortBudget {
        /// What was given, in ms.
        ms: f64,
        /// What is needed, in ms.
        least_ms: f64,
        /// Samples of each model.
        samples: usize,
    },
    /// Too few samples that can be used.
    #[error("too few valid samples for {}: {advice}{}", listed(.ids), Kept::remark(.raw.as_ref()))]
    TooFew {
        /// Items with too few.
        ids: Vec<String>,
        /// What to do.
        advice: String,
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
    /// Ctrl-C.
    #[error("interrupted{}", Kept::remark(.raw.as_ref()))]
    Interrupted {
        /// Where the samples so far are.
        raw: Option<Kept>,
    },
}

impl CollectError {
    /// With the file of the block that it is about.
    pub(super) fn about(mut self, file: Option<String>) -> Self {
        if let Self::Agent { block, .. } | Self::Refused { block, .. } | Self::Broken { block, .. } = &mut self {
            *block = file;
        }
        self
    }
}

/// How a message about a block begins.
fn of_block(file: Option<&str>) -> String {
    file.map(|file| format!("{file}: ")).unwrap_or_default()
}

/// How many items a message names.
const NAMED: usize = 3;

/// The first few of these names, and how many there are beside them: a space has hundreds of items.
fn listed(ids: &[String]) -> String {
    let named = ids[..ids.len().min(NAMED)].join(", ");
    match ids.len().saturating_sub(NAMED) {
        0 => named,
        more => format!("{named} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_names_a_few_of_many_models() {
        let ids: Vec<String> = (0..5).map(|id| format!("m{id}")).collect();
        assert_eq!(listed(&ids[..3]), "m0, m1, m2");
        assert!(listed(&ids).contains("m2") && listed(&ids).contains(" 2 ") && !listed(&ids).contains("m3"));
    }
}
