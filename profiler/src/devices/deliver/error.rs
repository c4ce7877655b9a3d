//! Why there is no agent or no engine library for a device.

use std::path::PathBuf;

use engines::elf::System;
use engines::library::Library;
use files::FileError;

/// Why nothing can be brought to a device.
#[derive(Debug, thiserror::Error)]
pub enum DeliveryError {
    /// No agent for this kind of device.
    #[error("no agent for {device} ({abi}); searched{}\n{advice}", .tried.iter().map(|t| format!("\n  {t}")).collect::<String>())]
    NoAgent {
        /// The device.
        device: String,
        /// Its kind.
        abi: String,
        /// Where it was looked for.
        tried: Vec<String>,
        /// How to get one.
        advice: &'static str,
    },
    /// No engine library for this kind of device.
    #[error(
        "no {} for {device} ({abi}); searched{}\nname one with --engine-lib; for an agent for Linux, `{}` fetches it",
        .needed.title,
        .tried.iter().map(|t| format!("\n  {t}")).collect::<String>(),
        .needed.setup_for_agents()
    )]
    NoEngine {
        /// The engine's library.
        needed: &'static Library,
        /// The device.
        device: String,
        /// Its kind.
        abi: String,
        /// Where it was looked for.
        tried: Vec<String>,
    },
    /// An engine library that is not the one of its first use.
    #[error(
        "{path} has changed since its first use (SHA-256 {found}, recorded {noted}). The latencies of two builds of one version can differ by up to 1.5 ×. \
         If you replaced it on purpose, remove its line from {lock}"
    )]
    EngineChanged {
        /// The file.
        path: PathBuf,
        /// Its hash at the first use.
        noted: String,
        /// Its hash now.
        found: String,
        /// The lock file.
        lock: PathBuf,
    },
    /// A file for another kind of device.
    #[error("{path} cannot be used on {device}: {reason}")]
    WrongFile {
        /// The file on the host.
        path: PathBuf,
        /// The device.
        device: String,
        /// Why.
        reason: String,
    },
    /// An agent and a library that cannot work together.
    #[error("{library} is a library for {library_system}, the agent {agent} is a program for {agent_system}: both must be for the same system.\n{}", one_kind(.needed, *.agent_system))]
    Kinds {
        /// The engine's library.
        needed: &'static Library,
        /// Its file.
        library: PathBuf,
        /// What it is made for.
        library_system: System,
        /// The agent.
        agent: PathBuf,
        /// What it is made for.
        agent_system: System,
    },
    /// A file of the host.
    #[error(transparent)]
    File(#[from] FileError),
}

/// How agent and library become of one kind.
fn one_kind(needed: &Library, agent: System) -> String {
    match agent {
        System::Android => format!(
            "Name Android's library with --engine-lib ({}), or use an agent that can load this one: scripts/build-agent.sh in a clone of \
             the project builds it; unset BLOCKTIME_AGENT",
            needed.in_apps
        ),
        System::Linux => format!(
            "Leave --engine-lib out (`{}` fetches the library for this agent), or build an agent for Android, with cross \
             (docs/src/engines.md in a clone of the project)",
            needed.setup_for_agents()
        ),
    }
}
