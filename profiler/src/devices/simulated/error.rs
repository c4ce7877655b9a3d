//! Trouble with a simulated device.

use std::path::PathBuf;

use emulator::EmulatorError;
use engines::EngineKind;
use files::FileError;
use simulator::ChipError;

/// Why a simulated device does not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum SimulationError {
    /// The chip.
    #[error(transparent)]
    Chip(#[from] ChipError),
    /// An engine that cannot be simulated.
    #[error("{engine} cannot be run on a simulated device: {reason}; use {}", engines_that_can())]
    Engine {
        /// The engine.
        engine: EngineKind,
        /// Why not.
        reason: &'static str,
    },
    /// QEMU or the plugin.
    #[error(transparent)]
    Emulator(#[from] EmulatorError),
    /// A model's simulation is not to be used.
    #[error("the simulation of '{id}' cannot be used")]
    Report {
        /// The item.
        id: String,
        /// Why.
        source: EmulatorError,
    },
    /// The agent is no program that can be simulated.
    #[error("the agent {path} cannot be simulated: {reason}")]
    Agent {
        /// The agent.
        path: PathBuf,
        /// Why not.
        reason: &'static str,
    },
    /// The agent, or QEMU with it, ended before it was done.
    #[error("the agent ended early at '{id}' ({how}){}", if .said.is_empty() { String::new() } else { format!("\n{}", .said) })]
    Ended {
        /// The item.
        id: String,
        /// How: `signal 11`.
        how: String,
        /// What it wrote to standard error.
        said: String,
    },
    /// The agent waits for what never comes.
    #[error("the agent made no progress on '{id}' for {seconds} s and was stopped")]
    Waits {
        /// The item.
        id: String,
        /// For how long.
        seconds: u64,
    },
    /// The agent computes without end.
    #[error("the agent computes '{id}' without end: no output for {seconds} s; it was stopped")]
    Endless {
        /// The item.
        id: String,
        /// For how long.
        seconds: u64,
    },
    /// The agent of one model is not that of another.
    #[error(
        "the agent describes itself differently for '{id}' than before; if it was replaced during the run, run the command again"
    )]
    Unlike {
        /// The item.
        id: String,
    },
    /// The agent omits what it was asked for, or its output is invalid.
    #[error("unexpected answer from the agent at '{id}': {reason}")]
    Odd {
        /// The item.
        id: String,
        /// What is odd.
        reason: String,
    },
    /// A file of the host.
    #[error(transparent)]
    File(#[from] FileError),
}

/// The engines that can be simulated, as options.
fn engines_that_can() -> String {
    let can = EngineKind::ALL.into_iter().filter(|engine| engine.not_simulated().is_none());
    can.map(|engine| format!("--engine {engine}")).collect::<Vec<_>>().join(" or ")
}

impl SimulationError {
    /// The model that it is about, where it is about one.
    pub fn model(&self) -> Option<&str> {
        match self {
            Self::Report { id, .. }
            | Self::Ended { id, .. }
            | Self::Waits { id, .. }
            | Self::Endless { id, .. }
            | Self::Unlike { id }
            | Self::Odd { id, .. } => Some(id),
            Self::Chip(_) | Self::Engine { .. } | Self::Emulator(_) | Self::Agent { .. } | Self::File(_) => None,
        }
    }

    /// Whether what was asked for is at fault, and not the machine.
    pub fn is_by_user(&self) -> bool {
        matches!(self, Self::Chip(_) | Self::Engine { .. })
    }
}
