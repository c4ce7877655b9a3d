//! This machine as a transport.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use engines::library::{Library, LibraryError};
use engines::{Delivery, EngineKind};

use super::error::LocalError;
use crate::devices::error::TransportError;
use crate::devices::stream::{self, Ended, Flow};
use crate::devices::transport::Transport;

/// The local device. Its folder is the host's.
#[derive(Default)]
pub struct Local {
    folder: PathBuf,
}

impl Local {
    /// Starts this program as the agent on the job.
    fn start(&self) -> Result<Child, LocalError> {
        let program =
            std::env::current_exe().map_err(|source| LocalError::Start { program: "(this program)".to_string(), source })?;
        Command::new(&program)
            .arg("agent")
            .arg(&self.folder)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A group of its own: Ctrl-C reaches the host alone, which then ends the agent in good order.
            .process_group(0)
            .spawn()
            .map_err(|source| LocalError::Start { program: program.display().to_string(), source })
    }
}

impl Transport for Local {
    fn name(&self) -> String {
        "local".to_string()
    }

    fn library(&mut self, engine: EngineKind, given: Option<&Path>) -> Result<Option<String>, TransportError> {
        match engine.entry().delivery {
            Delivery::Library(library) => Ok(Some(find(library, given).map_err(LocalError::from)?)),
            Delivery::Linked => Ok(None),
        }
    }

    fn push(&mut self, folder: &Path) -> Result<(), TransportError> {
        self.folder = folder.to_path_buf();
        Ok(())
    }

    fn run(&mut self, on_line: &mut dyn FnMut(&[u8]) -> Flow) -> Result<Ended, TransportError> {
        let agent = self.start()?;
        Ok(stream::follow(agent, on_line).map_err(LocalError::from)?)
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

/// The engine's library, checked, as an absolute path: the agent runs in another folder.
fn find(library: &'static Library, given: Option<&Path>) -> Result<String, LibraryError> {
    let found = library.find(given)?;
    library.check(&found)?;
    let found = std::path::absolute(&found).unwrap_or(found);
    Ok(found.to_string_lossy().into_owned())
}
