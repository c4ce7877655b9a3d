//! What the agent reports to the host: events, one per line.

use std::io::Write;

use engines::EngineInfo;

use super::error::AgentError;
use crate::protocol::{EngineFacts, Event};

/// Writes events, each at once, to where the host reads them.
pub(crate) struct Events<'a>(pub(crate) &'a mut dyn Write);

impl Events<'_> {
    pub(crate) fn send(&mut self, event: &Event) -> Result<(), AgentError> {
        let mut line = serde_json::to_vec(event).map_err(|e| AgentError::Output(e.into()))?;
        line.push(b'\n');
        self.0.write_all(&line).and_then(|()| self.0.flush()).map_err(AgentError::Output)
    }
}

/// The engine as it is reported to the host.
pub(super) fn engine_facts(info: &EngineInfo) -> EngineFacts {
    EngineFacts {
        name: info.name.clone(),
        version: info.version.clone(),
        precision: info.precision.clone(),
        library_sha256: info.library_sha256.clone(),
        build: info.build.clone(),
    }
}
