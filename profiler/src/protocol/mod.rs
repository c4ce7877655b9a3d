//! What host and agent say to each other: a job as one JSON file, events as JSON lines.
//!
//! The agent runs and times; it fits nothing. Its standard output carries events and nothing else.

mod event;
#[cfg(test)]
pub(crate) mod examples;
mod job;

pub use event::{DeviceFacts, EngineFacts, Event, Explanation, Sample, SampleFault, Shaped, SimulatorFacts, Start, Took};
pub use job::{Hold, Input, Item, Job, Plan, Taken, Values};

/// Version of job and events; both sides must have the same.
pub const PROTOCOL: u32 = 7;

/// Name of the job's file in its folder.
pub const JOB_FILE: &str = "job.json";
