//! What is known of a device before anything is brought to it.

#[cfg(not(target_os = "android"))]
use std::time::Duration;

#[cfg(not(target_os = "android"))]
use super::remote::{ConnectionError, Shell};
use crate::hardware::{Files, Knowledge};

/// How long a device may take to show its files.
#[cfg(not(target_os = "android"))]
const LIMIT: Duration = Duration::from_secs(30);

/// A device, as far as it is known.
#[derive(Clone, Debug)]
pub struct Description {
    /// What `--device` takes.
    pub device: String,
    /// Model, chip, processors, sensors.
    pub knowledge: Knowledge,
    /// What is missing to measure on it.
    pub trouble: Option<String>,
}

impl Description {
    /// Of this machine.
    pub fn here() -> Self {
        Self { device: "local".to_string(), knowledge: Knowledge::of(&Files::here()), trouble: None }
    }

    /// Of a device with a shell.
    ///
    /// # Errors
    /// [`ConnectionError`].
    #[cfg(not(target_os = "android"))]
    pub fn asked(mut shell: impl Shell) -> Result<Self, ConnectionError> {
        let text = shell.output("show what it is", &Files::command(), LIMIT)?;
        Ok(Self { device: shell.name(), knowledge: Knowledge::of(&Files::parse(&text)), trouble: None })
    }
}
