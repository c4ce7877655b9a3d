//! Runs with cold caches: what the first picture costs.

use super::canary::Canary;
use super::clock;
use super::error::AgentError;
use super::model::Model;
use crate::protocol::Event;

/// More than the caches of any phone hold. (The last level of a server's may be larger: then it is not emptied.)
const BYTES: usize = 32 << 20;
/// Bytes of a cache line; some have longer ones, none shorter.
const LINE: usize = 64;

/// Memory that is walked through so that the caches hold nothing else.
pub struct Flush(Vec<u8>);

impl Default for Flush {
    /// Takes the memory.
    fn default() -> Self {
        Self(vec![1; BYTES])
    }
}

impl Flush {
    /// Walks through it.
    fn walk(&mut self) {
        for byte in self.0.iter_mut().step_by(LINE) {
            *byte = byte.wrapping_add(1);
        }
        std::hint::black_box(&mut self.0);
    }

    /// One run of the model on empty caches; nothing where another process came between.
    pub(super) fn run(&mut self, model: &mut Model, canary: &mut Canary) -> Result<Option<Event>, AgentError> {
        let before = canary.read();
        self.walk();
        let preemptions = clock::preemptions();
        let us = model.time(1)?;
        if before.preempted || clock::preemptions() != preemptions {
            return Ok(None);
        }
        Ok(Some(Event::Cold { id: model.id().to_string(), us, canary_us: before.us }))
    }
}
