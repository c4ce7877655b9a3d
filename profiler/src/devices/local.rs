//! This machine: the agent is this very program in a process of its own.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use engines::{Delivery, EngineError, EngineKind};

use super::error::TransportError;
use super::stream::{self, Ended, Flow};
use super::transport::Transport;

/// The local device. Its folder is the host's.
#[derive(Default)]
pub struct Local {
    folder: PathBuf,
}

impl Transport for Local {
    fn name(&self) -> String {
        "local".to_string()
    }

    fn library(&mut self, engine: EngineKind, given: Option<&Path>) -> Result<Option<String>, TransportError> {
        match engine.entry().delivery {
            Delivery::Library(library) => {
                let found = library.find(given).map_err(EngineError::from)?;
                library.check(&found).map_err(EngineError::from)?;
                // The agent runs in another folder.
                let found = std::path::absolute(&found).unwrap_or(found);
                Ok(Some(found.to_string_lossy().into_owned()))
            }
            Delivery::Linked => Ok(None),
        }
    }

    fn push(&mut self, folder: &Path) -> Result<(), TransportError> {
        self.folder = folder.to_path_buf();
        Ok(())
    }

    fn run(&mut self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, TransportError> {
        let program = std::env::current_exe();
        let start = |source| TransportError::Start { program: "(this program)".to_string(), source };
        let program = program.map_err(start)?;
        let child = Command::new(&program)
            .arg("agent")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C reaches the host alone, which then ends the agent in good order.
            .process_group(0)
            .spawn()
            .map_err(|source| TransportError::Start { program: program.display().to_string(), source })?;
        stream::follow(child, on_line)
    }

    fn clean(&mut self) -> Result<(), TransportError> {
        // The folder is the host's own temporary one.
        Ok(())
    }

    fn remove_all(&mut self) -> Result<(), TransportError> {
        // Nothing is brought anywhere.
        Ok(())
    }
}
